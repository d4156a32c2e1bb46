"""What a caller over HTTP sees when a call does not go through: `google.rpc.Status` as JSON, and the status of HTTP."""

import contextlib
import logging
import math
from collections.abc import Sequence
from typing import Any, Final

import grpc
import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.http_status import HTTP_CODES
from gateway.rpc.status import DETAILS_KEY, status_from, status_of
from services.agents.calling import Metadata
from services.agents.texts import say
from services.agents.unfit import Unfit

HTTP: Final = {code.value[0]: http for code, http in HTTP_CODES.items()}
"""The status of HTTP for each number of a code."""
DECISION: Final = "pilote-decision-id"
_SHOWN: Final = ("pilote-", "ratelimit")
"""Trailers that begin so are shown as headers: the gateway's own."""
_BY_GRPC: Final = {
    grpc.StatusCode.UNAVAILABLE: (Reason.UPSTREAM_UNAVAILABLE, "gateway-down"),
    # We cancel nothing that somebody still waits for: it is what a server says whose queue is full, or that stops.
    grpc.StatusCode.CANCELLED: (Reason.UPSTREAM_UNAVAILABLE, "gateway-down"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (Reason.DEADLINE_EXCEEDED, "late"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (Reason.INTERNAL, "large-answer"),
}

_log = logging.getLogger(__name__)

Header = tuple[bytes, bytes]


class Failure(msgspec.Struct, frozen=True):
    """One answer that says why not."""

    http: int
    status: status_pb2.Status
    headers: tuple[Header, ...] = ()

    @property
    def reason(self) -> str:
        """Why, for spans: a reason of ours, else the name of the code, for those of upstreams are without bounds."""
        for detail in self.status.details:
            info = error_details_pb2.ErrorInfo()
            with contextlib.suppress(DecodeError):
                if detail.Unpack(info) and info.reason in Reason.__members__:
                    return str(info.reason)
        code = self.status.code
        return str(code_pb2.Code.Name(code)) if code in code_pb2.Code.values() else code_pb2.Code.Name(code_pb2.UNKNOWN)

    @property
    def body(self) -> bytes:
        """The status as JSON."""
        return msgspec.json.encode(shown(self.status))


def of_unfit(unfit: Unfit, *, language: str, headers: tuple[Header, ...] = ()) -> Failure:
    """What a request comes to that cannot become a call."""
    status = status_of(unfit.ended(language=language))
    return Failure(unfit.http, status, headers)


def of_ended(reason: Reason, key: str, *, language: str) -> Failure:
    """What a call comes to that ends here, for that reason, with the text of that key."""
    localized = None if language == "en" else (language, say(key, language=language))
    status = status_of(CallEnded(reason, say(key, language="en"), localized=localized))
    return Failure(HTTP[status.code], status, _told(status, ()))


def of_refusal(error: grpc.aio.AioRpcError, *, language: str) -> Failure:
    """What the gateway has refused, in its words; in ours what gRPC itself says, which would name addresses."""
    trailers: Metadata = tuple(error.trailing_metadata() or ())
    if not any(key in (DETAILS_KEY, DECISION) for key, _ in trailers):
        if error.code() not in _BY_GRPC:
            _log.error("gRPC has ended a call by itself", extra={"code": error.code().name, "said": error.details()})
        reason, key = _BY_GRPC.get(error.code(), (Reason.INTERNAL, "internal"))
        return of_ended(reason, key, language=language)
    try:
        status = status_from(error)
    except DecodeError:
        status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    return Failure(HTTP.get(status.code, 500), status, _told(status, trailers))


def headers_of(trailers: Metadata) -> tuple[Header, ...]:
    """The gateway's trailers as headers."""
    return tuple(
        (key.encode(), value.encode()) for key, value in trailers if isinstance(value, str) and key.startswith(_SHOWN)
    )


def shown(status: status_pb2.Status) -> dict[str, Any]:
    """A status as JSON; a detail whose type nobody here knows is shown as its name."""
    return {
        "code": status.code,
        "message": status.message,
        "details": [_detail(detail) for detail in status.details],
    }


def _detail(detail: Any) -> Any:
    try:
        return json_format.MessageToDict(detail)
    except (TypeError, DecodeError):
        return {"@type": detail.type_url}


def _told(status: status_pb2.Status, trailers: Metadata) -> tuple[Header, ...]:
    found = list(headers_of(trailers))
    if (seconds := _retry_seconds(status.details)) is not None:
        found.append((b"retry-after", str(seconds).encode()))
    if status.code == code_pb2.UNAUTHENTICATED:
        found.append((b"www-authenticate", b'Bearer realm="pilote"'))
    return tuple(found)


def _retry_seconds(details: Sequence[Any]) -> int | None:
    for detail in details:
        info = error_details_pb2.RetryInfo()
        if detail.Is(info.DESCRIPTOR):
            try:
                detail.Unpack(info)
            except DecodeError:
                return None
            return max(0, math.ceil(int(info.retry_delay.ToMilliseconds()) / 1000))
    return None
