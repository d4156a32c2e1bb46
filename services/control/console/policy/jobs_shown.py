"""Jobs about drafts and proposals as pages show them: how far they are, and what came of them."""

from typing import Any

import msgspec
from litestar import Response

from services.control.access.persons import language_in
from services.control.access.principals import Asked
from services.control.console.rendering import page
from services.control.drafts.questions import WORK
from services.control.drafts.texts import say as in_words
from services.control.jobs import OVER, Job, JobUnknown
from services.not_done import NotDone


def job_shown(request: Asked, job: Job) -> Response[str]:
    """How far a job is, or what came of it.

    Raises:
        JobUnknown: another page shows it.
    """
    if job.kind not in WORK:
        raise JobUnknown
    language = language_in(request)
    result: Any = msgspec.json.decode(job.result) if job.state == "succeeded" else None
    return page(
        request,
        "policy/job.html",
        fragment="job",
        job=job,
        over=job.state in OVER,
        result=result,
        language=language,
        failure=in_words(job.failure, language=language) if job.failure else "",
    )


def not_begun(request: Asked, problem: NotDone) -> Response[str]:
    """Why a job has not begun."""
    return page(request, "policy/job.html", fragment="refused", text=problem.said(language_in(request)))
