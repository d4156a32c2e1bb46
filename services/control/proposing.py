"""Proposes changes of the policy, and votes on them, for whoever is known here; each is noted in the log.

The one way for people with keys of their own and for accounts whose keys are kept here.
"""

from collections.abc import Callable
from typing import Any, Final

from gateway.adapters.proposals import Proposal
from gateway.core.authority import SignedVote
from services.control.changes import LATER, Changes, Changing, Who
from services.revisions.revising import Draft, Made, Revising


class Proposing:
    """Works on the store of revisions."""

    def __init__(self, revising: Revising, changes: Changes) -> None:
        self.revising: Final = revising
        self._changes = changes

    async def submit(self, who: Who, draft: Draft, *, signature: str, of: str = "") -> Made:
        """Make a signed draft a proposal, or active at once where it brings back what was approved before.

        `of` is the name of the draft whose text it is, where that is kept here.

        Raises:
            Undone: STORE_UNAVAILABLE where it cannot be noted; nothing was done.
            Exception: what `Revising.submit` raises.
        """
        said = draft.entry.statement
        async with self._changes.recording(
            who,
            operation="roll-back" if said.how == "rollback" else "propose",
            resource=f"revisions/{said.base}",
            before={"revision": said.base, "statement": said.base_sha256} | ({"draft": of} if of else {}),
            after=LATER,
            reason=said.reason,
        ) as changing:
            made = await self.revising.submit(draft, signature=signature)
            _tell(changing, number=made.proposal.number if made.proposal else 0, revision=made.revision)
            changing.after |= {"statement": said.sha256, "document": said.document}
        return made

    async def vote(
        self, who: Who, number: int, cast_by: Callable[[Proposal], SignedVote], *, act: str, comment: str
    ) -> tuple[Proposal, int]:
        """Count a signed vote, see `Revising.count`: the proposal as it is then, and how many more must agree.

        Raises:
            Undone: STORE_UNAVAILABLE where it cannot be noted; nothing was done.
            Exception: what `Revising.count` raises.
        """
        before = await self.revising.proposal(number)
        async with self._changes.recording(
            who,
            operation=act,
            resource=f"proposals/{number}",
            before=_state(before),
            after=LATER,
            reason=comment,
        ) as changing:
            proposal, more = await self.revising.count(number, cast_by, approves=act == "approve")
            _tell(changing, number=number, revision=proposal.revision)
            changing.after |= _state(proposal)
        return proposal, more


def _tell(changing: Changing, *, number: int, revision: int) -> None:
    """What came of it: an active revision, or a proposal."""
    changing.resource = f"revisions/{revision}" if revision else f"proposals/{number}"
    changing.after = {"proposal": number, "revision": revision}


def _state(proposal: Proposal) -> dict[str, Any]:
    return {
        "state": proposal.state,
        "statement": proposal.entry.statement.sha256,
        "approved_by": [each.vote.person for each in proposal.entry.approvals],
    }
