"""What a list of decisions shows of each: columns by the names of filters' fields. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pilote.decision.v1 import decision_pb2
from pilote.governance.v1 import annotations_pb2

Decision = decision_pb2.Decision
USUAL: Final = ("receive_time", "verdict", "agent", "method", "reason", "rule", "latency")
"""Columns where none are chosen."""


class Column(msgspec.Struct, frozen=True):
    """One column."""

    kind: str
    """"time" in milliseconds since the epoch, "span" in microseconds, "verdict", "number", "method" or "text"."""
    value: Callable[[Decision], Any]
    """`None` or empty where a decision has none."""


def verdict_of(decision: Decision) -> str:
    """ALLOW, DENY, HOLD or DEFER; what is not known counts as refused."""
    try:
        name = decision_pb2.Verdict.Name(decision.verdict).removeprefix("VERDICT_")
    except ValueError:
        return "DENY"
    return "DENY" if name == "UNSPECIFIED" else name


def took_us(decision: Decision) -> int | None:
    """The whole time of a call, or until it was refused, in microseconds; `None` where that is not known."""
    if decision.HasField("total_duration"):
        return decision.total_duration.ToMicroseconds()
    refused = decision.verdict != decision_pb2.VERDICT_ALLOW and decision.HasField("decide_duration")
    return decision.decide_duration.ToMicroseconds() if refused else None


def id_of(decision: Decision) -> str:
    """Its id, without the collection."""
    return decision.name.removeprefix("decisions/")


def _text(field: str) -> Column:
    return Column("text", lambda decision: getattr(decision, field))


def _span(field: Any) -> Column:
    return Column("span", lambda each: getattr(each, field).ToMicroseconds() if each.HasField(field) else None)


def _time(field: Any) -> Column:
    return Column("time", lambda each: getattr(each, field).ToMilliseconds() if each.HasField(field) else None)


def _operation(decision: Decision) -> str:
    name = annotations_pb2.Operation.Name(decision.operation).removeprefix("OPERATION_")
    return "" if name == "UNSPECIFIED" else name


COLUMNS: Final[Mapping[str, Column]] = {
    "receive_time": _time("receive_time"),
    "verdict": Column("verdict", verdict_of),
    "tenant": _text("tenant"),
    "agent": _text("agent"),
    "agent_version": _text("agent_version"),
    "method": Column("method", lambda decision: decision.method),
    "operation": Column("text", _operation),
    "channel": _text("channel"),
    "category": _text("category"),
    "purpose": _text("purpose"),
    "brand": _text("brand"),
    "campaign": _text("campaign"),
    "objective": _text("objective"),
    "subject_ref": _text("subject_ref"),
    "conversation": _text("conversation"),
    "reason": _text("reason"),
    "rule": _text("rule"),
    "state": Column("text", lambda each: decision_pb2.DecisionState.Name(each.state).removeprefix("DECISION_STATE_")),
    "status": _text("status"),
    "model": _text("model"),
    "model_version": _text("model_version"),
    "route": _text("route"),
    "arm": _text("arm"),
    "upstream": _text("upstream"),
    "revision": Column("number", lambda decision: decision.revision or None),
    "latency": Column("span", took_us),
    "upstream_latency": _span("upstream_duration"),
    "overhead": _span("overhead_duration"),
    "settle_time": _time("settle_time"),
}
"""By the names that filters have for them."""
