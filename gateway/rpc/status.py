"""The one place where a reason becomes a gRPC status, and where a status tells what an upstream has done."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.core.errors import CallEnded, Reason

DOMAIN: Final = "pilote.dev"
DETAILS_KEY: Final = "grpc-status-details-bin"
PUSHBACK_KEY: Final = "grpc-retry-pushback-ms"
NEVER_LEFT: Final = "failed to connect"
"""How gRPC begins to tell that no connection came about."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one reason looks on the wire: canonical code, and which details go beside `ErrorInfo`."""

    code: grpc.StatusCode
    bad_request: bool = False
    quota: bool = False
    precondition: bool = False
    retry_ms: int | None = None
    """Default for `RetryInfo` where the reason asks for one and the call knows no better; `None`: only if known."""


ROWS: Final[dict[Reason, Row]] = {
    Reason.AGENT_UNAUTHENTICATED: Row(grpc.StatusCode.UNAUTHENTICATED),
    Reason.ARGUMENT_INVALID: Row(grpc.StatusCode.INVALID_ARGUMENT, bad_request=True),
    Reason.METHOD_UNDESCRIBED: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.POLICY_DENIED: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.STOPPED: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.HELD_OUT: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.CONSENT_MISSING: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.QUIET_HOURS: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.APPROVAL_REQUIRED: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.DEFERRED: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.HOLD_REFUSED: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.HOLD_EXPIRED: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.HOLD_DAMAGED: Row(grpc.StatusCode.DATA_LOSS),
    Reason.FACTS_DAMAGED: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.AUTONOMY_OBSERVE: Row(grpc.StatusCode.PERMISSION_DENIED),
    Reason.LINEAGE_UNKNOWN: Row(grpc.StatusCode.FAILED_PRECONDITION, precondition=True),
    Reason.LIMIT_EXCEEDED: Row(grpc.StatusCode.RESOURCE_EXHAUSTED, quota=True),
    Reason.CAP_EXCEEDED: Row(grpc.StatusCode.RESOURCE_EXHAUSTED, quota=True),
    Reason.IDEMPOTENCY_KEY_REUSED: Row(grpc.StatusCode.ALREADY_EXISTS),
    Reason.IDEMPOTENCY_KEY_RUNNING: Row(grpc.StatusCode.ABORTED, retry_ms=1_000),
    Reason.ROUTE_NOT_FOUND: Row(grpc.StatusCode.NOT_FOUND),
    Reason.NOT_FOUND: Row(grpc.StatusCode.NOT_FOUND),
    Reason.ALREADY_EXISTS: Row(grpc.StatusCode.ALREADY_EXISTS),
    Reason.CONFLICT: Row(grpc.StatusCode.ABORTED),
    Reason.UPSTREAM_UNAVAILABLE: Row(grpc.StatusCode.UNAVAILABLE, retry_ms=1_000),
    Reason.UPSTREAM_FAILED: Row(grpc.StatusCode.INTERNAL),
    Reason.UPSTREAM_IN_DOUBT: Row(grpc.StatusCode.UNKNOWN),
    Reason.REPLY_WITHHELD: Row(grpc.StatusCode.INTERNAL),
    Reason.REQUEST_WITHHELD: Row(grpc.StatusCode.INTERNAL),
    Reason.STORE_UNAVAILABLE: Row(grpc.StatusCode.UNAVAILABLE, retry_ms=1_000),
    Reason.REVISION_MISSING: Row(grpc.StatusCode.UNAVAILABLE, retry_ms=5_000),
    Reason.DEADLINE_EXCEEDED: Row(grpc.StatusCode.DEADLINE_EXCEEDED),
    Reason.CANCELLED: Row(grpc.StatusCode.CANCELLED),
    Reason.DRAINING: Row(grpc.StatusCode.UNAVAILABLE, retry_ms=1_000),
    Reason.NOT_BUILT: Row(grpc.StatusCode.UNIMPLEMENTED),
    Reason.INTERNAL: Row(grpc.StatusCode.INTERNAL),
}


