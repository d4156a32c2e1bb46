"""Running a suite from its page: beginning the job, how far it is, what came of it, and ending it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled
from services.control.api.probes import draft_of
from services.control.console.forms import Form, form_as
from services.control.console.page import Parts
from services.control.console.pages.probe_shown import named_in
from services.control.console.rendering import page
from services.control.console.viewer import viewer_of
from services.control.drafts.texts import say as in_words
from services.control.jobs import OVER, Job, JobUnknown
from services.not_done import NotDone


class _Run(Form, frozen=True, kw_only=True):
    target: str = ""
    """"draft ID", "version lead-score/2", both one after the other, or nothing: the active policy."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of that."""
    jobs = parts.drafts.questions.jobs

    @post("/probes/{tenant:str}/{suite:str}/run", right=Right.PROBES, include_in_schema=False, status_code=200)
    async def run(request: Asked, tenant: FromPath[str], suite: FromPath[str]) -> Response[str]:
        form, who = await form_as(request, _Run), principal_of(request)
        ruled(who, Right.PROBES, parts.policy.tenants, tenant)
        named = named_in(form.target)
        draft = draft_of(who, named.get("draft", ""))
        try:
            job = await parts.operations.probes.run(
                tenant, suite, draft=draft, version=named.get("version", ""), who=who
            )
        except NotDone as refused:
            text = refused.said(viewer_of(request).language)
            return page(request, "probes/job.html", fragment="refused", text=text, **_nothing(f"{tenant}/{suite}"))
        return _shown(request, job)

    @get("/probes/-/jobs/{job:str}", right=Right.SEE, include_in_schema=False)
    async def follow(request: Asked, job: FromPath[str]) -> Response[str]:
        return _shown(request, await jobs.get(job, owner=principal_of(request).name))

    @post("/probes/-/jobs/{job:str}/cancel", right=Right.SEE, include_in_schema=False, status_code=200)
    async def cancel(request: Asked, job: FromPath[str]) -> Response[str]:
        return _shown(request, await jobs.cancel(job, owner=principal_of(request).name))

    return [run, follow, cancel]


def _shown(request: Asked, job: Job) -> Response[str]:
    """How far it is, or what came of it.

    Raises:
        JobUnknown: another page shows it.
    """
    if job.kind != "probe":
        raise JobUnknown
    language = viewer_of(request).language
    return page(
        request,
        "probes/job.html",
        fragment="job",
        suite=job.about.removeprefix("probes/"),
        job=job,
        over=job.state in OVER,
        run=_run(job, language) if job.state == "succeeded" else None,
        failure=in_words(job.failure, language=language) if job.failure else "",
        text="",
    )


def _run(job: Job, language: str) -> Mapping[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(job.result)
    results = [each | {"why": each["why"][language]} for each in told["results"]]
    return told | {"results": results}


def _nothing(suite: str) -> Mapping[str, Any]:
    return {"suite": suite, "job": None, "over": True, "run": None, "failure": ""}
