"""How it is answered over HTTP: who asks, in which language, and why nothing was taken."""

import base64
import binascii
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response

from gateway.core.texts import language_of
from services.intake.events import Problem
from services.intake.texts import say

RETRY_SECONDS: Final = 1
_STATUSES: Final = {
    "body-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "parquet-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "body-slow": HTTPStatus.REQUEST_TIMEOUT,
    "compression": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "key": HTTPStatus.UNAUTHORIZED,
    "no-policy": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-down": HTTPStatus.SERVICE_UNAVAILABLE,
    "audit-down": HTTPStatus.SERVICE_UNAVAILABLE,
    "audience": HTTPStatus.FORBIDDEN,
    "unomi": HTTPStatus.FORBIDDEN,
    "audience-busy": HTTPStatus.CONFLICT,
    "content": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Any other problem is the sender's: 400."""

Asked = Request[Any, Any, Any]


class Failed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why nothing of a request was taken."""

    message: str
    reason: str
    field: str = ""
    success: bool = False


def write_key(authorization: str) -> str:
    """The user name of basic authentication (RFC 7617); empty where there is none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


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
    told = say(problem.code, language=language_in(request), field=problem.field or "$", **values)
    body = Failed(message=told, reason=problem.code.upper().replace("-", "_"), field=problem.field)
    return Response(body, status_code=status, headers=headers)


def language_in(request: Asked) -> str:
    """The language that the answer is wanted in."""
    return language_of(request.headers.get("accept-language"))
