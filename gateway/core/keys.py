"""Names of everything Pilote keeps in Redis.

The hash tag `{tenant/cell}` keeps all that one admission touches in one slot of a cluster. A tenant has one cell, 0,
until its policy says that it has more; every key of a tenant begins with its cell's prefix.
"""

from typing import Final, NewType

Cell = NewType("Cell", str)
"""Prefix of all keys of one cell, as `cell` makes it; a type of its own, so that nobody passes a tenant's name."""

NOBODY: Final = "_"
"""Tenant of calls whose caller could not be identified: they are recorded too. No revision may name a tenant so."""

STREAMS: Final = "pilote:{directory}:streams"
"""Set of all decision streams that were ever written to; the audit writer reads each of them."""

REVISIONS: Final = "pilote:{revisions}"
"""Prefix of the published revisions, all in one slot, so that activation can be one compare-and-set."""

CELLS: Final = f"{REVISIONS}:cells"
"""Hash from tenant to how many cells its keys are spread over; see `gateway.adapters.cells`."""


def moving(tenant: str) -> str:
    """Exists from when a tenant was moved to another number of cells until every gateway goes by it."""
    return f"{REVISIONS}:moving:{tenant}"


def cell(tenant: str, number: int = 0) -> Cell:
    """Prefix of the keys of one of a tenant's cells."""
    return Cell(f"pilote:{{{tenant}/{number}}}")


def decisions(cell: Cell) -> str:
    """Stream of a cell's decisions, the durable buffer in front of the decision store."""
    return f"{cell}:decisions"


def facts(cell: Cell, subject_ref: str) -> str:
    """What is known of one subject."""
    return f"{cell}:facts:{subject_ref}"


def bucket(cell: Cell, kind: str, *, limit: str, by: str) -> str:
    """One counted bucket. Its kind is in the key, since the next revision may give a cap the name of a limit."""
    return f"{cell}:bucket:{kind}:{limit}:{by}"


def stops(cell: Cell) -> str:
    """What is halted of a tenant: a hash from what to why, the same in each of its cells."""
    return f"{cell}:stops"


def idempotency(cell: Cell, agent: str, key: str) -> str:
    """The first call with an idempotency key; keys of different agents never meet."""
    return f"{cell}:request:{agent}:{key}"


def bound(cell: Cell, agent: str, key: str) -> str:
    """Which request an idempotency key stands for, in the cell of the key itself; tenants with several cells only."""
    return f"{cell}:bound:{agent}:{key}"
