"""The contacts of a backtest as columns: who was contacted, who would have been, and what came of it."""

from array import array
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import Reason
from gateway.core.simulating.calls import ALLOWED, Call
from gateway.core.simulating.course import Came

_Truths = NDArray[np.bool_]


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

    @property
    def people(self) -> int:
        """How many customers there are."""
        return int(self.person.max()) + 1 if self.person.size else 0


class Trial:
    """Takes the calls of a backtest as they come, each with what came of it. A million contacts take 110 MB."""

    def __init__(self, *, currency: str = "EUR") -> None:
        self._currency: Final = currency
        self._persons: dict[str, int] = {}
        self._agents: dict[str, int] = {}
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
                sum(each.revenue_cents for each in call.told if each.currency == self._currency),
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
        return Contacts(**{**found, "inside": columns[_AT] >= start_ms})


_COLUMNS: Final = Contacts.__struct_fields__
_AT: Final = _COLUMNS.index("at_ms")
_TRUTHS: Final = frozenset({"inside", "before", "after", "held_out", "unwelcome", "told_when"})
_TELL_WHEN: Final = frozenset({Reason.CAP_EXCEEDED, Reason.LIMIT_EXCEEDED, Reason.QUIET_HOURS})
