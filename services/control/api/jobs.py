"""One's own jobs over HTTP: how far they are, what came of them, ending them."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.draft_messages import JobShown, JobsShown, job_shown
from services.control.api.parameters import PageSize, PageToken
from services.control.drafts.texts import say
from services.control.jobs import Job
from services.control.paging import page
from services.control.shared_jobs import SharedJobs

_STREAM: Final = "text/event-stream"


class JobsApi:
    """Answers whoever has begun jobs."""

    def __init__(self, jobs: SharedJobs) -> None:
        self._jobs = jobs

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        jobs = self._jobs

        @get("/v1/jobs", right=Right.OWN, summary="List jobs")
        async def listed(request: Asked, size: PageSize = 0, token: PageToken = "") -> Response[JobsShown]:
            """One's own jobs, the newest first, without what came of them; they are kept for an hour."""
            found, further = page(
                await jobs.all(owner=principal_of(request).name),
                place=lambda each: (each.created_ms, each.id),
                size=size,
                token=token,
                descending=True,
            )
            own = [in_words(job, language_in(request)) for job in found]
            shown = tuple(msgspec.structs.replace(job, result=None) for job in own)
            return Response(JobsShown(jobs=shown, next_page_token=further))

        @get("/v1/jobs/{job:str}", right=Right.OWN, summary="Get a job")
        async def one(job: FromPath[str], request: Asked) -> Response[JobShown]:
            """One job, with what came of it."""
            return Response(in_words(await jobs.get(job, owner=principal_of(request).name), language_in(request)))

        @get("/v1/jobs/{job:str}/:follow", right=Right.OWN, summary="Follow a job", media_type=_STREAM)
        async def follow(job: FromPath[str], request: Asked) -> ServerSentEvent:
            """A job each time that it has changed, as server-sent events `job`, the last one with what came of it."""
            owner, language = principal_of(request).name, language_in(request)
            await jobs.get(job, owner=owner)

            async def events() -> AsyncIterator[dict[str, str]]:
                async for seen in jobs.follow(job, owner=owner):
                    yield {"event": "job", "data": msgspec.json.encode(in_words(seen, language)).decode()}

            return ServerSentEvent(events())

        @post("/v1/jobs/{job:str}/:cancel", right=Right.OWN, status_code=200, summary="End a job")
        async def cancel(job: FromPath[str], request: Asked) -> Response[JobShown]:
            """End a job; nothing where it is over."""
            ended = await jobs.cancel(job, owner=principal_of(request).name)
            return Response(in_words(ended, language_in(request)))

        return [listed, one, follow, cancel]


def in_words(job: Job, language: str) -> JobShown:
    """A job as it is shown."""
    return job_shown(job, say(job.failure, language=language) if job.failure else "")


def started(job: Job) -> Response[JobShown]:
    """The answer to what has begun a job."""
    return Response(in_words(job, "en"), status_code=202, headers={"location": f"/v1/jobs/{job.id}"})
