"""Where an error becomes an answer over HTTP: the twin of `gateway.rpc.status`. No exception's text leaves the process.

Answers are problem details (RFC 9457). Feature flags are asked for by foreign clients, which read OFREP's own shape.
"""

import logging
from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from litestar import MediaType, Response
from litestar.exceptions import HTTPException

from gateway.core.errors import CallEnded
from services.control.access.persons import language_in
from services.control.access.principals import Asked
from services.control.api.problems import PROBLEM_JSON, Problem, problem_of, status_of_call
from services.not_done import NotDone

_log = logging.getLogger(__name__)

Handlers = MutableMapping[int | type[Exception], Callable[[Asked, Any], Response[Any]]]


def answered(request: Asked, error: Exception) -> Response[Problem]:
    """The problem that an error is; a mistake of ours goes into the log and is not told."""
    problem = problem_of(error, language_in(request))
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and problem.reason == "INTERNAL":
        _log.error("a request failed", exc_info=error)
    # Of an unknown method the answer names those that there are.
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, NotDone) and error.etag:
        headers["etag"] = error.etag
    if problem.retry_after_seconds:
        headers["retry-after"] = str(problem.retry_after_seconds)
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


def answered_to_flags(_: Asked, error: Exception) -> Response[dict[str, Any]]:
    """The same, as clients of feature flags read it."""
    headers = {}
    if isinstance(error, CallEnded):
        status, text, reason = status_of_call(error), error.message, error.reason.value
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = str(max(1, (error.retry_after_ms or 1_000) // 1_000))
    elif isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        status = HTTPStatus(error.status_code)
        text, reason = f"{status.phrase}.", status.name
    else:
        _log.error("a request failed", exc_info=error)
        status, text, reason = HTTPStatus.INTERNAL_SERVER_ERROR, "A mistake of ours; it is in our log.", "INTERNAL"
    body = {"errorCode": "GENERAL", "errorDetails": text, "reason": reason}
    return Response(body, status_code=status.value, headers=headers, media_type=MediaType.JSON)


PROBLEMS: Final[Handlers] = {HTTPException: answered, Exception: answered}
"""How the whole interface answers errors."""
FLAGS: Final[Handlers] = {HTTPException: answered_to_flags, Exception: answered_to_flags}
"""How feature flags do."""
