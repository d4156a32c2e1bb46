"""Two decisions side by side: what they have otherwise, of call, rules, limits and experiments. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from pilote.decision.v1 import decision_pb2
from services.control.decisions.columns import COLUMNS

Decision = decision_pb2.Decision
KINDS: Final = ("field", "rule", "limit", "experiment")
_EVERY: Final = ("receive_time", "settle_time")
"""What two decisions always have otherwise: shown, but no difference."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of both."""

    kind: str
    """One of `KINDS`."""
    name: str
    """Of a field its name in filters, else that in the policy."""
    of: str
    """How its values are shown: a column's kind, or "rule", "limit" or "text"."""
    values: tuple[Any, Any]
    """`None` where a decision has none."""

    @property
    def differs(self) -> bool:
        """Whether the two have it otherwise."""
        return self.name not in _EVERY and self.values[0] != self.values[1]


class Rule(msgspec.Struct, frozen=True):
    """How a rule applied."""

    effect: str
    monitored: bool
    standing: str = ""
    error: str = ""


class Limit(msgspec.Struct, frozen=True):
    """How a limit or cap stood; of a score in thousandths."""

    used: int
    capacity: int
    refused: bool


def beside(first: Decision, second: Decision) -> tuple[Pair, ...]:
    """Everything that either of them has, in the order of the columns, then of the revision."""
    both = (first, second)
    fields = [
        Pair(
            kind="field", name=name, of=column.kind, values=(column.value(first) or None, column.value(second) or None)
        )
        for name, column in COLUMNS.items()
    ]
    return (
        *(each for each in fields if each.values != (None, None)),
        *_named("rule", both, _rules),
        *_named("limit", both, _limits),
        *_named("experiment", both, _variations, of="text"),
    )


def _named(
    kind: str, both: Iterable[Decision], read: Callable[[Decision], dict[str, Any]], *, of: str = ""
) -> list[Pair]:
    one, other = (read(each) for each in both)
    return [
        Pair(kind=kind, name=name, of=of or kind, values=(one.get(name), other.get(name))) for name in {**one, **other}
    ]


def _rules(decision: Decision) -> dict[str, Rule]:
    return {each.rule: Rule(each.effect, _watches(each.mode), each.standing, each.error) for each in decision.rules}


def _limits(decision: Decision) -> dict[str, Limit]:
    return {each.limit: Limit(each.used, each.capacity, each.HasField("wait")) for each in decision.limits}


def _variations(decision: Decision) -> dict[str, str]:
    return {each.experiment: each.variation for each in decision.exposures}


def _watches(mode: int) -> bool:
    return mode == decision_pb2.MODE_MONITOR
