"""What is asked and answered of sealed inputs. Pure."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import planning_pb2

MOST: Final = 1_000_000
"""Most inputs that one list gives."""
_NAME: Final = re.compile(r"(decisions/([0-9a-f]{32}))?")
_NEVER_MS: Final = 1 << 53

Mark = tuple[int, str]
"""A place in the order of inputs: receive time in milliseconds and decision id."""


class InputsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which inputs. Times are milliseconds since the epoch."""

    tenant: str = ""
    decision: str = ""
    start_ms: int = 0
    end_ms: int = _NEVER_MS
    most: int = 0
    """The newest so many; 0: all."""


class Kept(msgspec.Struct, frozen=True):
    """The inputs of one decision, and its record and outcome as the gateway wrote them."""

    decision: str
    at_ms: int
    sealed: bytes
    record: bytes
    outcome: bytes


def asked(request: planning_pb2.ListInputsRequest) -> InputsQuery:
    """Which inputs a request asks for.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    name = _NAME.fullmatch(request.decision)
    if name is None:
        raise _invalid("decision", "decision must be decisions/{decision}, with an id of 32 hexadecimal digits.")
    if not 0 <= request.max_results <= MOST:
        raise _invalid("max_results", f"max_results must be 1 to {MOST}, or 0 for all.")
    start_ms = _ms(request.start_time) if request.HasField("start_time") else 0
    end_ms = _ms(request.end_time) if request.HasField("end_time") else _NEVER_MS
    if not 0 <= start_ms < end_ms:
        raise _invalid("end_time", "end_time must be later than start_time, and both after 1970.")
    return InputsQuery(
        tenant=request.tenant, decision=name[2] or "", start_ms=start_ms, end_ms=end_ms, most=request.max_results
    )


def after(decision: str, *, at_ms: int) -> Mark:
    """The place behind that of a decision."""
    return at_ms, f"{decision}\x00"  # the next in the order of texts


def answered(kept: Sequence[Kept], total: int) -> planning_pb2.ListInputsResponse:
    """One message of the answer."""
    return planning_pb2.ListInputsResponse(
        inputs=[
            planning_pb2.CallInputs(
                decision=f"decisions/{each.decision}", sealed=each.sealed, record=each.record, outcome=each.outcome
            )
            for each in kept
        ],
        total_size=total,
    )


def _ms(time: Timestamp) -> int:
    return time.seconds * 1000 + time.nanos // 1_000_000


def _invalid(field: str, text: str) -> CallEnded:
    return CallEnded(Reason.ARGUMENT_INVALID, text, metadata={"field": field}, violations=((field, text),))
