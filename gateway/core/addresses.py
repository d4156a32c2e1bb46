"""Which of an upstream's addresses gets the next call, and which gets none for a while. Pure."""

from typing import Final

import msgspec

from gateway.core.policy.upstreams import Outliers
from gateway.core.policy.vocabulary import duration_ms

MOST_TIMES: Final = 10
"""An address that is ejected again and again is away so many times as long as at first, at most."""


class OutlierRule(msgspec.Struct, frozen=True, kw_only=True):
    """When an address is ejected, times in milliseconds."""

    failures: int
    eject_ms: int
    max_percent: int


def outlier_rule(document: Outliers) -> OutlierRule:
    """The rule that a policy describes."""
    return OutlierRule(
        failures=document.failures, eject_ms=duration_ms(document.eject), max_percent=document.max_ejected
    )


class _Address:
    """What is known of one address."""

    __slots__ = ("back_ms", "failures", "running", "times")

    def __init__(self) -> None:
        self.running = 0
        self.failures = 0
        """In a row."""
        self.times = 0
        """How often it was ejected, less one for each time as long as an ejection that it did well since."""
        self.back_ms = -1
        """When it comes back, or came back last; -1: it was never away."""


class Addresses:
    """The addresses of one upstream, on one gateway. Times are milliseconds of one clock."""

    __slots__ = ("_all", "_last", "_most", "_rule")

    def __init__(self, count: int, *, rule: OutlierRule | None = None) -> None:
        self._all = [_Address() for _ in range(count)]
        self._rule = rule
        self._last = -1
        # One may always be ejected, and one always stays: with nowhere to go every call would fail.
        self._most = 0 if rule is None else min(count - 1, max(1, count * rule.max_percent // 100))

    def enter(self, *, now_ms: int, avoid: int = -1) -> int:
        """Index of the address for the next call: of those that are not ejected the one with the fewest calls running.

        Those with equally many take turns. `avoid`: one that is taken only where there is no other.
        """
        count = len(self._all)
        turn = [(self._last + step) % count for step in range(1, count + 1)]
        free = [index for index in turn if self._all[index].back_ms <= now_ms] or turn
        found = min([index for index in free if index != avoid] or free, key=lambda index: self._all[index].running)
        self._last = found
        self._all[found].running += 1
        return found

    def left(self, index: int, *, now_ms: int, failed: bool | None) -> bool:
        """A call there has ended; says whether the address is ejected for it. `failed` None says nothing of it."""
        address = self._all[index]
        address.running -= 1
        if failed is None:
            return False
        address.failures = address.failures + 1 if failed else 0
        rule = self._rule
        if rule is None or address.failures < rule.failures or address.back_ms > now_ms:
            return False
        if self.ejected(now_ms=now_ms) >= self._most:
            return False
        well = max(0, now_ms - address.back_ms) // rule.eject_ms if address.back_ms >= 0 else 0
        address.times = min(MOST_TIMES, max(0, address.times - well) + 1)
        address.back_ms = now_ms + rule.eject_ms * address.times
        address.failures = 0
        return True

    def ejected(self, *, now_ms: int) -> int:
        """How many are away."""
        return sum([address.back_ms > now_ms for address in self._all])
