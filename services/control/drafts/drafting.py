"""All that is done with drafts, for pages and for REST; each change is noted in the log."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from gateway.activation.loading import canonical
from gateway.adapters.proposals import Proposal
from services.control.changes import Changes, Who
from services.control.drafts import comparing
from services.control.drafts.comparing import difference
from services.control.drafts.edits import Edit, edited
from services.control.drafts.questions import Questions
from services.control.drafts.store import Draft, DraftChanged, DraftProblem, DraftStore, new_id
from services.control.drafts.submitting import Submitting
from services.control.drafts.workshop import Workshop
from services.revisions.revising import Hand

MOST_TITLE: Final = 200


class Drafting:
    """Drafts, and what is done with them. Every method raises `RedisError` where the store does not answer."""

    def __init__(
        self,
        store: DraftStore,
        submitting: Submitting,
        questions: Questions,
        *,
        workshop: Workshop,
        changes: Changes,
        clock_ms: Callable[[], int],
    ) -> None:
        self.store: Final = store
        self.submitting: Final = submitting
        self.questions: Final = questions
        self.workshop: Final = workshop
        self._changes = changes
        self._clock_ms = clock_ms

    async def create(
        self, *, title: str, who: Who, text: str | None = None, revision: int | None = None, draft: str = ""
    ) -> tuple[Draft, str]:
        """A new draft with a text, or with that of a revision or another draft; by default of the active revision.

        Raises:
            DraftProblem: the title or text cannot be, more than one of these is given, or there is no such draft.
            RevisionProblem: there is no such revision.
        """
        if (text is not None) + (revision is not None) + bool(draft) > 1:
            raise DraftProblem("draft-from")
        revising = self.submitting.revising
        _, base = await revising.store.head()
        if draft:
            first, text = await self.store.read(draft)
            base = first.base
        elif text is None:
            number = base if revision is None else revision
            text = await self.questions.text_of(number) if number else ""
        text, titled, named = text.removeprefix("\ufeff"), _titled(title), new_id()
        after = {"title": titled, "base": base} | _told(text)
        async with self._changes.recording(who, operation="create", resource=f"policy-drafts/{named}", after=after):
            made = await self.store.create(
                text, title=titled, by=who.name, base=base, now_ms=self._clock_ms(), named=named
            )
        return made, text

    async def begin(self, title: str, edits: Sequence[Edit], *, who: Who) -> str:
        """The id of a new draft of the active policy with these edits made; of its title as much as there is room for.

        Raises:
            EditRefused: one of them cannot be made.
            DraftProblem: there is no room for a draft.
        """
        made, _ = await self.create(title=title[:MOST_TITLE], who=who)
        await self.edit(made.id, edits, version=made.version, who=who)
        return made.id

    async def save(
        self, draft: str, *, version: int, who: Who, text: str | None = None, title: str | None = None
    ) -> Draft:
        """Write over the version of a draft that was seen.

        Raises:
            DraftChanged: another one is there; it has the difference from that to what was sent.
            DraftProblem: there is no such draft, or the text or title cannot be.
        """
        try:
            now, there = await self._seen(draft, version)
            return await self._written(
                now, there, text, who=who, title=None if title is None else _titled(title), operation="update"
            )
        except DraftChanged as changed:
            lines = () if text is None else await self.workshop.run(difference, changed.text, text)
            raise changed.with_difference(lines) from None

    async def edit(self, draft: str, edits: Sequence[Edit], *, version: int, who: Who) -> tuple[Draft, str]:
        """Make edits in the version of a draft that was seen.

        Raises:
            EditRefused: one cannot be made.
            DraftChanged: another version is there.
            DraftProblem: there is no such draft.
        """
        now, text = await self._seen(draft, version)
        after = await self.workshop.run(edited, text, tuple(edits))
        return await self._written(now, text, after, who=who, operation="update"), after

    async def delete(self, draft: str, *, version: int, who: Who) -> None:
        """Delete the version of a draft that was seen. Raises like `save`."""
        now, text = await self._seen(draft, version)
        before = {"title": now.title} | _told(text)
        async with self._changes.recording(who, operation="delete", resource=f"policy-drafts/{draft}", before=before):
            await self.store.delete(now)

    async def rebase(self, draft: str, *, version: int, who: Who) -> tuple[Draft, str]:
        """Let a draft follow what has become active since it was made.

        Raises:
            PolicyInvalid: it has mistakes.
            DraftProblem: both have changed the same parts.
            DraftChanged: another version is there.
        """
        now, text = await self._seen(draft, version)
        revising = self.submitting.revising
        _, active = await revising.store.head()
        if active == now.base:
            return now, text
        was = canonical(await revising.document(now.base))
        theirs = canonical(await revising.document(active))
        try:
            after = await self.workshop.run(comparing.rebased, text, was, theirs)
        except DraftProblem as problem:
            raise DraftProblem(problem.code, **(problem.values | {"active": active})) from problem
        return await self._written(now, text, after, who=who, base=active, operation="rebase"), after

    async def submit(self, draft: str, *, version: int, who: Who, hand: Hand, reason: str) -> Proposal:
        """Propose a draft; see `Submitting.submit`.

        Raises:
            DraftChanged: another version is there than was seen.
        """
        now, text = await self._seen(draft, version)
        named = f"policy-drafts/{draft}"
        proposal = await self.submitting.submit(text, base=now.base, who=who, hand=hand, reason=reason, draft=named)
        with contextlib.suppress(DraftChanged, DraftProblem):  # somebody goes on with it; the proposal stands
            await self.store.write(now, None, by=hand.name, now_ms=self._clock_ms(), proposal=proposal.number)
        return proposal

    async def _seen(self, draft: str, version: int) -> tuple[Draft, str]:
        now, text = await self.store.read(draft)
        if version != now.version:
            raise DraftChanged(now, text)
        return now, text

    async def _written(
        self,
        draft: Draft,
        there: str,
        text: str | None,
        *,
        who: Who,
        operation: str,
        title: str | None = None,
        base: int | None = None,
    ) -> Draft:
        before = {"title": draft.title, "base": draft.base} | _told(there)
        after = {
            "title": draft.title if title is None else title,
            "base": draft.base if base is None else base,
        } | _told(there if text is None else text)
        resource = f"policy-drafts/{draft.id}"
        async with self._changes.recording(who, operation=operation, resource=resource, before=before, after=after):
            return await self.store.write(draft, text, by=who.name, now_ms=self._clock_ms(), title=title, base=base)


def _titled(title: str) -> str:
    told = title.strip()
    if not 1 <= len(told) <= MOST_TITLE:
        raise DraftProblem("draft-title")
    return told


def _told(text: str) -> dict[str, object]:
    """What the log says of a text: not itself, which may be long, but what it can be told by."""
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": len(text)}
