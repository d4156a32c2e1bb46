"""All that is asked about drafts, proposals and revisions, for pages and for REST. Nothing is changed here."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.activation.loading import canonical
from gateway.adapters.proposals import Proposal
from gateway.core.changes import Place
from gateway.core.policy.document import Document
from services.control.drafts import comparing, exemplifying, working
from services.control.drafts.checking import Checked, checked, loaded
from services.control.drafts.comparing import Compared
from services.control.drafts.completing import Completed, completed
from services.control.drafts.edits import Edit, edited
from services.control.drafts.outline import Outline, outlined, part_of
from services.control.drafts.rendering import as_text
from services.control.drafts.store import DraftProblem, DraftStore
from services.control.drafts.submitting import Submitting
from services.control.drafts.working import Asked, Sources
from services.control.drafts.workshop import Workshop
from services.control.jobs import OVER, Job
from services.control.shared_jobs import SharedJobs
from services.revisions.revising import RevisionProblem

WEEK_MS: Final = 7 * 86_400_000
MONTH_MS: Final = 30 * 86_400_000
WORK: Final = {
    "plan": working.plan,
    "backtest": working.backtest,
    "try": working.attempt,
    "examples": exemplifying.exemplify,
}
Kind = Literal["plan", "backtest", "try", "examples"]


class Questions:
    """What people ask before they decide. Every method raises `RedisError` where the store does not answer."""

    def __init__(
        self,
        store: DraftStore,
        submitting: Submitting,
        *,
        workshop: Workshop,
        jobs: SharedJobs,
        sources: Sources,
        clock_ms: Callable[[], int],
    ) -> None:
        self.jobs: Final = jobs
        self._store = store
        self._submitting = submitting
        self._workshop = workshop
        self.sources: Final = sources
        self._clock_ms = clock_ms

    async def outline(self, text: str) -> Outline:
        """What a text lists."""
        return await self._workshop.run(outlined, text)

    async def part(self, text: str, section: str, name: str) -> Any:
        """The plain data of one part of a text; `None` where there is none."""
        return await self._workshop.run(part_of, text, section, name)

    async def edit_text(self, text: str, edits: Sequence[Edit]) -> str:
        """A text that is not saved, with edits made. Raises like `edit`."""
        return await self._workshop.run(edited, text, tuple(edits))

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
        return await self._workshop.run(comparing.draft_compared, old, asked, tuple(await self._submitting.holders()))

    async def document(self, text: str) -> Document:
        """The policy that a text is.

        Raises:
            PolicyInvalid: it has mistakes.
        """
        return msgspec.json.decode(await self._workshop.run(document_of, text), type=Document)

    async def between(self, old: int, new: int) -> Compared:
        """What leads from one revision to another; 0: from nothing.

        Raises:
            RevisionProblem: there is none of them.
        """
        if new == 0:  # nothing can be compared with, but nothing leads to it
            raise RevisionProblem("revision-unknown", number=new)
        documents = [
            canonical(await self._submitting.revising.document(number)) if number else b"" for number in (old, new)
        ]
        return await self._workshop.run(comparing.compared, *documents)

    async def proposed(self, proposal: Proposal) -> Compared:
        """What a proposal changes of the revision that it was made from."""
        base = proposal.entry.statement.base
        old = canonical(await self._submitting.revising.document(base)) if base else b""
        return await self._workshop.run(comparing.compared, old, bytes(proposal.published.document))

    async def text_of(self, revision: int) -> str:
        """A revision's policy as text.

        Raises:
            RevisionProblem: there is none, or it cannot be read.
        """
        content = canonical(await self._submitting.revising.document(revision))
        return await self._workshop.run(rendered, content)

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
        return await self._begun(kind, asked, about=f"policy-drafts/{draft}", owner=owner)

    async def start_examples(self, draft: str, *, owner: str, text: str | None, place: Place, most: int = 1_000) -> Job:
        """Begin to find calls that show what one part alone would have come to; what one has asked before ends.

        Raises:
            DraftProblem, JobsFull: like `start`.
        """
        for job in await self.jobs.all(owner=owner):
            if job.kind == "examples" and job.state not in OVER:
                await self.jobs.cancel(job.id, owner=owner)
        return await self.start("examples", draft, owner=owner, text=text, span_ms=MONTH_MS, most=most, place=place)

    async def start_proposal(
        self, kind: Literal["plan", "backtest"], number: int, *, owner: str, span_ms: int = WEEK_MS, most: int = 0
    ) -> Job:
        """The same of a proposal; those who decide about it see that it was looked at.

        Raises:
            RevisionProblem: there is none.
            DraftProblem, JobsFull: like `start`.
        """
        proposal = await self._submitting.revising.proposal(number)
        document = bytes(proposal.published.document)
        asked = Asked(document=document, proposal=number, span_ms=span_ms, now_ms=self._clock_ms(), most=most)
        return await self._begun(kind, asked, about=f"proposals/{number}", owner=owner)

    async def _begun(self, kind: Kind, asked: Asked, *, about: str, owner: str) -> Job:
        if kind != "plan" and not self.sources.replay_keys:
            raise DraftProblem("job-replay-key")
        return await self.jobs.start(kind, WORK[kind], (self.sources, asked), about=about, owner=owner)

    async def _text(self, draft: str, text: str | None) -> str:
        there = await self._store.read(draft)
        return there[1] if text is None else text

    async def _active(self) -> bytes:
        revising = self._submitting.revising
        _, number = await revising.store.head()
        return canonical(await revising.document(number)) if number else b""


def document_of(text: str) -> bytes:
    """The canonical document of a text."""
    return canonical(loaded(text)[0].document)


def rendered(document: bytes) -> str:
    """A canonical document as text."""
    return as_text(comparing.decoded(document))
