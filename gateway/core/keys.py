"""Names of everything Pilote keeps in Redis.

The hash tag `{tenant/cell}` keeps all that one admission touches in one slot of a cluster. A tenant has one cell, "0",
until it needs more.
"""

from typing import Final

NOBODY: Final = "_"
"""Tenant of calls whose caller could not be identified: they are recorded too. No revision may name a tenant so."""

STREAMS: Final = "pilote:{directory}:streams"
"""Set of all decision streams that were ever written to; the audit writer reads each of them."""

REVISIONS: Final = "pilote:{revisions}"
"""Prefix of the published revisions, all in one slot, so that activation can be one compare-and-set."""


def cell(tenant: str) -> str:
    """Prefix of a tenant's keys."""
    return f"pilote:{{{tenant}/0}}"


def decisions(tenant: str) -> str:
    """Stream of a tenant's decisions, the durable buffer in front of the decision store."""
    return f"{cell(tenant)}:decisions"


def facts(tenant: str, subject_ref: str) -> str:
    """What is known of one subject."""
    return f"{cell(tenant)}:facts:{subject_ref}"


def bucket(tenant: str, kind: str, *, limit: str, by: str) -> str:
    """One counted bucket. Its kind is in the key, since the next revision may give a cap the name of a limit."""
    return f"{cell(tenant)}:bucket:{kind}:{limit}:{by}"


def score(tenant: str, subject_ref: str) -> str:
    """The contacts with one subject that weigh on the score of contact pressure."""
    return bucket(tenant, "score", limit="pressure", by=f"subject={subject_ref}")


def taken(tenant: str, decision: str) -> str:
    """What a call has taken of budgets: a hash from the bucket's key to "part amount", until it is settled."""
    return f"{cell(tenant)}:taken:{decision}"


def awaited(tenant: str, decision: str) -> str:
    """The caps that wait for the delivery of a contact: a hash from their log to "open maximum keep_ms"."""
    return f"{cell(tenant)}:awaited:{decision}"


def outcomes(tenant: str) -> str:
    """Stream of what customers did after contacts."""
    return f"{cell(tenant)}:outcomes"


def event(tenant: str, decision: str, event: str) -> str:
    """Mark of an outcome that was told already."""
    return f"{cell(tenant)}:event:{decision}:{event}"


def recounted(tenant: str, decision: str) -> str:
    """Mark of a call that was let through while the store was down, and is counted by now."""
    return f"{cell(tenant)}:recounted:{decision}"


def stops(tenant: str) -> str:
    """What is halted of a tenant: a hash from what to why."""
    return f"{cell(tenant)}:stops"


def hold(tenant: str, hold_id: str) -> str:
    """One call that is kept: for a person, or until a time."""
    return f"{cell(tenant)}:hold:{hold_id}"


def holds_due(tenant: str) -> str:
    """All holds, by the time at which something must be done about them."""
    return f"{cell(tenant)}:holds:due"


def holds_open(tenant: str) -> str:
    """Holds that are not over, by the time they were made."""
    return f"{cell(tenant)}:holds:open"


def holds_changes(tenant: str) -> str:
    """Counts the changes of all holds, so that who waits for one need not look at it in vain."""
    return f"{cell(tenant)}:holds:changes"


def hold_request(tenant: str, hold_id: str, *, attempt: int) -> str:
    """The idempotency key of one attempt to make a held call. No agent's key can be the same."""
    return f"{hold(tenant, hold_id)}:request:{attempt}"


def failures(tenant: str) -> str:
    """Rules of a tenant that failed at run time: a hash from the rule to what is known of its failures."""
    return f"{cell(tenant)}:failures"


def failures_written(tenant: str, writer: str) -> str:
    """Number of the last batch of failures that a gateway has written."""
    return f"{cell(tenant)}:failures:written:{writer}"


def idempotency(tenant: str, agent: str, key: str) -> str:
    """The first call with an idempotency key; keys of different agents never meet."""
    return f"{cell(tenant)}:request:{agent}:{key}"
