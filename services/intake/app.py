"""The web application: Segment's tracking API, answered with what came of every event."""

import base64
import binascii
import logging
from http import HTTPStatus
from typing import Any, Final

import grpc
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from redis.exceptions import RedisError

from gateway.core.errors import CallEnded
from gateway.core.texts import language_of
from services.intake.bodies import body_of
from services.intake.events import KINDS, Problem
from services.intake.policy import Sources
from services.intake.taking import Answer, Taking
from services.intake.texts import say

HEALTH: Final = "/healthz"
RETRY_SECONDS: Final = 1
_STATUSES: Final = {
    "body-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body-slow": HTTPStatus.REQUEST_TIMEOUT,
    "compression": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "key": HTTPStatus.UNAUTHORIZED,
    "no-policy": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-down": HTTPStatus.SERVICE_UNAVAILABLE,
    "audit-down": HTTPStatus.SERVICE_UNAVAILABLE,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Any other problem is the sender's: 400."""
_log = logging.getLogger(__name__)

Asked = Request[Any, Any, Any]


class Failed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why nothing of a request was taken."""

    message: str
    reason: str
    field: str = ""
    success: bool = False


def application(sources: Sources, taking: Taking) -> Litestar:
    """The application."""

    @get(HEALTH, include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    @post([f"/v1/{kind}" for kind in (*KINDS, "batch")], status_code=HTTPStatus.OK)
    async def take(request: Asked) -> Response[Any]:
        if not sources.known:
            return failed(request, Problem("no-policy"))
        meaning = sources.of(write_key(request.headers.get("authorization", "")))
        if meaning is None:
            return failed(request, Problem("key"))
        body = await body_of(request)
        if isinstance(body, Problem):
            return failed(request, body)
        kind = request.url.path.rpartition("/")[2]
        try:
            gpc = request.headers.get("sec-gpc", "").strip() == "1"
            answer = await taking.take(meaning, body, kind=kind, language=_language(request), gpc=gpc)
        except (RedisError, OSError, TimeoutError, CallEnded):
            _log.warning("events cannot be taken: the store does not answer")
            return failed(request, Problem("store-down"))
        except grpc.aio.AioRpcError as error:
            _log.warning("outcomes cannot be taken: the audit service fails", extra={"status": error.code().name})
            return failed(request, Problem("audit-down"))
        return answered(answer) if isinstance(answer, Answer) else failed(request, answer)

    return Litestar(
        route_handlers=[healthy, take],
        request_max_body_size=None,  # read, and measured, in `bodies`
        openapi_config=None,
        exception_handlers={HTTPException: _refused, Exception: _mistaken},
        logging_config=None,
        debug=False,
    )


def write_key(authorization: str) -> str:
    """The user name of basic authentication (RFC 7617); empty where there is none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def answered(answer: Answer) -> Response[Answer]:
    """200 where anything was good: a client that reads no more than the status must not send that again."""
    return Response(answer, status_code=HTTPStatus.OK if answer.success else HTTPStatus.BAD_REQUEST)


def failed(request: Asked, problem: Problem, **values: object) -> Response[Failed]:
    """Nothing was taken."""
    status = _STATUSES.get(problem.code, HTTPStatus.BAD_REQUEST)
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Basic realm="pilote", charset="UTF-8"'
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_SECONDS)
    if problem.code == "body-slow":
        headers["connection"] = "close"  # what is left of the body is not read
    told = say(problem.code, language=_language(request), field=problem.field or "$", **values)
    body = Failed(message=told, reason=problem.code.upper().replace("-", "_"), field=problem.field)
    return Response(body, status_code=status, headers=headers)


def _language(request: Asked) -> str:
    return language_of(request.headers.get("accept-language"))


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
