"""Tries of a call, protobuf <-> core values."""

from collections.abc import Iterable
from typing import Final

from gateway.core.record import Attempt
from gateway.rpc.times import duration
from pilote.decision.v1 import decision_pb2

_CAUSES: Final = {
    "": decision_pb2.ATTEMPT_CAUSE_FIRST,
    "retry": decision_pb2.ATTEMPT_CAUSE_RETRY,
    "fallback": decision_pb2.ATTEMPT_CAUSE_FALLBACK,
    "hedge": decision_pb2.ATTEMPT_CAUSE_HEDGE,
}
_WHYS: Final = {cause: why for why, cause in _CAUSES.items()}


def attempts(made: Iterable[Attempt]) -> list[decision_pb2.Attempt]:
    """The tries as their contract has them."""
    return [
        decision_pb2.Attempt(
            cause=_CAUSES.get(each.why, decision_pb2.ATTEMPT_CAUSE_UNSPECIFIED),
            arm=each.arm,
            upstream=each.upstream,
            version=each.version,
            address=each.address,
            status=each.status,
            reason=each.reason,
            start_offset=duration(each.at_us),
            duration=duration(each.took_us),
        )
        for each in made
    ]


def attempts_in(messages: Iterable[decision_pb2.Attempt]) -> tuple[Attempt, ...]:
    """The tries again, for those who got them over the wire."""
    return tuple(
        Attempt(
            arm=each.arm,
            upstream=each.upstream,
            version=each.version,
            address=each.address,
            status=each.status,
            reason=each.reason,
            at_us=each.start_offset.ToMicroseconds(),
            took_us=each.duration.ToMicroseconds(),
            why=_WHYS.get(each.cause, ""),
        )
        for each in messages
    )
