"""What another service's refusal over gRPC says, for an answer over HTTP."""

from http import HTTPStatus
from typing import Any

import grpc
import msgspec
from google.rpc import error_details_pb2

from gateway.rpc.status import reason_from, status_from, text_from
from services.control.api.statuses import OF_CODES
from services.revisions.texts import say


class Heard(msgspec.Struct, frozen=True):
    """What a refusal says."""

    reason: str
    status: HTTPStatus
    text: str
    mistakes: tuple[dict[str, Any], ...] = ()


def told_by(error: grpc.aio.AioRpcError, language: str) -> Heard | None:
    """What is said of a failed question to the audit service; `None` for a mistake of ours."""
    code = error.code().name
    details = status_from(error).details
    if code == "UNAVAILABLE" and not details:
        return Heard("STORE_UNAVAILABLE", OF_CODES[code], say("audit-down", language=language))
    if code == "DEADLINE_EXCEEDED":
        return Heard(code, OF_CODES[code], say("audit-slow", language=language))
    status = OF_CODES.get(code)
    if status is None:
        return None
    return Heard(reason_from(error), status, text_from(error), _mistakes(error, language))


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
