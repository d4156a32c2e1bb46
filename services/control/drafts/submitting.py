"""Proposes drafts, decides about proposals and takes revisions back, signed with the key of whoever asks.

Whatever happens here, gateways check it again: nobody makes a policy active alone, but for going back to what was
approved before.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from gateway.activation.loading import canonical
from gateway.adapters.proposals import Proposal
from gateway.adapters.revisions import RevisionConflict
from gateway.core.policy.document import Document
from services.control.changes import Who
from services.control.drafts.checking import loaded
from services.control.drafts.people import Holder, with_people
from services.control.drafts.store import DraftProblem
from services.control.drafts.workshop import Workshop
from services.control.proposing import Proposing
from services.revisions.revising import ATTEMPTS, Act, Draft, Hand, Made, Revising, RevisionProblem

Holders = Callable[[], Awaitable[Sequence[Holder]]]
"""All accounts, as the policy knows of them."""


class Submitting:
    """Works on the revisions of one store. Every method raises `RedisError` when it does not answer."""

    def __init__(self, proposing: Proposing, holders: Holders, *, workshop: Workshop) -> None:
        self.revising: Final[Revising] = proposing.revising
        self.holders: Final = holders
        self._proposing = proposing
        self._workshop = workshop

    async def prepared(self, text: str) -> Document:
        """A text as the policy that would be proposed: with the people who have accounts.

        Raises:
            PolicyInvalid: it has mistakes.
            DraftProblem: nobody else could agree to it.
        """
        content = await self._workshop.run(prepared, text, tuple(await self.holders()))
        return msgspec.json.decode(content, type=Document)

    async def submit(self, text: str, *, base: int, who: Who, hand: Hand, reason: str, draft: str = "") -> Proposal:
        """Propose a text that was made from the revision `base`, for others to agree to; `draft` is its name.

        Raises:
            PolicyInvalid: it has mistakes.
            DraftProblem: nobody else could agree to it.
            Conflict: another revision is active than `base`, and more has changed than where rollouts stand.
            RevisionProblem: they may not write policies, or do not say why.
        """
        document = await self.prepared(text)

        async def drafted() -> Draft:
            return await self.revising.draft(document, author=hand.name, reason=reason, expected=base)

        made = await self._made(drafted, who, hand, of=draft)
        if made.proposal is None:  # `_made` lets nothing through that nobody must agree to
            raise DraftProblem("people-none")
        return made.proposal

    async def roll_back(self, number: int | None, *, who: Who, hand: Hand, reason: str) -> Made:
        """Make an earlier revision active again: at once where people approved it before, else as a proposal.

        Raises:
            DraftProblem: the active policy names nobody who could agree.
            RevisionProblem: there is no such revision, or they may not, or do not say why.
        """

        async def drafted() -> Draft:
            return await self.revising.draft_back(number, author=hand.name, reason=reason)

        return await self._made(drafted, who, hand, named=True)

    async def vote(self, number: int, *, who: Who, hand: Hand, act: Act, comment: str) -> Proposal:
        """Approve, refuse or withdraw a proposal; gives it as it is then. Raises like `Revising.vote`."""
        cast_by = self.revising.ballot(hand, act=act, comment=comment)
        proposal, _ = await self._proposing.vote(who, number, cast_by, act=act, comment=comment)
        return proposal

    async def _made(
        self, draft: Callable[[], Awaitable[Draft]], who: Who, hand: Hand, *, named: bool = False, of: str = ""
    ) -> Made:
        """Draft, sign and submit, again where others are faster. `named`: the active policy must name people."""
        for _ in range(ATTEMPTS):
            drafted = await draft()
            before = drafted.before
            if not drafted.deciding.people or (named and (before is None or not before.authority.people)):
                raise DraftProblem("people-none")
            try:
                signature = hand.signer.sign(drafted.entry.statement.signed)
                return await self._proposing.submit(who, drafted, signature=signature, of=of)
            except RevisionConflict:
                continue
        raise RevisionProblem("busy")


def prepared(text: str, holders: Sequence[Holder]) -> bytes:
    """The canonical document of a text, with the people who have accounts.

    Raises:
        PolicyInvalid: it has mistakes.
        DraftProblem: nobody else could agree to it.
    """
    return canonical(with_people(loaded(text)[0].document, holders))
