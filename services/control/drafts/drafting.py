"""All that is done with drafts, for pages and for REST."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from gateway.activation.loading import canonical
from gateway.adapters.proposals import Proposal
from gateway.core.changes import Place
from services.control.drafts import comparing, working
from services.control.drafts.checking import Checked, checked
from services.control.drafts.comparing import Compared, difference
from services.control.drafts.completing import Completed, completed
from services.control.drafts.edits import Edit, edited
from services.control.drafts.rendering import as_text
from services.control.drafts.store import Draft, DraftChanged, DraftProblem, DraftStore
from services.control.drafts.submitting import Submitting
from services.control.drafts.working import Asked, Sources
from services.control.drafts.workshop import Workshop
from services.control.jobs import Job, Jobs
from services.revisions.revising import Hand

MOST_TITLE: Final = 200
WEEK_MS: Final = 7 * 86_400_000
WORK: Final = {"plan": working.plan, "backtest": working.backtest, "try": working.attempt}
Kind = Literal["plan", "backtest", "try"]


class Drafting:
    """Drafts, and what is done with them. Every method raises `RedisError` where the store does not answer."""

    def __init__(
        self,
        store: DraftStore,
        submitting: Submitting,
        *,
        workshop: Workshop,
        jobs: Jobs,
        sources: Sources,
        clock_ms: Callable[[], int],
    ) -> None:
        self.store: Final = store
        self.submitting: Final = submitting
        self.jobs: Final = jobs
        self._workshop = workshop
        self._sources = sources
        self._clock_ms = clock_ms

    async def create(
        self, *, title: str, by: str, text: str | None = None, revision: int | None = None, draft: str = ""
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
            text = await self.text_of(number) if number else ""
        made = await self.store.create(
            text.removeprefix("\ufeff"), title=_titled(title), by=by, base=base, now_ms=self._clock_ms()
        )
        return made, text.removeprefix("\ufeff")

    async def text_of(self, revision: int) -> str:
        """A revision's policy as text.

        Raises:
            RevisionProblem: there is none, or it cannot be read.
        """
        content = canonical(await self.submitting.revising.document(revision))
        return await self._workshop.run(rendered, content)

    async def save(
        self, draft: str, *, version: int, by: str, text: str | None = None, title: str | None = None
    ) -> Draft:
        """Write over the version of a draft that was seen.

        Raises:
            DraftChanged: another one is there; it has the difference from that to what was sent.
            DraftProblem: there is no such draft, or the text or title cannot be.
        """
        now, there = await self.store.read(draft)
        seen = msgspec.structs.replace(now, version=version)
        titled = None if title is None else _titled(title)
        try:
            if version != now.version:
                raise DraftChanged(now, there)
            return await self.store.write(seen, text, by=by, now_ms=self._clock_ms(), title=titled)
        except DraftChanged as changed:
            lines = () if text is None else await self._workshop.run(difference, changed.text, text)
            raise changed.with_difference(lines) from None

    async def edit(self, draft: str, edits: Sequence[Edit], *, version: int, by: str) -> tuple[Draft, str]:
        """Make edits in the version of a draft that was seen.

        Raises:
            EditRefused: one cannot be made.
            DraftChanged: another version is there.
            DraftProblem: there is no such draft.
        """
        now, text = await self.store.read(draft)
        if version != now.version:
            raise DraftChanged(now, text)
        after = await self._workshop.run(edited, text, tuple(edits))
        return await self.store.write(now, after, by=by, now_ms=self._clock_ms()), after

    async def edit_text(self, text: str, edits: Sequence[Edit]) -> str:
        """A text that is not saved, with edits made. Raises like `edit`."""
        return await self._workshop.run(edited, text, tuple(edits))

    async def delete(self, draft: str, *, version: int) -> None:
        """Delete the version of a draft that was seen. Raises like `save`."""
        now, text = await self.store.read(draft)
        if version != now.version:
            raise DraftChanged(now, text)
        await self.store.delete(now)

    async def check(self, draft: str, *, language: str, text: str | None = None, findings: bool = True) -> Checked:
        """What is to be said of a draft, or of a text that may take its place.

        Raises:
            Overtaken: a newer question about the draft has come.
            DraftProblem: there is no such draft, or the text is too hard.
        """
        asked = await self._text(draft, text)
        about = f"{draft} {findings}"
        return await self._workshop.newest(about, checked, asked, language=language, findings=findings)

    async def complete(self, draft: str, *, line: int, column: int, text: str | None = None) -> Completed:
        """What may stand at a place in a draft's text, or in one that may take its place. Raises like `check`."""
        asked = await self._text(draft, text)
        return await self._workshop.newest(f"{draft} complete", completed, asked, line=line, column=column)

    async def compare(self, draft: str, *, text: str | None = None) -> Compared:
        """What a draft changes of the active policy, with the people who would be put there.

        Raises:
            PolicyInvalid: it has mistakes.
            DraftProblem: there is no such draft.
        """
        asked = await self._text(draft, text)
        old = await self._active()
        return await self._workshop.run(comparing.draft_compared, old, asked, tuple(await self.submitting.holders()))

    async def between(self, old: int, new: int) -> Compared:
        """What leads from one revision to another; 0: from nothing.

        Raises:
            RevisionProblem: there is none of them.
        """
        documents = [
            canonical(await self.submitting.revising.document(number)) if number else b"" for number in (old, new)
        ]
        return await self._workshop.run(comparing.compared, *documents)

    async def proposed(self, proposal: Proposal) -> Compared:
        """What a proposal changes of the revision that it was made from."""
        base = proposal.entry.statement.base
        old = canonical(await self.submitting.revising.document(base)) if base else b""
        return await self._workshop.run(comparing.compared, old, bytes(proposal.published.document))

    async def rebase(self, draft: str, *, version: int, by: str) -> tuple[Draft, str]:
        """Let a draft follow what has become active since it was made.

        Raises:
            PolicyInvalid: it has mistakes.
            DraftProblem: both have changed the same parts.
            DraftChanged: another version is there.
        """
        now, text = await self.store.read(draft)
        if version != now.version:
            raise DraftChanged(now, text)
        revising = self.submitting.revising
        _, active = await revising.store.head()
        if active == now.base:
            return now, text
        was = canonical(await revising.document(now.base))
        theirs = canonical(await revising.document(active))
        try:
            after = await self._workshop.run(comparing.rebased, text, was, theirs)
        except DraftProblem as problem:
            raise DraftProblem(problem.code, **(problem.values | {"active": active})) from problem
        return await self.store.write(now, after, by=by, now_ms=self._clock_ms(), base=active), after

    async def submit(self, draft: str, *, version: int, hand: Hand, reason: str) -> Proposal:
        """Propose a draft; see `Submitting.submit`.

        Raises:
            DraftChanged: another version is there than was seen.
        """
        now, text = await self.store.read(draft)
        if version != now.version:
            raise DraftChanged(now, text)
        proposal = await self.submitting.submit(text, base=now.base, hand=hand, reason=reason)
        with contextlib.suppress(DraftChanged, DraftProblem):  # somebody goes on with it; the proposal stands
            await self.store.write(now, None, by=hand.name, now_ms=self._clock_ms(), proposal=proposal.number)
        return proposal

    async def start(
        self,
        kind: Kind,
        draft: str,
        *,
        owner: str,
        text: str | None = None,
        span_ms: int = WEEK_MS,
        most: int = 0,
        tenant: str = "",
        place: Place | None = None,
    ) -> Job:
        """Begin to plan or backtest a draft, or to try one part of it: what a job gives, `working` says.

        Raises:
            DraftProblem: there is no such draft, or recorded calls cannot be opened here.
            JobsFull: too much is under way.
        """
        asked = Asked(
            text=await self._text(draft, text),
            span_ms=span_ms,
            now_ms=self._clock_ms(),
            most=most,
            tenant=tenant,
            section=place.section if place else "",
            name=place.name if place else "",
        )
        return self._begun(kind, asked, about=f"policy-drafts/{draft}", owner=owner)

    async def start_proposal(
        self, kind: Literal["plan", "backtest"], number: int, *, owner: str, span_ms: int = WEEK_MS, most: int = 0
    ) -> Job:
        """The same of a proposal; those who decide about it see that it was looked at.

        Raises:
            RevisionProblem: there is none.
            DraftProblem, JobsFull: like `start`.
        """
        proposal = await self.submitting.revising.proposal(number)
        document = bytes(proposal.published.document)
        asked = Asked(document=document, proposal=number, span_ms=span_ms, now_ms=self._clock_ms(), most=most)
        return self._begun(kind, asked, about=f"proposals/{number}", owner=owner)

    def _begun(self, kind: Kind, asked: Asked, *, about: str, owner: str) -> Job:
        if kind != "plan" and not self._sources.replay_keys:
            raise DraftProblem("job-replay-key")
        return self.jobs.start(kind, WORK[kind], (self._sources, asked), about=about, owner=owner)

    async def _text(self, draft: str, text: str | None) -> str:
        there = await self.store.read(draft)
        return there[1] if text is None else text

    async def _active(self) -> bytes:
        revising = self.submitting.revising
        _, number = await revising.store.head()
        return canonical(await revising.document(number)) if number else b""


def rendered(document: bytes) -> str:
    """A canonical document as text."""
    return as_text(comparing.decoded(document))


def _titled(title: str) -> str:
    told = title.strip()
    if not 1 <= len(told) <= MOST_TITLE:
        raise DraftProblem("draft-title")
    return told
