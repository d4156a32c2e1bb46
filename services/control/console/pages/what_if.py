"""The page *What if*: caps and limits as numbers to turn, and what turning them would have changed."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.revision.decode import PolicyInvalid
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.drafts import MAX_BODY_BYTES
from services.control.console.forms import texts_in
from services.control.console.page import Page, Parts
from services.control.console.pages.what_if_asked import Question, question_in
from services.control.console.pages.what_if_shown import found_of
from services.control.console.rendering import asked_by_htmx, go_to, page, texts_of
from services.control.console.texts.what_if import TEXTS
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.control.drafts.texts import say as in_words
from services.control.jobs import OVER, Job, JobsFull, JobUnknown
from services.control.whatif.desk import KIND, Trial, WhatIf
from services.control.whatif.knobs import Knob, knobs_of
from services.not_done import NotDone

DAY_MS: Final = 86_400_000
SPANS: Final = (7, 14, 30, 60, 90)
"""Days of recorded calls that may be chosen."""
_TEMPLATE: Final = "what-if/what-if.html"


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page, and what it does."""
    desk = parts.operations.what_if

    @get("/what-if", right=Right.POLICY_WRITE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        return await _shown(request, desk, question_in(texts_in(request.query_params)))

    @post("/what-if/run", right=Right.POLICY_WRITE, include_in_schema=False, status_code=200,
          request_max_body_size=MAX_BODY_BYTES)  # fmt: skip
    async def run(request: Asked) -> Response[Any]:
        question = question_in(texts_in(await request.form()))
        owner = principal_of(request).name
        try:
            if question.job:  # what it was asked before is of no use any more
                with contextlib.suppress(JobUnknown):
                    await desk.drafting.questions.jobs.cancel(question.job, owner=owner)
            trial, against = await _trials(desk, question)
            job = await desk.start(trial, against, owner=owner, span_ms=days_of(question.days) * DAY_MS)
        except PolicyInvalid:
            return _refused(request, texts_of(request)("what-if-mistakes"), question)
        except (DraftProblem, EditRefused, JobsFull) as problem:
            return _refused(request, problem.said(language_in(request)), question)
        path = "/what-if?" + urlencode(msgspec.structs.replace(question, job=job.id).fields())
        if not asked_by_htmx(request):
            return go_to(request, path)
        return _job_shown(request, job, headers={"hx-replace-url": path})

    @post("/what-if/keep", right=Right.POLICY_WRITE, include_in_schema=False, request_max_body_size=MAX_BODY_BYTES)
    async def keep(request: Asked) -> Response[Any]:
        question, say = question_in(texts_in(await request.form())), texts_of(request)
        try:
            trial, _ = await _trials(desk, question)
            title = question.title or say("what-if-titled")
            draft = await desk.keep(trial, title=title, version=question.version, who=principal_of(request))
        except PolicyInvalid:
            return go_to(request, _back(question), say=say("what-if-mistakes"), kind="error")
        except NotDone as problem:
            return go_to(request, _back(question), say=problem.said(language_in(request)), kind="error")
        return go_to(request, f"/policy/drafts/{draft}", say=say("what-if-kept"))

    return [shown, run, keep, *_jobs(desk)]


def _jobs(desk: WhatIf) -> Sequence[HTTPRouteHandler]:
    jobs = desk.drafting.questions.jobs

    @get("/what-if/jobs/{job:str}", right=Right.SEE, include_in_schema=False)
    async def follow(job: FromPath[str], request: Asked) -> Response[str]:
        return _job_shown(request, await jobs.get(job, owner=principal_of(request).name))

    @post("/what-if/jobs/{job:str}/cancel", right=Right.SEE, include_in_schema=False, status_code=200)
    async def cancel(job: FromPath[str], request: Asked) -> Response[str]:
        return _job_shown(request, await jobs.cancel(job, owner=principal_of(request).name))

    return [follow, cancel]


async def _shown(request: Asked, desk: WhatIf, question: Question) -> Response[str]:
    values: dict[str, Any] = {"problem": "", "knobs": (), "said": {}, "draft": None, "job": None, "mistakes": False}
    values |= {
        "drafts": await desk.drafting.store.all(),
        "spans": SPANS,
        "days": days_of(question.days),
        "inactive": False,
    }
    try:
        _, text, values["draft"] = await desk.base(question.draft)
        values["knobs"] = knobs_of(await desk.document(text))
        values["said"] = await desk.sentences(text, language=language_in(request))
    except PolicyInvalid:
        values["mistakes"] = True
    except DraftProblem as problem:
        values["inactive"] = problem.code == "what-if-none"
        values["problem"] = "" if values["inactive"] else problem.said(language_in(request))
    if question.job:
        with contextlib.suppress(JobUnknown):
            job = await desk.drafting.questions.jobs.get(question.job, owner=principal_of(request).name)
            values |= _job_values(request, job)
    return page(
        request,
        _TEMPLATE,
        question=question,
        noted=[(key, key.split(".", 2)[2]) for key in question.notes if key.count(".") > 1],
        rows=[(knob, _standing(knob, question)) for knob in values["knobs"]],
        **values,
    )


def _standing(knob: Knob, question: Question) -> str:
    """What the field of a knob holds."""
    if knob.key in question.turned:
        return question.turned[knob.key]
    return "" if knob.value is None else str(knob.value)


async def _trials(desk: WhatIf, question: Question) -> tuple[Trial, Trial | None]:
    """The policy that is tried, and the one that it is compared with.

    Raises:
        PolicyInvalid: it has mistakes.
        DraftProblem: there is no such draft, or a number is none.
    """
    _, text, _ = await desk.base(question.draft)
    edits = question.edits(await desk.document(text))
    against = None if question.against is None else Trial(draft=question.against)
    return Trial(draft=question.draft, edits=edits), against


def _job_shown(request: Asked, job: Job, *, headers: Mapping[str, str] | None = None) -> Response[str]:
    if job.kind != KIND:
        raise JobUnknown
    values = {"question": Question(), "problem": "", **_job_values(request, job)}
    return page(request, "what-if/job.html", fragment="job", headers=headers, **values)


def _job_values(request: Asked, job: Job) -> dict[str, Any]:
    if job.kind != KIND:
        raise JobUnknown
    language = language_in(request)
    result = msgspec.json.decode(job.result) if job.state == "succeeded" else None
    return {
        "job": job,
        "over": job.state in OVER,
        "failure": in_words(job.failure, language=language) if job.failure else "",
        "found": None if result is None else found_of(result, texts_of(request), language=language),
        "language": language,
    }


def _refused(request: Asked, problem: str, question: Question) -> Response[Any]:
    """Why nothing has begun."""
    if not asked_by_htmx(request):
        return go_to(request, _back(question), say=problem, kind="error")
    return page(request, "what-if/job.html", fragment="refused", problem=problem)


def _back(question: Question) -> str:
    return "/what-if?" + urlencode(msgspec.structs.replace(question, job="").fields())


def days_of(days: int) -> int:
    """A number of days that may be chosen."""
    return days if days in SPANS else 30


PAGE: Final = Page("what-if", TEXTS, handlers, icon="sliders-horizontal", right=Right.POLICY_WRITE)
"""Tries a policy before it is published."""
