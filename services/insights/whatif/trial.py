"""The contacts of a backtest as columns: who was contacted, who would have been, and what came of it."""

from array import array
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core.converting import converted
from gateway.core.errors import Reason
from gateway.core.simulating.calls import ALLOWED, Call, Told
from gateway.core.simulating.course import Came

_Truths = NDArray[np.bool_]
_EURO: Final = {"EUR": Fraction(1)}


class Arm(msgspec.Struct, frozen=True, order=True):
    """What a contact was part of: a variation of an experiment, or the version of the model that led to it."""

    kind: str
    """"variation", named "experiment=variation", or "version"."""
    name: str


class Contacts(msgspec.Struct, frozen=True, eq=False):
    """An entry for each contact that somebody asked for, in the order of time; as many in every array."""

    person: NDArray[np.int64]
    """Which customer: they are counted from 0."""
    agent: NDArray[np.int64]
    """Likewise which agent asked."""
    at_ms: NDArray[np.int64]
    inside: _Truths
    """Whether it is of the time that is forecast; what lies before is there for the windows of caps alone."""
    before: _Truths
    """Whether it was made; and whether it would have been."""
    after: _Truths
    held_out: _Truths
    """Whether a holdout has kept it back."""
    unwelcome: _Truths
    """Whether it was refused for a consent that is missing or withdrawn."""
    told_when: _Truths
    """Whether it was refused by a limit, a cap or quiet hours, which say when to come back."""
    converted: NDArray[np.int64]
    """How many outcomes of the kind came of it; likewise the next two."""
    opted_out: NDArray[np.int64]
    complained: NDArray[np.int64]
    cents: NDArray[np.int64]
    """Of the reporting currency."""
    arms: NDArray[np.int64]
    """What it was part of: an index of `sets`."""
    people: int
    """How many customers there are."""
    sets: tuple[tuple[Arm, ...], ...]


class Trial:
    """Takes the calls of a backtest as they come, each with what came of it. A million contacts take 120 MB."""

    def __init__(self, *, rates: Mapping[str, Fraction] = _EURO, persons: dict[str, int] | None = None) -> None:
        """`rates` say what one unit of a currency is worth in the reported one; amounts without a rate count nothing.

        Trials that are compared share `persons`, so that each customer has the same number in all of them.
        """
        self._rates: Final = rates
        self._persons: Final = {} if persons is None else persons
        self._agents: dict[str, int] = {}
        self._sets: dict[tuple[str, tuple[str, ...]], int] = {}
        self._rows = array("q")

    def add(self, call: Call, came: Came) -> None:
        """Take a call; one that is no contact, or repeats another one, is none of our business."""
        if not call.contact or call.first or not call.subject:
            return
        made = call.was == ALLOWED and not (call.end is not None and call.end.gave_back)
        reason = call.was_by.partition(" ")[0]
        kinds = [each.type for each in call.told]
        self._rows.extend(
            (
                self._persons.setdefault(call.subject, len(self._persons)),
                self._agents.setdefault(call.agent, len(self._agents)),
                call.at_ms,
                1,
                made,
                came.verdict == ALLOWED and (made or call.was != ALLOWED),
                reason == Reason.HELD_OUT,
                reason == Reason.CONSENT_MISSING,
                reason in _TELL_WHEN,
                kinds.count("converted"),
                kinds.count("unsubscribed"),
                kinds.count("complained"),
                sum(self._cents(each) for each in call.told),
                self._sets.setdefault((call.version, call.variations), len(self._sets)),
            )
        )

    def contacts(self, *, start_ms: int = 0) -> Contacts:
        """All of them so far. `start_ms` is where the time begins that is forecast.

        Contacts before it are counted with and in no number: begin a backtest as much earlier as the longest window of
        a cap lasts, or caps are empty at the start.
        """
        columns = np.frombuffer(self._rows, dtype=np.int64).reshape(-1, len(_COLUMNS)).T
        columns = columns[:, np.argsort(columns[_AT], kind="stable")]
        found: Mapping[str, Any] = {
            name: column.astype(np.bool_) if name in _TRUTHS else column
            for name, column in zip(_COLUMNS, columns, strict=True)
        }
        sets = tuple(_arms(version, variations) for version, variations in self._sets)
        return Contacts(
            **{**found, "inside": columns[_AT] >= start_ms, "people": len(self._persons), "sets": sets},
        )

    def _cents(self, told: Told) -> int:
        rate = self._rates.get(told.currency) if told.revenue_cents else None
        return 0 if rate is None else converted(told.revenue_cents, rate)


def _arms(version: str, variations: tuple[str, ...]) -> tuple[Arm, ...]:
    return *(Arm("variation", each) for each in variations), *([Arm("version", version)] if version else ())


_COLUMNS: Final = tuple(name for name in Contacts.__struct_fields__ if name not in {"people", "sets"})
_AT: Final = _COLUMNS.index("at_ms")
_TRUTHS: Final = frozenset({"inside", "before", "after", "held_out", "unwelcome", "told_when"})
_TELL_WHEN: Final = frozenset({Reason.CAP_EXCEEDED, Reason.LIMIT_EXCEEDED, Reason.QUIET_HOURS})
