"""What this gateway counts by itself: what stands before each upstream, and how many further tries a route has had."""

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from gateway.adapters.lines import longest_s
from gateway.core.guarding import Guard, GuardLook, guarded
from gateway.core.policy.upstreams import Upstream
from gateway.core.retrying import BudgetRule, RetryBudget
from gateway.core.revision.compiled import Revision


def monotonic_ms() -> int:
    """Milliseconds of a clock that never steps back."""
    return time.monotonic_ns() // 1_000_000


class Guarded:
    """An upstream with what stands before it."""

    def __init__(self, upstream: Upstream, guard: Guard) -> None:
        self.upstream = upstream
        self.guard = guard
        self.places = places_of(upstream)


class Guards:
    """The guards of the active revision's upstreams, and the budgets of its routes."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self._guarded: dict[str, Guarded] = {}
        self._budgets: dict[str, tuple[BudgetRule, RetryBudget]] = {}

    def use(self, revision: Revision) -> None:
        """Guard the upstreams of this revision. What was counted of one stands, unless what guards it has changed."""
        kept = {}
        for upstream in revision.upstreams.values():
            if guarded(upstream):
                before = self._guarded.get(upstream.name)
                guard = before.guard if before is not None and _alike(before.upstream, upstream) else Guard(upstream)
                kept[upstream.name] = Guarded(upstream, guard)
        self._guarded = kept

    def looks(self) -> Mapping[str, GuardLook]:
        """How the guards are doing, by their upstreams' names."""
        now_ms = self.clock()
        return {name: each.guard.look(now_ms=now_ms) for name, each in self._guarded.items()}

    def of(self, upstream: Upstream) -> Guarded | None:
        """What stands before an upstream, as a call's own revision has it; `None` where nothing does."""
        found = self._guarded.get(upstream.name)
        if found is not None and (found.upstream is upstream or found.upstream == upstream):
            return found
        # One of a revision that is over: what still comes there is counted by itself.
        return Guarded(upstream, Guard(upstream)) if guarded(upstream) else None

    def budget(self, route: str, rule: BudgetRule) -> RetryBudget:
        """The route's budget of further tries."""
        found = self._budgets.get(route)
        if found is None or found[0] != rule:
            found = self._budgets[route] = (rule, RetryBudget(rule))
        return found[1]


def places_of(upstream: Upstream, *, least_s: float = 0.0) -> Sequence[Upstream]:
    """The upstream as if each of its addresses were the only one, in order; calls there may last `least_s`."""
    longest_ms = int(1000 * max(least_s, longest_s(upstream)))
    if upstream.kind != "grpc":
        return (msgspec.structs.replace(upstream, timeout=f"{longest_ms}ms"),)
    return tuple(
        msgspec.structs.replace(upstream, address=address, addresses=(), timeout=f"{longest_ms}ms")
        for address in upstream.all_addresses
    )


def _alike(one: Upstream, other: Upstream) -> bool:
    """Whether the same stands before both."""
    return _guarding(one) == _guarding(other)


def _guarding(upstream: Upstream) -> tuple[object, ...]:
    return upstream.all_addresses, upstream.url, upstream.breaker, upstream.outliers
