"""How many further tries there may be, and how long to wait before one. Pure: time and chance are arguments."""

from typing import Final

import msgspec

from gateway.core.sliding import Sliding

WINDOW_MS: Final = 10_000
LONGEST_BACKOFF_MS: Final = 10_000
_CALL, _TRY = 0, 1


class BudgetRule(msgspec.Struct, frozen=True, kw_only=True):
    """How many tries there may be that are not a call's first."""

    percent: int
    """Of the calls of the last ten seconds."""
    min_per_second: int
    """What is always allowed; 0: nothing is."""


class RetryBudget:
    """The further tries of one route, on one gateway. Without a bound they would keep down what is down already.

    Times are milliseconds of one clock.
    """

    __slots__ = ("_last_second", "_rule", "_window")

    def __init__(self, rule: BudgetRule) -> None:
        self._rule = rule
        self._window = Sliding(WINDOW_MS, kinds=2)
        self._last_second = Sliding(1_000, kinds=1)

    def called(self, *, now_ms: int) -> None:
        """Count a call."""
        self._window.add(_CALL, now_ms=now_ms)

    def take(self, *, now_ms: int) -> bool:
        """Whether one more try may be made; then it counts."""
        calls, tries = self._window.sums(now_ms=now_ms)
        (now,) = self._last_second.sums(now_ms=now_ms)
        if now >= self._rule.min_per_second and 100 * (tries + 1) > self._rule.percent * calls:
            return False
        self._window.add(_TRY, now_ms=now_ms)
        self._last_second.add(0, now_ms=now_ms)
        return True


def backoff_ms(tries: int, *, base_ms: int, draw: float) -> int:
    """Milliseconds to wait after so many tries, 1 or more: full jitter over a time that doubles. `draw` is in [0, 1).

    After "Exponential backoff and jitter" (AWS Architecture Blog, 2015): of the ways compared there the one that lets
    callers who failed together come back least together.
    """
    return int(draw * min(LONGEST_BACKOFF_MS, base_ms * 2 ** (tries - 1)))
