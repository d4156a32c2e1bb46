"""Why a call did not go through: one exception for each thing that its caller can do about it.

All of them are gRPC errors too, so code that catches `grpc.RpcError` or `grpc.aio.AioRpcError` keeps working.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from pilote.client import advice

DOMAIN: Final = "pilote.dev"
DECISION_KEY: Final = "pilote-decision-id"
_DETAILS_KEY: Final = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that was wrong, or in the way."""

    subject: str
    """The field, limit, rule or hold concerned."""
    text: str
    """What is the matter with it, in English."""


class CallEnded(grpc.aio.AioRpcError):
    """The call ended here. Its subclasses say what the caller can do; this one stands for a status of unknown meaning.

    `message` is for people, in the caller's language; `metadata` is what the gateway says to machines.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        initial_metadata: Any,
        trailing_metadata: Any,
        details: str | None = None,
        debug_error_string: str | None = None,
    ) -> None:
        super().__init__(code, initial_metadata, trailing_metadata, details, debug_error_string)
        trailers = _pairs(trailing_metadata)
        self.status: Final = _status(trailers, code, details)
        info = _detail(self.status, error_details_pb2.ErrorInfo)
        ours = info is not None and info.domain == DOMAIN
        self.reason: Final[str] = info.reason if ours else ""
        """UPPER_SNAKE and never renamed; empty where the gateway has not said one."""
        self.metadata: Final[Mapping[str, str]] = dict(info.metadata) if ours else {}
        localized = _detail(self.status, error_details_pb2.LocalizedMessage)
        self.language: Final = "fr" if localized is not None and localized.locale.startswith("fr") else "en"
        self.message: Final[str] = localized.message if localized is not None else (details or "")
        self.decision_id: Final = _text(trailers.get(DECISION_KEY))
        """What the decision is found by in the audit log; empty where the gateway was not reached."""
        self.retry_after: Final = _retry_after(self.status)
        """How long to wait before a retry can succeed; `None` where waiting does not help."""
        self.earliest_time: Final = None if self.retry_after is None else _after(self.retry_after)
        """The same as a time, in UTC by this machine's clock."""
        self.violations: Final = tuple(_violations(self.status))
        self.may_have_acted = self.reason in _ACTED or (not self.reason and code in _UNCERTAIN)
        """Whether the system behind the gateway may have done what was asked."""

    @property
    def rule(self) -> str:
        """Name of the rule, limit or cap that decided; empty for none."""
        return self.metadata.get("rule", "")

    @property
    def hold(self) -> str:
        """The hold that the call is kept as, `holds/{hold}`; empty for none."""
        return self.metadata.get("hold", "")

    @property
    def advice(self) -> str:
        """The message and what to do now, in the caller's language: the text for a model that made the call."""
        return advice.of(self)

    def __str__(self) -> str:
        named = self.reason or self.code().name
        return f"{named}: {self.message}" + (f" (decision {self.decision_id})" if self.decision_id else "")


class Unauthenticated(CallEnded):
    """No credential, or one that is unknown, expired or meant for someone else. Log in."""


class InvalidArgument(CallEnded):
    """The request is wrong; `violations` name its fields. Fix the call."""


class Denied(CallEnded):
    """The policy does not allow it. Ask for rights; do not repeat it."""


class Stopped(Denied):
    """Somebody has halted such calls until they are resumed."""


class HeldOut(Denied):
    """The customer is in a control group. Leave them alone."""


class HoldRefused(Denied):
    """A person has looked at the call and refused it."""


class LimitExceeded(CallEnded):
    """A limit is used up. Wait until `earliest_time`."""


class CapExceeded(LimitExceeded):
    """The customer has been contacted often enough. Wait until `earliest_time`."""


class PreconditionFailed(CallEnded):
    """Something must be so first that is not."""


class ConsentMissing(PreconditionFailed):
    """The customer has not agreed to it. Obtain the consent first."""


class QuietHours(PreconditionFailed):
    """The customer may not be reached now. Come back at `earliest_time`."""


class LineageUnknown(PreconditionFailed):
    """The call must name a recent inference that led to it (`lineage`)."""


class HoldExpired(PreconditionFailed):
    """Nobody decided in time. Make a new call if it is still wanted."""


class Kept(PreconditionFailed):
    """The call is kept as `hold`. Wait for that (`wait_for_hold`), and do not repeat the call."""


class Held(Kept):
    """A person must look first."""


class Deferred(Kept):
    """It is made by itself at `earliest_time`."""


class KeyReused(CallEnded):
    """The idempotency key was used before with another request. Choose a new one."""


class KeyRunning(CallEnded):
    """The first call with this idempotency key has not ended yet. Retry later, with the same key."""


class NotFound(CallEnded):
    """What the call names does not exist, or no route serves the method or model. Choose another."""


class AlreadyExists(CallEnded):
    """Something of that name exists. Choose another name, or update it."""


class Conflict(CallEnded):
    """It has changed since it was read. Read it again, then retry."""


class Unavailable(CallEnded):
    """The gateway, its store or the system behind it does not answer. Retry later, unless `may_have_acted`."""


class InDoubt(CallEnded):
    """The system behind the gateway may or may not have acted. Find out before the call is repeated."""


class ReplyWithheld(CallEnded):
    """The system behind the gateway has acted; its answer may not be shown. Do not repeat the call."""


class DeadlineExceeded(CallEnded):
    """The time was over. Give more; where `may_have_acted`, find out first."""


class Cancelled(CallEnded):
    """The caller gave up, or the connection ended."""


class Failed(CallEnded):
    """The gateway or the system behind it has failed. Tell its owner `decision_id`."""


