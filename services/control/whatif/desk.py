"""All that is done with policies that are only tried, for the page and for REST."""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from gateway.core.policy.document import Document
from services.control.changes import Who
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import MOST_EDITS, Edit
from services.control.drafts.sentences import listed
from services.control.drafts.store import Draft, DraftProblem
from services.control.jobs import Job
from services.control.whatif.working import Tried, Trying, what_if

KIND: Final = "what-if"
MONTH_MS: Final = 30 * 86_400_000


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A policy to try: a draft or the active one, with edits that are saved nowhere."""

    draft: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """`policy-drafts/{draft}` or its id alone; empty: the active policy."""
    edits: Annotated[tuple[Edit, ...], msgspec.Meta(max_length=MOST_EDITS)] = ()
    """Like those of a draft, made one after the other."""

    @property
    def id(self) -> str:
        """The draft's id; empty: the active policy."""
        return self.draft.removeprefix("policy-drafts/")


class WhatIf:
    """Tries policies. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, drafting: Drafting, *, clock_ms: Callable[[], int]) -> None:
        self.drafting: Final = drafting
        self._clock_ms = clock_ms

    async def base(self, draft: str) -> tuple[str, str, Draft | None]:
        """What a trial begins with: its resource name, its text, and the draft where it is one.

        Raises:
            DraftProblem: there is no such draft, or none is named and no policy is active.
        """
        if draft:
            found, text = await self.drafting.store.read(draft)
            return f"policy-drafts/{draft}", text, found
        _, number = await self.drafting.submitting.revising.store.head()
        if not number:
            raise DraftProblem("what-if-none")
        return f"revisions/{number}", await self.drafting.questions.text_of(number), None

    async def document(self, text: str) -> Document:
        """The policy that a text is.

        Raises:
            PolicyInvalid: it has mistakes.
        """
        return await self.drafting.questions.document(text)

    async def sentences(self, text: str, *, language: str) -> dict[str, str]:
        """What parts of a text say in words, by "{section}.{part}"; of those that sentences can say."""
        phrases = await self.drafting.workshop.run(listed, text, language=language)
        return {f"{each.section}.{each.part}": each.said for each in phrases if each.said}

    async def start(
        self,
        trial: Trial,
        against: Trial | None,
        *,
        owner: str,
        span_ms: int = MONTH_MS,
        most: int = 0,
        tenant: str = "",
    ) -> Job:
        """Begin to try a policy, alone or beside another one: what the job gives, `working` says.

        Raises:
            EditRefused: an edit cannot be made.
            DraftProblem: there is no such draft, or recorded calls cannot be opened here.
            JobsFull: too much is under way.
        """
        questions = self.drafting.questions
        if not questions.sources.replay_keys:
            raise DraftProblem("job-replay-key")
        tried = [await self._tried(each) for each in (trial, against) if each is not None]
        trying = Trying(tried=tuple(tried), span_ms=span_ms, now_ms=self._clock_ms(), most=most, tenant=tenant)
        return await questions.jobs.start(KIND, what_if, (questions.sources, trying), about=tried[0].about, owner=owner)

    async def keep(self, trial: Trial, *, title: str, version: int, who: Who) -> str:
        """Write what was tried into its draft, or of the active policy into a new one; the draft's id.

        Raises:
            EditRefused: an edit cannot be made.
            DraftChanged: the draft has another version than was seen.
            DraftProblem: there is no such draft, or no room for one, or nothing was changed.
        """
        if not trial.edits:
            raise DraftProblem("what-if-same")
        if not trial.id:
            return await self.drafting.begin(title, trial.edits, who=who)
        await self.drafting.edit(trial.id, trial.edits, version=version, who=who)
        return trial.id

    async def _tried(self, trial: Trial) -> Tried:
        about, text, _ = await self.base(trial.id)
        if trial.edits:
            text = await self.drafting.questions.edit_text(text, trial.edits)
        return Tried(about=about, text=text, edits=trial.edits)
