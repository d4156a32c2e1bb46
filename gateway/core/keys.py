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


def idempotency(tenant: str, agent: str, key: str) -> str:
    """The first call with an idempotency key; keys of different agents never meet."""
    return f"{cell(tenant)}:request:{agent}:{key}"
