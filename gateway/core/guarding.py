"""What stands before an upstream: its breaker, and the choice among its addresses. Pure: the time is an argument."""

from typing import NamedTuple

from gateway.core.addresses import Addresses, outlier_rule
from gateway.core.breaking import Breaker, State, breaker_rule
from gateway.core.policy.upstreams import Upstream


class Entry(NamedTuple):
    """That a call may go, and where."""

    stage: int
    """The breaker's; `OPEN` or `FULL` where the call may not go."""
    address: int = 0

    @property
    def refused(self) -> bool:
        """Whether it may not go."""
        return self.stage < 0


class GuardLook(NamedTuple):
    """How a guard is doing."""

    state: State
    ejected: int
    """Addresses that get no calls now."""
    ejections: int
    """How often one was ejected, since the guard was made."""
    openings: int
    """How often the breaker opened, likewise."""


class Guard:
    """The guard of one upstream, on one gateway. Times are milliseconds of one clock."""

    def __init__(self, upstream: Upstream) -> None:
        rule = None if upstream.outliers is None else outlier_rule(upstream.outliers)
        self.addresses = Addresses(max(1, len(upstream.all_addresses)), rule=rule)
        self.breaker = None if upstream.breaker is None else Breaker(breaker_rule(upstream.breaker))
        self.ejections = 0
        """How many there were."""

    def enter(self, *, now_ms: int, avoid: int = -1) -> Entry:
        """Let a call go, or not. `left` must hear of every call that went."""
        stage = 0 if self.breaker is None else self.breaker.enter(now_ms=now_ms)
        return Entry(stage) if stage < 0 else Entry(stage, self.addresses.enter(now_ms=now_ms, avoid=avoid))

    def wait_ms(self, *, now_ms: int) -> int:
        """Milliseconds until a call may go again, as far as that is known."""
        return 0 if self.breaker is None else self.breaker.wait_ms(now_ms=now_ms)

    def look(self, *, now_ms: int) -> GuardLook:
        """How it is doing."""
        state: State = "closed" if self.breaker is None else self.breaker.state(now_ms=now_ms)
        openings = 0 if self.breaker is None else self.breaker.openings
        return GuardLook(state, self.addresses.ejected(now_ms=now_ms), self.ejections, openings)

    def left(self, entry: Entry, *, now_ms: int, failed: bool | None) -> None:
        """A call has ended. `failed` is None for one that says nothing of the upstream."""
        if self.breaker is not None:
            self.breaker.left(entry.stage, now_ms=now_ms, failed=failed)
        self.ejections += self.addresses.left(entry.address, now_ms=now_ms, failed=failed)


def guarded(upstream: Upstream) -> bool:
    """Whether anything stands before the upstream at all; before most there does not."""
    return upstream.breaker is not None or upstream.outliers is not None or len(upstream.addresses) > 0
