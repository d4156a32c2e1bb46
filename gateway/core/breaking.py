"""When an upstream that fails is left alone for a while: a circuit breaker. Pure: the time is an argument."""

from typing import Final, Literal

import msgspec

from gateway.core.policy.upstreams import Breaker as BreakerDocument
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.sliding import Sliding

State = Literal["closed", "open", "half-open"]
OPEN: Final = -1
"""No call may go: too many have failed."""
FULL: Final = -2
"""No call may go: too many run."""
_CALL, _FAILURE = 0, 1


class BreakerRule(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker, times in milliseconds."""

    percent: int
    min_calls: int
    window_ms: int
    open_ms: int
    max_concurrent: int | None = None


def breaker_rule(document: BreakerDocument) -> BreakerRule:
    """The breaker that a policy describes."""
    return BreakerRule(
        percent=document.percent,
        min_calls=document.min_calls,
        window_ms=duration_ms(document.window),
        open_ms=duration_ms(document.open),
        max_concurrent=document.max_concurrent,
    )


class Breaker:
    """The breaker of one upstream, on one gateway. Times are milliseconds of one clock.

    Closed it lets all calls go. Once enough of them fail it opens, and none goes. After a while one may go to try: its
    success closes the breaker, its failure opens it anew. What began under an earlier state says nothing
    about this one.
    """

    __slots__ = ("_opens_ms", "_probing", "_rule", "_running", "_stage", "_window", "openings")

    def __init__(self, rule: BreakerRule) -> None:
        self._rule = rule
        self._window = Sliding(rule.window_ms, kinds=2)
        self._running = 0
        self._stage = 0
        """Goes up with every change of state."""
        self._opens_ms = -1
        """When one may try; -1 while closed."""
        self._probing = False
        self.openings = 0
        """How often it has opened, anew after a try included."""

    def enter(self, *, now_ms: int) -> int:
        """Let a call go, or not: `OPEN` or `FULL`, else what `left` wants to hear when it has ended."""
        if self._opens_ms >= 0 and (self._probing or now_ms < self._opens_ms):
            return OPEN
        if self._rule.max_concurrent is not None and self._running >= self._rule.max_concurrent:
            return FULL
        if self._opens_ms >= 0:
            self._probing = True
            self._stage += 1
        self._running += 1
        return self._stage

    def left(self, stage: int, *, now_ms: int, failed: bool | None) -> None:
        """A call has ended. `failed` is None for one that says nothing of the upstream: its caller has given up."""
        self._running -= 1
        if stage != self._stage:
            return
        if self._probing:
            self._probing = False
            if failed:
                self._open(now_ms)
            elif failed is None:  # the next one may try at once
                self._stage += 1
            else:
                self._close()
        elif failed is not None and self._opens_ms < 0:
            self._window.add(_CALL, now_ms=now_ms)
            if failed:
                self._window.add(_FAILURE, now_ms=now_ms)
                calls, failures = self._window.sums(now_ms=now_ms)
                if calls >= self._rule.min_calls and 100 * failures >= self._rule.percent * calls:
                    self._open(now_ms)

    def state(self, *, now_ms: int) -> State:
        """Half-open: one may try, or does."""
        if self._opens_ms < 0:
            return "closed"
        return "half-open" if self._probing or now_ms >= self._opens_ms else "open"

    def wait_ms(self, *, now_ms: int) -> int:
        """Milliseconds until it may let a call go; 0 where it may now."""
        return 0 if self._opens_ms < 0 else max(0, self._opens_ms - now_ms)

    def _open(self, now_ms: int) -> None:
        self._stage += 1
        self.openings += 1
        self._opens_ms = now_ms + self._rule.open_ms

    def _close(self) -> None:
        self._stage += 1
        self._opens_ms = -1
        self._window.clear()
