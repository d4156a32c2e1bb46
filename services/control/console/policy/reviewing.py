"""Reviewing a draft: what it changes, how far that reaches, what it would have decided; and proposing it. Jobs."""

from collections.abc import Sequence
from typing import Any, Final, Literal, cast

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.changes import Place
from gateway.core.revision.decode import PolicyInvalid
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.drafts import MAX_BODY_BYTES
from services.control.console.page import Parts
from services.control.console.policy.editing import filled_in
from services.control.console.policy.form import field_of, form_of, number_of
from services.control.console.policy.jobs_shown import job_shown, not_begun
from services.control.console.rendering import go_to, page, texts_of
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import EditRefused
from services.control.drafts.questions import Kind
from services.control.drafts.store import DraftProblem
from services.control.jobs import JobsFull

DAY_MS: Final = 86_400_000
SPANS: Final = (1, 7, 30)
"""Days of recorded calls that may be chosen."""
MOST_TRIED: Final = 1_000


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    drafting = parts.drafts

    @get("/policy/drafts/{draft:str}/review", right=Right.POLICY_WRITE, include_in_schema=False)
    async def review(draft: FromPath[str], request: Asked) -> Response[str]:
        stored, text = await drafting.store.read(draft)
        values: dict[str, Any] = {"draft": stored, "compared": None, "mistakes": 0, "spans": SPANS, "wanted": ()}
        try:
            values["compared"] = await drafting.questions.compare(draft, text=text)
            values["wanted"] = await parts.operations.probes.wanted(await drafting.questions.document(text))
        except PolicyInvalid as invalid:
            values["mistakes"] = len(invalid.mistakes)
        _, values["active"] = await drafting.submitting.revising.store.head()
        return page(request, "policy/review.html", **values)

    @post("/policy/drafts/{draft:str}/{kind:str}", right=Right.POLICY_WRITE, include_in_schema=False,
          request_max_body_size=MAX_BODY_BYTES, status_code=200)  # fmt: skip
    async def start(draft: FromPath[str], kind: FromPath[str], request: Asked) -> Response[Any]:
        if kind not in ("plan", "backtest", "try"):
            raise DraftProblem("draft-unknown", draft=draft)
        form = await form_of(request)
        try:
            text, part = await _about(draft, kind, form)
            job = await drafting.questions.start(
                cast("Kind", kind),
                draft,
                owner=principal_of(request).name,
                text=text,
                span_ms=days_of(number_of(form, "days", 7)) * DAY_MS,
                most=MOST_TRIED if kind == "try" else 0,
                place=Place(field_of(form, "section"), part),
            )
        except (DraftProblem, EditRefused, JobsFull) as problem:
            return not_begun(request, problem)
        return job_shown(request, job)

    async def _about(draft: str, kind: str, form: FormMultiDict) -> tuple[str | None, str]:
        """What a job is about: a part is tried as its form says it, saved or not; else it is what is saved."""
        return await filled_in(drafting, draft, form) if kind == "try" else (None, "")

    @post("/policy/drafts/{draft:str}/submit", right=Right.POLICY_WRITE, include_in_schema=False)
    async def submit(draft: FromPath[str], request: Asked) -> Response[Any]:
        form = await form_of(request)
        who, hand = principal_of(request), parts.hand(request)
        proposal = await drafting.submit(
            draft, version=number_of(form, "version"), who=who, hand=hand, reason=field_of(form, "reason").strip()
        )
        said = texts_of(request)("policy-proposed", number=proposal.number)
        return go_to(request, f"/policy/proposals/{proposal.number}", say=said)

    return [review, submit, start, *_jobs(drafting)]


def _jobs(drafting: Drafting) -> Sequence[HTTPRouteHandler]:
    @get("/policy/jobs/{job:str}", right=Right.SEE, include_in_schema=False)
    async def follow(job: FromPath[str], request: Asked) -> Response[str]:
        return job_shown(request, await drafting.questions.jobs.get(job, owner=principal_of(request).name))

    @post("/policy/jobs/{job:str}/cancel", right=Right.SEE, include_in_schema=False, status_code=200)
    async def cancel(job: FromPath[str], request: Asked) -> Response[str]:
        return job_shown(request, await drafting.questions.jobs.cancel(job, owner=principal_of(request).name))

    return [follow, cancel]


def days_of(days: int) -> int:
    """A number of days that may be chosen."""
    return days if days in SPANS else 7


Proposable = Literal["plan", "backtest"]
