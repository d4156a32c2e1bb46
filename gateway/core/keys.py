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
"""Set of all streams of decisions and of outcomes that were ever announced; the audit writer reads each of them."""

ERASED: Final = "pilote:{directory}:erased"
"""Sorted set of the customers who were erased of late, "tenant/pseudonym", by when that was told; and the channel on
which it is told that there are new ones."""

LAYOUT: Final = "pilote:{directory}:layout"
"""The version of all these names and of what is kept under them, `LAYOUT_VERSION` of whoever wrote last."""

LAYOUT_VERSION: Final = 1
"""Rises where a version before this one would misread what this one writes; not for a key or a field that those pass
over, since gateways of two versions share a store during an upgrade."""

REVISIONS: Final = "pilote:{revisions}"
"""Prefix of the published revisions, all in one slot, so that activation can be one compare-and-set."""

CELLS: Final = f"{REVISIONS}:cells"
"""Hash from tenant to how many cells its keys are spread over; see `gateway.adapters.cells`."""

ACTIVE_REVISION: Final = f"{REVISIONS}:active"
"""Number of the active revision."""

ACTIVE_STATEMENT: Final = f"{REVISIONS}:active:statement"
"""Digest of the active revision's statement."""

LAST_REVISION: Final = f"{REVISIONS}:last"
"""The highest number that a revision ever had."""

REVISION_ENTRIES: Final = f"{REVISIONS}:entries"
"""Hash from number to who made the revision and who has agreed, see `gateway.core.authority.Entry`."""

LAST_PROPOSAL: Final = f"{REVISIONS}:proposals:last"
"""The highest number that a proposal ever had."""

PROPOSALS: Final = f"{REVISIONS}:proposals"
"""Hash from number to proposal, see `gateway.adapters.proposals.Proposal`."""

WORKERS: Final = f"{REVISIONS}:workers"
"""Set of the names of all workers that have said which revision they run."""

ALL_REVISIONS: Final = f"{REVISIONS}:all"
"""Hash from number to revision, see `gateway.adapters.revisions.Published`."""


def worker(name: str) -> str:
    """What one worker says of itself; expires with it. See `gateway.adapters.workers`."""
    return f"{REVISIONS}:worker:{name}"


def moving(tenant: str) -> str:
    """Exists from when a tenant was moved to another number of cells until every gateway goes by it."""
    return f"{REVISIONS}:moving:{tenant}"


def cell(tenant: str, number: int = 0) -> Cell:
    """Prefix of the keys of one of a tenant's cells."""
    return Cell(f"pilote:{{{tenant}/{number}}}")


def tenant_of(key: str) -> str:
    """The tenant that a key of a cell belongs to; empty for a key that belongs to none."""
    tag = key[key.find("{") + 1 : key.find("}")]
    return tag.rpartition("/")[0]


def number_of(cell: Cell) -> int:
    """The number of a cell."""
    return int(cell[cell.rindex("/") + 1 : -1])


def within(cell: Cell, key: str) -> str:
    """The same key in another cell of the tenant."""
    return f"{cell}{key[key.index('}') + 1 :]}"


def decisions(cell: Cell) -> str:
    """Stream of a cell's decisions, the durable buffer in front of the decision store."""
    return f"{cell}:decisions"


def facts(cell: Cell, subject_ref: str) -> str:
    """What is known of one subject."""
    return f"{cell}:facts:{subject_ref}"


def fact_times(cell: Cell, subject_ref: str) -> str:
    """Since when each fact of a subject is known that events have told, see `gateway.adapters.fact_changes`."""
    return f"{cell}:times:{subject_ref}"


def told(cell: Cell, subject_ref: str, message: str) -> str:
    """Mark of an event about a subject that was taken already."""
    return f"{cell}:told:{subject_ref}:{message}"


def audience(tenant: str, segment: str) -> str:
    """The members of an audience, and prefix of what is known of its synchronisation; in a slot of its own."""
    return f"pilote:{{audience/{tenant}/{segment}}}"


def audiences(tenant: str) -> str:
    """Hash from the name of each audience that agents have made to what is said of it; and prefix of its requests."""
    return f"pilote:{{audiences/{tenant}}}"


def bucket(cell: Cell, kind: str, *, limit: str, by: str) -> str:
    """One counted bucket. Its kind is in the key, since the next revision may give a cap the name of a limit."""
    return f"{cell}:bucket:{kind}:{limit}:{by}"


def score(cell: Cell, subject_ref: str) -> str:
    """The contacts with one subject that weigh on the score of contact pressure."""
    return bucket(cell, "score", limit="pressure", by=f"subject={subject_ref}")