def status_of(ended: CallEnded) -> status_pb2.Status:
    """The `google.rpc.Status` that tells a caller why the call ended; each detail type at most once (AIP-193)."""
    row = ROWS[ended.reason]
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=ended.reason.value, domain=DOMAIN, metadata=dict(ended.metadata))
    ]
    if row.bad_request:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=field, description=text)
                    for field, text in ended.violations
                ]
            )
        )
    if row.quota:
        details.append(
            error_details_pb2.QuotaFailure(
                violations=[
                    error_details_pb2.QuotaFailure.Violation(subject=subject, description=text)
                    for subject, text in ended.violations
                ]
            )
        )
    if row.precondition:
        details.append(
            error_details_pb2.PreconditionFailure(
                violations=[
                    error_details_pb2.PreconditionFailure.Violation(
                        type=ended.reason.value, subject=subject, description=text
                    )
                    for subject, text in ended.violations
                ]
            )
        )
    retry_ms = ended.retry_after_ms if ended.retry_after_ms is not None else row.retry_ms
    if retry_ms is not None:
        delay = duration_pb2.Duration(seconds=retry_ms // 1000, nanos=retry_ms % 1000 * 1_000_000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if ended.localized is not None:
        locale, text = ended.localized
        details.append(error_details_pb2.LocalizedMessage(locale=locale, message=text))
    return status_pb2.Status(code=row.code.value[0], message=ended.message, details=[_packed(d) for d in details])


def code_of(reason: Reason) -> grpc.StatusCode:
    """The status code that stands for `reason`."""
    return ROWS[reason].code


class Fate(Enum):
    """What a failed call did to the system it was sent to."""

    UNTOUCHED = "untouched"
    """It never arrived, or was refused: nothing has changed there."""
    REFUSED = "refused"
    """The system itself said no, in words meant for the caller; nothing has changed there."""
    UNKNOWN = "unknown"
    """It may or may not have acted."""


SAID_NO: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)
"""Codes with which a peer refuses, in words meant for the caller."""


def fate_of(error: grpc.aio.AioRpcError) -> Fate:
    """What the failure says about the peer.

    gRPC's own failures and those the peer sent look alike since grpc 1.85 no longer marks the latter. So only what is
    certain is taken for certain: codes with which a peer refuses, connections that never came about (told by gRPC's own
    text, which a test pins), and failures that carry rich details, which gRPC itself never does.
    """
    if error.code() in SAID_NO:
        return Fate.REFUSED
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        never_left = (error.details() or "").startswith((NEVER_LEFT, "errors resolving"))
        if never_left or any(key == DETAILS_KEY for key, _ in tuple(error.trailing_metadata() or ())):
            return Fate.UNTOUCHED
    return Fate.UNKNOWN


def reason_of(error: grpc.aio.AioRpcError) -> Reason:
    """What to tell the caller of a failure that changed nothing, in our words: the peer's may give too much away."""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Reason.DEADLINE_EXCEEDED
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return Reason.UPSTREAM_UNAVAILABLE
    return Reason.UPSTREAM_FAILED


def pushback_ms(error: grpc.aio.AioRpcError) -> int | None:
    """How long the peer asks to be left alone, in milliseconds; -1 for good, `None` where it says nothing of it."""
    for key, value in tuple(error.trailing_metadata() or ()):
        if key == PUSHBACK_KEY:  # gRPC's proposal A6: what is no such number asks for no further try
            return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else -1
    try:
        details = status_from(error).details
    except DecodeError:
        return None
    for detail in details:
        info = error_details_pb2.RetryInfo()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            return max(0, int(info.retry_delay.ToMilliseconds()))
    return None


def said_by(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]:
    """Code, text and trailers of a peer's own refusal, for the caller to read."""
    return error.code(), error.details() or "", tuple(error.trailing_metadata() or ())


def reason_from(error: grpc.aio.AioRpcError) -> str:
    """The `ErrorInfo` reason that a peer of ours put into a failed call; the code's name where there is none."""
    status = status_from(error)
    info = _info(status)
    return str(code_pb2.Code.Name(status.code)) if info is None else str(info.reason)


def metadata_from(error: grpc.aio.AioRpcError) -> Mapping[str, str]:
    """The `ErrorInfo` metadata that a peer of ours put into a failed call; empty where there is none."""
    info = _info(status_from(error))
    return {} if info is None else dict(info.metadata)


def _info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo | None:
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    return None


def text_from(error: grpc.aio.AioRpcError) -> str:
    """What a peer said of a failed call, in the language that the caller asked for where it has said it so."""
    for detail in status_from(error).details:
        localized = error_details_pb2.LocalizedMessage()
        if detail.Unpack(localized):
            return str(localized.message)
    return error.details() or ""


def status_from(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The rich status of a failed call; code and text alone where the peer sent no details."""
    for key, value in tuple(error.trailing_metadata() or ()):
        if key == DETAILS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return status_pb2.Status(code=error.code().value[0], message=error.details() or "")


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
