"""All that is done with drafts, for pages and for REST."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from gateway.activation.loading import canonical
from gateway.adapters.proposals import Proposal
from gateway.core.changes import Place
from services.control.changes import LATER, Changes, Who
from services.control.drafts import comparing, working
from services.control.drafts.checking import Checked, checked
from services.control.drafts.comparing import Compared, difference
from services.control.drafts.completing import Completed, completed
from services.control.drafts.edits import Edit, edited
from services.control.drafts.outline import Outline, outlined, part_of
from services.control.drafts.rendering import as_text
from services.control.drafts.store import Draft, DraftChanged, DraftProblem, DraftStore, new_id
from services.control.drafts.submitting import Act, Submitting
from services.control.drafts.working import Asked, Sources
from services.control.drafts.workshop import Workshop
from services.control.jobs import Job, Jobs
from services.revisions.revising import Hand, Made, RevisionProblem

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
        changes: Changes,
        clock_ms: Callable[[], int],
    ) -> None:
        self.store: Final = store
        self.submitting: Final = submitting
        self.jobs: Final = jobs
        self._workshop = workshop
        self._sources = sources
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
            text = await self.text_of(number) if number else ""
        text, titled, named = text.removeprefix("\ufeff"), _titled(title), new_id()
        after = {"title": titled, "base": base} | _told(text)
        async with self._changes.recording(who, operation="create", resource=f"policy-drafts/{named}", after=after):
            made = await self.store.create(
                text, title=titled, by=who.name, base=base, now_ms=self._clock_ms(), named=named
            )
        return made, text

    async def text_of(self, revision: int) -> str:
        """A revision's policy as text.

        Raises:
            RevisionProblem: there is none, or it cannot be read.
        """
        content = canonical(await self.submitting.revising.document(revision))
        return await self._workshop.run(rendered, content)

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
            lines = () if text is None else await self._workshop.run(difference, changed.text, text)
            raise changed.with_difference(lines) from None

    async def edit(self, draft: str, edits: Sequence[Edit], *, version: int, who: Who) -> tuple[Draft, str]:
        """Make edits in the version of a draft that was seen.

        Raises:
            EditRefused: one cannot be made.
            DraftChanged: another version is there.
            DraftProblem: there is no such draft.
        """
        now, text = await self._seen(draft, version)
        after = await self._workshop.run(edited, text, tuple(edits))
        return await self._written(now, text, after, who=who, operation="update"), after

    async def outline(self, text: str) -> Outline:
        """What a text lists."""
        return await self._workshop.run(outlined, text)

    async def part(self, text: str, section: str, name: str) -> Any:
        """The plain data of one part of a text; `None` where there is none."""
        return await self._workshop.run(part_of, text, section, name)

    async def edit_text(self, text: str, edits: Sequence[Edit]) -> str:
        """A text that is not saved, with edits made. Raises like `edit`."""
        return await self._workshop.run(edited, text, tuple(edits))

    async def delete(self, draft: str, *, version: int, who: Who) -> None:
        """Delete the version of a draft that was seen. Raises like `save`."""
        now, text = await self._seen(draft, version)
        before = {"title": now.title} | _told(text)
        async with self._changes.recording(who, operation="delete", resource=f"policy-drafts/{draft}", before=before):
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
        if new == 0:  # nothing can be compared with, but nothing leads to it
            raise RevisionProblem("revision-unknown", number=new)
        documents = [
            canonical(await self.submitting.revising.document(number)) if number else b"" for number in (old, new)
        ]
        return await self._workshop.run(comparing.compared, *documents)

    async def proposed(self, proposal: Proposal) -> Compared:
        """What a proposal changes of the revision that it was made from."""
        base = proposal.entry.statement.base
        old = canonical(await self.submitting.revising.document(base)) if base else b""
        return await self._workshop.run(comparing.compared, old, bytes(proposal.published.document))

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
            after = await self._workshop.run(comparing.rebased, text, was, theirs)
        except DraftProblem as problem:
            raise DraftProblem(problem.code, **(problem.values | {"active": active})) from problem
        return await self._written(now, text, after, who=who, base=active, operation="rebase"), after

    async def submit(self, draft: str, *, version: int, who: Who, hand: Hand, reason: str) -> Proposal:
        """Propose a draft; see `Submitting.submit`.

        Raises:
            DraftChanged: another version is there than was seen.
        """
        now, text = await self._seen(draft, version)
        resource, before = f"policy-drafts/{draft}", {"base": now.base} | _told(text)
        async with self._changes.recording(
            who, operation="submit", resource=resource, before=before, after=LATER, reason=reason
        ) as changing:
            proposal = await self.submitting.submit(text, base=now.base, hand=hand, reason=reason)
            statement = proposal.entry.statement
            changing.after = {"proposal": proposal.number, "document": statement.document, "base": statement.base}
        with contextlib.suppress(DraftChanged, DraftProblem):  # somebody goes on with it; the proposal stands
            await self.store.write(now, None, by=hand.name, now_ms=self._clock_ms(), proposal=proposal.number)
        return proposal

    async def vote(self, number: int, *, who: Who, hand: Hand, act: Act, comment: str) -> Proposal:
        """Approve, refuse or withdraw a proposal; see `Revising.vote`."""
        before = await self.submitting.revising.proposal(number)
        stands = {"state": before.state, "document": before.entry.statement.document}
        async with self._changes.recording(
            who, operation=act, resource=f"proposals/{number}", before=stands, after=LATER, reason=comment
        ) as changing:
            proposal, more = await self.submitting.vote(number, hand=hand, act=act, comment=comment)
            changing.after = {"state": proposal.state, "revision": proposal.revision, "more": more}
        return proposal

    async def roll_back(self, number: int | None, *, who: Who, hand: Hand, reason: str) -> Made:
        """Make an earlier revision active again; see `Submitting.roll_back`."""
        _, head = await self.submitting.revising.store.head()
        async with self._changes.recording(
            who, operation="rollback", resource="revisions", before={"active": head}, after=LATER, reason=reason
        ) as changing:
            made = await self.submitting.roll_back(number, hand=hand, reason=reason)
            proposal = made.proposal.number if made.proposal else 0
            changing.after = {"active": made.revision, "restores": made.restores, "proposal": proposal}
        return made

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


def _told(text: str) -> dict[str, object]:
    """What the log says of a text: not itself, which may be long, but what it can be told by."""
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": len(text)}
