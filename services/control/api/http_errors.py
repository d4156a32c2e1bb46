"""Where a reason becomes an HTTP status: the twin of `gateway.rpc.status`. No exception's text leaves the process."""

import logging
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from gateway.core.errors import CallEnded
from gateway.rpc.status import code_of

_log = logging.getLogger(__name__)

_STATUS: Final = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""By the canonical code's name; any other is our mistake."""


def ended(_: Request[Any, Any, Any], error: CallEnded) -> Response[dict[str, Any]]:
    """The answer for a call that ended with a reason."""
    status = _STATUS.get(code_of(error.reason).name, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(max(1, (error.retry_after_ms or 1_000) // 1_000))
    return _answer(status, error.message, reason=error.reason.value, headers=headers)


def refused(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """The answer for what the framework refuses: an unknown path, a body that is too large."""
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return failed(_, error)
    return _answer(status, f"{status.phrase}.", reason=status.name)


def failed(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The answer for a mistake of ours, which is in our log."""
    _log.error("a request failed", exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "A mistake of ours; it is in our log.", reason="INTERNAL")


def _answer(
    status: HTTPStatus, details: str, *, reason: str, headers: dict[str, str] | None = None
) -> Response[dict[str, Any]]:
    body = {"errorCode": "GENERAL", "errorDetails": details, "reason": reason}
    return Response(body, status_code=status.value, headers=headers or {})
