"""What the operations on revisions take and give, as JSON."""

from typing import Any

import msgspec

from gateway.adapters.proposals import Proposal
from gateway.adapters.workers import Report
from gateway.core.authority import Entry, SignedVote, Statement
from gateway.core.policy.document import Document
from services.revisions.revising import Revising


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to draft: a whole policy, or an earlier revision to go back to."""

    document: dict[str, Any] | None = None
    """The policy, as in a file; see `Document` for its fields."""
    restores: int | None = None
    """The revision to go back to; 0 is the last one that differs."""
    reason: str
    base: int | None = None
    """The revision that the policy was made from; without it, the active one."""


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """What to sign, and what it changes."""

    statement: Statement
    """Sign "pilote.dev/revision/v1", a newline and this as JSON with sorted keys and no spaces."""
    document: msgspec.Raw
    """The policy as it would become active, canonical: its SHA-256 is in the statement."""
    changes: tuple[str, ...]
    """In words."""


class Submitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft with its author's signature."""

    statement: Statement
    document: msgspec.Raw
    signature: str


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal, or what became of it."""

    number: int
    """0 for what is active without one: going back to what was approved before."""
    name: str = ""
    """`proposals/{number}`; nothing where there is none."""
    state: str
    """"waiting", "active", "refused" or "withdrawn"."""
    stage: str
    """How far it was looked at: "checked", "planned" or "backtested"."""
    revision: int
    """The revision that it is active as; 0 while it waits."""
    statement: Statement
    approvals: tuple[SignedVote, ...]
    more: int
    """How many more people must agree."""
    changes: tuple[str, ...] = ()
    """In words, of one proposal that is looked at."""
    document: Any = None
    """Of one proposal that is looked at."""


async def proposed(revising: Revising, proposal: Proposal) -> Proposed:
    """A proposal as it stands."""
    entry = proposal.entry
    required = (await revising.deciding(proposal)).required
    return Proposed(
        number=proposal.number,
        name=f"proposals/{proposal.number}",
        state=proposal.state,
        stage=proposal.stage,
        revision=proposal.revision,
        statement=entry.statement,
        approvals=entry.approvals,
        more=max(0, required - len(entry.approvals)) if proposal.state == "waiting" else 0,
    )


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of the history."""

    number: int
    entry: Entry
    document: Document | None = None
    """Of one revision that is looked at."""


class History(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Revisions, newest first."""

    revisions: tuple[Listed, ...]
    next_page_token: str = ""


class Proposals(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Proposals, newest first."""

    proposals: tuple[Proposed, ...]
    next_page_token: str = ""


class Running(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who runs which revision, by name."""

    active: int
    workers: tuple[Report, ...]
    next_page_token: str = ""
