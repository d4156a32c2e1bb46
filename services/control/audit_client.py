"""Asks the audit service for people: requests from HTTP parameters, answers as JSON, failures as problems."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.status import reason_from, status_from, text_from
from pilote.audit.v1 import audit_service_pb2_grpc
from services.control.problems import Problem
from services.revisions.texts import say

SECONDS: Final = 30.0
"""Longest time an answer may take: counts of millions take seconds."""
_STATUS: Final[Mapping[str, HTTPStatus]] = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "ABORTED": HTTPStatus.CONFLICT,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
    "UNIMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
}
"""By the canonical code's name; any other is our mistake."""

Request = TypeVar("Request", bound=Message)
Stub = audit_service_pb2_grpc.AuditServiceStub


def filled(kind: type[Request], values: Mapping[str, Any]) -> Request:
    """A request with these fields, named and written as JSON has them; empty ones are left out.

    Raises:
        CallEnded: ARGUMENT_INVALID for one that cannot be read.
    """
    given = {name: value for name, value in values.items() if value not in {"", None} and value != ()}
    try:
        return json_format.ParseDict(given, kind())
    except json_format.ParseError as error:
        field = next((name for name in given if name in str(error)), "")
        text = f"{field or 'The request'} cannot be read: times are written as 2026-11-24T10:00:00Z, spans as 60s."
        raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=((field, text),)) from error


async def ask(
    method: Callable[..., Awaitable[Message]], request: Message, *, language: str, defaults: bool = False
) -> dict[str, Any]:
    """The answer as JSON; with `defaults` also what is 0 or empty.

    Raises:
        grpc.aio.AioRpcError: see `problem_from`.
    """
    answer = await method(request, timeout=SECONDS, metadata=(("accept-language", language),))
    return as_json(answer, defaults=defaults)


def as_json(message: Message, *, defaults: bool = False) -> dict[str, Any]:
    """A message as ProtoJSON."""
    found: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=defaults)
    return found


def problem_from(error: grpc.aio.AioRpcError, language: str) -> tuple[Problem | None, HTTPStatus]:
    """What is said of a failed question, and the status; `None` for a mistake of ours."""
    code = error.code().name
    details = status_from(error).details
    if code == "UNAVAILABLE" and not details:
        return Problem(reason="STORE_UNAVAILABLE", message=say("audit-down", language=language)), _STATUS[code]
    if code == "DEADLINE_EXCEEDED":
        return Problem(reason=code, message=say("audit-slow", language=language)), _STATUS[code]
    status = _STATUS.get(code)
    if status is None:
        return None, HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(reason=reason_from(error), message=text_from(error), mistakes=_mistakes(error, language)), status


def _mistakes(error: grpc.aio.AioRpcError, language: str) -> tuple[dict[str, Any], ...]:
    """The fields that are wrong, in a filter with line and column."""
    places: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for detail in status_from(error).details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            places = {name: int(info.metadata[name]) for name in ("line", "column") if info.metadata[name].isdigit()}
        elif detail.Unpack(bad):
            found += [{"path": each.field, "problem": each.description} for each in bad.field_violations]
    if language != "en" and len(found) == 1:
        found[0]["problem"] = text_from(error)
    return tuple(each | places for each in found)