_KINDS: Final[Mapping[str, type[CallEnded]]] = {
    "AGENT_UNAUTHENTICATED": Unauthenticated,
    "ARGUMENT_INVALID": InvalidArgument,
    "METHOD_UNDESCRIBED": Denied,
    "POLICY_DENIED": Denied,
    "AUTONOMY_OBSERVE": Denied,
    "STOPPED": Stopped,
    "HELD_OUT": HeldOut,
    "HOLD_REFUSED": HoldRefused,
    "LIMIT_EXCEEDED": LimitExceeded,
    "CAP_EXCEEDED": CapExceeded,
    "CONSENT_MISSING": ConsentMissing,
    "QUIET_HOURS": QuietHours,
    "LINEAGE_UNKNOWN": LineageUnknown,
    "HOLD_EXPIRED": HoldExpired,
    "APPROVAL_REQUIRED": Held,
    "DEFERRED": Deferred,
    "IDEMPOTENCY_KEY_REUSED": KeyReused,
    "IDEMPOTENCY_KEY_RUNNING": KeyRunning,
    "ROUTE_NOT_FOUND": NotFound,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyExists,
    "CONFLICT": Conflict,
    "UPSTREAM_UNAVAILABLE": Unavailable,
    "STORE_UNAVAILABLE": Unavailable,
    "REVISION_MISSING": Unavailable,
    "DRAINING": Unavailable,
    "UPSTREAM_IN_DOUBT": InDoubt,
    "REPLY_WITHHELD": ReplyWithheld,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "CANCELLED": Cancelled,
    "UPSTREAM_FAILED": Failed,
    "REQUEST_WITHHELD": Failed,
    "HOLD_DAMAGED": Failed,
    "FACTS_DAMAGED": PreconditionFailed,
    "NOT_BUILT": Failed,
    "INTERNAL": Failed,
}
_BY_CODE: Final[Mapping[grpc.StatusCode, type[CallEnded]]] = {
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.PERMISSION_DENIED: Denied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitExceeded,
    grpc.StatusCode.FAILED_PRECONDITION: PreconditionFailed,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNIMPLEMENTED: Failed,
    grpc.StatusCode.INTERNAL: Failed,
    grpc.StatusCode.DATA_LOSS: Failed,
    grpc.StatusCode.UNKNOWN: Failed,
}
"""Of failures without a reason of ours: gRPC's own, and what a system behind the gateway says in its own words."""
_ACTED: Final = frozenset({"UPSTREAM_IN_DOUBT", "REPLY_WITHHELD"})
_UNCERTAIN: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.DATA_LOSS,
    }
)


def ended(error: Any, *, harmless: bool = False) -> CallEnded:
    """What a failed call of either kind of gRPC raises to its caller. `harmless`: the method changes nothing."""
    if isinstance(error, CallEnded):
        return error
    code, trailers, text = error.code(), error.trailing_metadata(), error.details()
    info = _detail(_status(_pairs(trailers), code, text), error_details_pb2.ErrorInfo)
    kind = _KINDS.get(info.reason) if info is not None and info.domain == DOMAIN else None
    found = (kind or _BY_CODE.get(code, CallEnded))(code, error.initial_metadata(), trailers, text)
    if harmless or never_left(found):
        found.may_have_acted = False
    return found


def never_left(call: CallEnded) -> bool:
    """Whether no connection came about. gRPC tells it by its own text alone, which a test pins."""
    text = call.details() or ""
    return call.code() is grpc.StatusCode.UNAVAILABLE and text.startswith(("failed to connect", "errors resolving"))


def dropped(call: CallEnded) -> bool:
    """Whether the call waited in a server that stopped: gRPC cancels what nobody has looked at yet.

    Its own text alone tells that from what was cancelled here, which a test pins. A server that stops in a hurry says
    the same of calls that run.
    """
    return call.code() is grpc.StatusCode.CANCELLED and call.details() == "CANCELLED" and not call.decision_id


def _pairs(metadata: Any) -> dict[str, str | bytes]:
    return {str(key): value for key, value in tuple(metadata or ())}


def _text(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else ""


def _status(trailers: Mapping[str, str | bytes], code: grpc.StatusCode, text: str | None) -> status_pb2.Status:
    value = trailers.get(_DETAILS_KEY)
    if isinstance(value, bytes):
        try:
            return status_pb2.Status.FromString(value)
        except DecodeError:  # not ours; code and text stand
            pass
    return status_pb2.Status(code=code.value[0], message=text or "")


def _detail(status: status_pb2.Status, kind: type[Message]) -> Any:
    for each in status.details:
        found = kind()
        try:
            if each.Unpack(found):
                return found
        except DecodeError:
            return None
    return None


def _retry_after(status: status_pb2.Status) -> dt.timedelta | None:
    info = _detail(status, error_details_pb2.RetryInfo)
    if info is None:
        return None
    return max(
        dt.timedelta(), dt.timedelta(seconds=info.retry_delay.seconds, microseconds=info.retry_delay.nanos // 1000)
    )


def _after(wait: dt.timedelta) -> dt.datetime | None:
    try:
        return dt.datetime.now(dt.UTC) + wait
    except OverflowError:  # after the year 9999
        return None


def _violations(status: status_pb2.Status) -> Iterable[Violation]:
    bad = _detail(status, error_details_pb2.BadRequest)
    if bad is not None:
        yield from (Violation(each.field, each.description) for each in bad.field_violations)
    for kind in (error_details_pb2.QuotaFailure, error_details_pb2.PreconditionFailure):
        found = _detail(status, kind)
        if found is not None:
            yield from (Violation(each.subject, each.description) for each in found.violations)