def taken(cell: Cell, decision: str) -> str:
    """What a call has taken of budgets: a hash from the bucket's key to "part amount", until it is settled."""
    return f"{cell}:taken:{decision}"


def awaited(cell: Cell, decision: str) -> str:
    """The caps that wait for the delivery of a contact: a hash from their log to "open maximum keep_ms"."""
    return f"{cell}:awaited:{decision}"


def outcomes(cell: Cell) -> str:
    """Stream of what customers did after contacts, in the cell of the decision's id."""
    return f"{cell}:outcomes"


def event(cell: Cell, decision: str, event: str) -> str:
    """Mark of an outcome that was told already."""
    return f"{cell}:event:{decision}:{event}"


def recounted(cell: Cell, decision: str) -> str:
    """Mark of a call that was let through while the store was down, and is counted by now."""
    return f"{cell}:recounted:{decision}"


def stops(cell: Cell) -> str:
    """What is halted of a tenant: a hash from what to why, the same in each of its cells."""
    return f"{cell}:stops"


def hold(cell: Cell, hold_id: str) -> str:
    """One call that is kept: for a person, or until a time."""
    return f"{cell}:hold:{hold_id}"


def holds_due(cell: Cell) -> str:
    """All holds of a cell, by the time at which something must be done about them."""
    return f"{cell}:holds:due"


def holds_open(cell: Cell) -> str:
    """Holds that are not over, by the time they were made."""
    return f"{cell}:holds:open"


def holds_changes(cell: Cell) -> str:
    """Counts the changes of all holds of a cell, so that who waits for one need not look at it in vain."""
    return f"{cell}:holds:changes"


def hold_request(cell: Cell, hold_id: str, *, attempt: int) -> str:
    """The idempotency key of one attempt to make a held call. No agent's key can be the same."""
    return f"{hold(cell, hold_id)}:request:{attempt}"


def inference(cell: Cell, decision: str) -> str:
    """What is known of an inference, for actions that name it; in the cell of the decision's id."""
    return f"{cell}:inference:{decision}"


def failures(tenant: str) -> str:
    """Rules of a tenant that failed at run time: a hash from the rule to what is known of its failures.

    There is one for all cells, in the first.
    """
    return f"{cell(tenant)}:failures"


def failures_written(tenant: str, writer: str) -> str:
    """Number of the last batch of failures that a gateway has written."""
    return f"{cell(tenant)}:failures:written:{writer}"


def findings(tenant: str) -> str:
    """What moderators are shown as wrong: a hash from the id of a finding to it, see `services.findings`.

    There is one for all cells, in the first.
    """
    return f"{cell(tenant)}:findings"


def pressure(tenant: str) -> str:
    """How a tenant's customers are solicited, in numbers, as it was worked out last: see `services.findings.pressure`.

    There is one for all cells, in the first.
    """
    return f"{cell(tenant)}:pressure"


def targeting(tenant: str) -> str:
    """Which of a tenant's segments are contacted too much or never: see `services.findings.targeting`.

    There is one for all cells, in the first.
    """
    return f"{cell(tenant)}:targeting"


def objectives(tenant: str) -> str:
    """How a tenant's objectives stand: a hash from an objective's name to it, see `gateway.adapters.progress`.

    Outside all cells: it is no part of what a call is decided by in one step.
    """
    return f"pilote:{{control}}:objectives:{tenant}"


def watches(tenant: str) -> str:
    """What is watched of a tenant's objectives: a hash from an objective's name to it, see `services.cockpit.alerting`.

    Beside how they stand, outside all cells.
    """
    return f"pilote:{{control}}:watches:{tenant}"


def digests(tenant: str) -> str:
    """What was told of a tenant's weeks: a hash from an ISO week to it, see `services.digest.store`.

    Outside all cells.
    """
    return f"pilote:{{control}}:digests:{tenant}"


def kpis(tenant: str, what: str) -> str:
    """What copilots are judged by: a hash from a day to what is known of it, see `services.cockpit.store`.

    There is one for all cells, in the first.
    """
    return f"{cell(tenant)}:kpis:{what}"


def reviews(tenant: str, what: str) -> str:
    """Decisions that people judge: one part of what is kept of that, see `services.reviews`; all in the first cell."""
    return f"{cell(tenant)}:reviews:{what}"


def idempotency(cell: Cell, agent: str, key: str) -> str:
    """The first call with an idempotency key; keys of different agents never meet."""
    return f"{cell}:request:{agent}:{key}"


def bound(cell: Cell, agent: str, key: str) -> str:
    """Which request an idempotency key stands for, in the cell of the key itself; tenants with several cells only."""
    return f"{cell}:bound:{agent}:{key}"
