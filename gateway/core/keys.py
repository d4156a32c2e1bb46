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


def failures(tenant: str) -> str:
    """Rules of a tenant that failed at run time: a hash from the rule to what is known of its failures."""
    return f"{cell(tenant)}:failures"


def failures_written(tenant: str, writer: str) -> str:
    """Number of the last batch of failures that a gateway has written."""
    return f"{cell(tenant)}:failures:written:{writer}"


def idempotency(tenant: str, agent: str, key: str) -> str:
    """The first call with an idempotency key; keys of different agents never meet."""
    return f"{cell(tenant)}:request:{agent}:{key}"
