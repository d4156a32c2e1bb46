"""What is asked and answered of how many decisions there were. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import invalid
from pilote.audit.v1 import planning_pb2

NEVER_MS: Final = 1 << 53


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """So many decisions; see the contract's `DecisionCount`."""

    method: str
    agent: str
    route: str
    decisions: int


def between(request: planning_pb2.CountDecisionsRequest | planning_pb2.ListInputsRequest) -> tuple[int, int]:
    """The times between which a request asks, in milliseconds; from the epoch and for ever where it names none.

    Raises:
        CallEnded: ARGUMENT_INVALID where the end is not later than the start, or a time is before 1970.
    """
    start_ms = _ms(request.start_time) if request.HasField("start_time") else 0
    end_ms = _ms(request.end_time) if request.HasField("end_time") else NEVER_MS
    if not 0 <= start_ms < end_ms:
        raise invalid("end_time", "end_time must be later than start_time, and both after 1970.")
    return start_ms, end_ms


def answered(counts: Sequence[Counted]) -> planning_pb2.CountDecisionsResponse:
    """The answer as its contract has it."""
    return planning_pb2.CountDecisionsResponse(
        counts=[
            planning_pb2.DecisionCount(method=each.method, agent=each.agent, route=each.route, decisions=each.decisions)
            for each in counts
        ]
    )


def _ms(time: Timestamp) -> int:
    return time.seconds * 1000 + time.nanos // 1_000_000
