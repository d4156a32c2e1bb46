"""The web application: Segment's tracking API, answered with what came of every event; and audiences."""

import logging
from http import HTTPStatus
from typing import Any, Final

import grpc
from litestar import Litestar, Response, get, post
from litestar.exceptions import HTTPException
from redis.exceptions import RedisError

from gateway.core.errors import CallEnded
from services.intake import unomi
from services.intake.answers import Asked, Failed, failed, language_in, write_key
from services.intake.audience_api import audience_handlers
from services.intake.audiences import Audiences
from services.intake.bodies import Patience, body_of
from services.intake.events import KINDS, Problem
from services.intake.meaning import Meaning
from services.intake.policy import Sources
from services.intake.taken import Answer
from services.intake.taking import Taking

HEALTH: Final = "/healthz"
_log = logging.getLogger(__name__)


def application(sources: Sources, taking: Taking, syncing: Audiences, *, patience: Patience) -> Litestar:
    """The application. `patience` is had with clients that send slowly."""

    @get(HEALTH, include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    @post([*(f"/v1/{kind}" for kind in (*KINDS, "batch")), unomi.PATH], status_code=HTTPStatus.OK)
    async def take(request: Asked) -> Response[Any]:
        if not sources.known:
            return failed(request, Problem("no-policy"))
        key = write_key(request.headers.get("authorization", "")) or request.headers.get(unomi.KEY_HEADER, "")
        meaning = sources.of(key)
        if meaning is None:
            return failed(request, Problem("key"))
        body = await body_of(request, patience)
        if isinstance(body, Problem):
            return failed(request, body)
        kind = request.url.path.rpartition("/")[2]
        language, gpc = language_in(request), request.headers.get("sec-gpc", "").strip() == "1"
        try:
            if request.url.path == unomi.PATH:
                answer = await _of_unomi(taking, meaning, body, language=language, gpc=gpc)
            else:
                answer = await taking.take(meaning, body, kind=kind, language=language, gpc=gpc)
        except (RedisError, OSError, TimeoutError, CallEnded):
            _log.warning("events cannot be taken: the store does not answer")
            return failed(request, Problem("store-down"))
        except grpc.aio.AioRpcError as error:
            _log.warning("outcomes cannot be taken: the audit service fails", extra={"status": error.code().name})
            return failed(request, Problem("audit-down"))
        return answered(answer) if isinstance(answer, Answer) else failed(request, answer)

    return Litestar(
        route_handlers=[healthy, take, *audience_handlers(sources, syncing, patience)],
        request_max_body_size=None,  # read, and measured, in `bodies`
        openapi_config=None,
        exception_handlers={HTTPException: _refused, Exception: _mistaken},
        logging_config=None,
        debug=False,
    )


async def _of_unomi(taking: Taking, meaning: Meaning, body: bytes, *, language: str, gpc: bool) -> Answer | Problem:
    if meaning.source.unomi is None:
        return Problem("unomi")
    events = unomi.collected(body, meaning.source.unomi)
    if isinstance(events, Problem):
        return events
    return await taking.take_events(meaning, events, language=language, gpc=gpc)


def answered(answer: Answer) -> Response[Answer]:
    """200 where anything was good: a client that reads no more than the status must not send that again."""
    return Response(answer, status_code=HTTPStatus.OK if answer.success else HTTPStatus.BAD_REQUEST)


def _refused(request: Asked, error: HTTPException) -> Response[Failed]:
    """What the framework refuses: another path or method."""
    status = HTTPStatus(error.status_code)
    answer = failed(request, Problem("http"), phrase=status.phrase)
    answer.status_code = status.value
    answer.headers |= dict(error.headers or {})
    return answer


def _mistaken(request: Asked, error: Exception) -> Response[Failed]:
    _log.error("a request failed", exc_info=error)
    return failed(request, Problem("internal"))
