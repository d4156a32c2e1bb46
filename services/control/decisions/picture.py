"""One decision as a page shows it: its steps in time, its limits with their room, and where its ways lead. Pure."""

import msgspec

from pilote.decision.v1 import decision_pb2
from services.control.decisions.columns import took_us

Decision = decision_pb2.Decision
_BEFORE_ADMISSION = ("wait", "identify", "describe", "facts", "decide", "admit")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a call, or one try within the step `upstream`. Times are in microseconds since the call came."""

    name: str
    """"wait", "identify", "describe", "facts", "decide", "admit", "upstream", "settle", or "try"."""
    start_us: int
    duration_us: int
    upstream: str = ""
    """Of a try: the upstream that was asked."""
    status: str = ""
    """Of a try: how it ended."""
    cause: str = ""
    """Of a try: "first", "retry", "fallback" or "hedge"."""


class Waterfall(msgspec.Struct, frozen=True):
    """How a call went through the gateway."""

    total_us: int
    steps: tuple[Step, ...]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A limit or cap, and the room it had."""

    name: str
    kind: str
    by: str
    used: int
    capacity: int
    """Most; 0 blocks. Of a score both are in thousandths."""
    ratio: float
    """Of what is used, 0 to 1."""
    period_ms: int
    refused: bool
    """Whether it stood in the way."""
    free_ms: int | None
    """When it would have granted, milliseconds since the epoch; `None` where it granted, or nobody knows."""
    monitored: bool
    """Whether it only watches."""
    cost: int
    other: str
    """Id of the decision that stood in the way; empty for none."""


class Way(msgspec.Struct, frozen=True):
    """Another decision that this one belongs to."""

    kind: str
    """"inference", "parent", "repeat" or "hold"."""
    id: str


def waterfall_of(decision: Decision) -> Waterfall | None:
    """The steps in their order; `None` where none were measured."""
    if not decision.HasField("steps"):
        return None
    steps, at = [], 0
    for name in _BEFORE_ADMISSION:
        if decision.steps.HasField(name):  # type: ignore[arg-type]
            took = getattr(decision.steps, name).ToMicroseconds()
            steps.append(Step(name=name, start_us=at, duration_us=took))
            at += took
    tries = tuple(_try(each) for each in decision.attempts)
    if decision.HasField("upstream_duration"):
        begun = tries[0].start_us if tries else at
        took = decision.upstream_duration.ToMicroseconds()
        steps.append(Step(name="upstream", start_us=begun, duration_us=took))
        at = max(at, begun + took)
    steps += tries
    if decision.steps.HasField("settle"):
        took = decision.steps.settle.ToMicroseconds()
        at = max(at, (took_us(decision) or 0) - took)
        steps.append(Step(name="settle", start_us=at, duration_us=took))
    ends = (each.start_us + each.duration_us for each in steps)
    return Waterfall(max(took_us(decision) or 0, *ends, 1), tuple(steps)) if steps else None


def rooms_of(decision: Decision) -> tuple[Room, ...]:
    """The limits and caps that were looked at, in the revision's order."""
    return tuple(_room(each, decision) for each in decision.limits)


def ways_of(decision: Decision) -> tuple[Way, ...]:
    """The decisions that it names."""
    named = (
        ("inference", decision.inference),
        ("parent", decision.parent),
        ("repeat", decision.repeat_of),
    )
    return tuple(Way(kind, name.rpartition("/")[2]) for kind, name in named if name)


def led_to(id_: str) -> str:
    """The filter of what followed from a decision: what names it as its inference, or follows on it."""
    return f'inference = "decisions/{id_}" OR parent = "decisions/{id_}"'


def _try(attempt: decision_pb2.Attempt) -> Step:
    return Step(
        name="try",
        start_us=attempt.start_offset.ToMicroseconds(),
        duration_us=attempt.duration.ToMicroseconds(),
        upstream=attempt.upstream,
        status=attempt.status,
        cause=decision_pb2.AttemptCause.Name(attempt.cause).removeprefix("ATTEMPT_CAUSE_").lower(),
    )


def _room(look: decision_pb2.LimitLook, decision: Decision) -> Room:
    refused = look.HasField("wait") or not look.capacity
    known = look.HasField("wait") and decision.HasField("decide_time")
    return Room(
        name=look.limit,
        kind=look.kind,
        by=look.by,
        used=look.used,
        capacity=look.capacity,
        ratio=min(look.used / look.capacity, 1.0) if look.capacity else 1.0,
        period_ms=look.period.ToMilliseconds(),
        refused=refused,
        free_ms=decision.decide_time.ToMilliseconds() + look.wait.ToMilliseconds() if known else None,
        monitored=look.mode == decision_pb2.MODE_MONITOR,
        cost=look.cost,
        other=look.other.rpartition("/")[2],
    )
