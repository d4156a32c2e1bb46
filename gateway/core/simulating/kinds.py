"""What the kinds of bucket hold, and how each is looked at, taken and settled: `buckets.lua`, line by line, in Python.

A property test holds them against each other. Left out is what no record tells: calls kept for later that claim a slot
of a cap, and what an upstream says of its quota. Times are milliseconds since the epoch.
"""

import math
from bisect import bisect_right, insort
from typing import Any, Final

import msgspec

from gateway.core.limits import SKEW_MS, SLOTS, Bucket

QUOTA_WAIT_MS: Final = 1000
_MOST_SCORED: Final = 1000
_MOST_PARTS: Final = 130

Looked = tuple[int, int, Any, str]
"""How much is used, how long to wait (0 not at all, -1 for ever), what `take` wants to know, and the decision that
stands in the way where there is one."""


class Caller(msgspec.Struct, frozen=True):
    """The call that asks."""

    id: str
    now_ms: int
    expires_ms: int
    agent: str


class Rate:
    """GCRA: the theoretical arrival time in microseconds."""

    __slots__ = ("tat",)
    counts = False

    def __init__(self) -> None:
        self.tat = 0

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`."""
        now_us, ahead = c.now_ms * 1000, b.capacity * b.interval_us
        cut = now_us + ahead if self.tat > now_us + ahead + SKEW_MS * 1000 else None
        tat = max(self.tat, now_us) if cut is None else cut
        over_us = tat + b.cost * b.interval_us - ahead - now_us
        wait_ms = -1 if b.cost > b.capacity else max(0, -(-over_us // 1000))
        next_tat = min(tat, now_us + ahead) + b.cost * b.interval_us
        return min(b.capacity, -((now_us - tat) // b.interval_us)), wait_ms, (next_tat, cut), ""

    def cut(self, state: Any) -> None:
        """Cut what a clock that stepped back left too far ahead."""
        if state[1] is not None:
            self.tat = state[1]

    def take(self, b: Bucket, c: Caller, state: Any) -> None:
        """See `buckets.lua`."""
        del b, c
        self.tat = state[0]


class Log:
    """Members by time, as a sorted set has them."""

    __slots__ = ("at", "times")

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        self.times: list[int] = []

    def add(self, member: str, at_ms: int) -> None:
        """Add a member, or move it."""
        self.remove(member)
        self.at[member] = at_ms
        insort(self.times, at_ms)

    def remove(self, member: str) -> bool:
        """Take a member away; says whether it was there."""
        at_ms = self.at.pop(member, None)
        if at_ms is None:
            return False
        del self.times[bisect_right(self.times, at_ms) - 1]
        return True

    def after(self, at_ms: int) -> int:
        """How many are later."""
        return len(self.times) - bisect_right(self.times, at_ms)

    def forget(self, before_ms: int, *, most: int) -> None:
        """Drop the oldest up to that time; the newest twice so many stay."""
        drop = min(bisect_right(self.times, before_ms), len(self.times) - 2 * most)
        if drop > 0:
            for member, _ in sorted(self.at.items(), key=lambda each: (each[1], each[0]))[:drop]:
                del self.at[member]
            del self.times[:drop]


class Cap:
    """Contacts as a log, and open reservations by the time at which they free themselves."""

    __slots__ = ("log", "open")
    counts = True

    def __init__(self) -> None:
        self.log, self.open = Log(), Log()

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`; of a gap as well, which is kept in the log of its cap."""
        if b.kind == "gap":
            return self._gap(b, c)
        since = b.since_ms - 1 if b.ends_ms else c.now_ms - b.period_ms
        used = self.log.after(since)
        if reserves(b):
            used += self.open.after(c.now_ms)
        if used < b.capacity:
            return used, 0, None, ""
        return used, self._freeing(b, c, need=used - b.capacity + 1, since=since), None, ""

    def _freeing(self, b: Bucket, c: Caller, *, need: int, since: int) -> int:
        first = bisect_right(self.log.times, since)
        counted = self.log.times[first : first + need]
        times = [b.ends_ms or at_ms + b.period_ms for at_ms in counted]
        if reserves(b):
            first = bisect_right(self.open.times, c.now_ms)
            times += self.open.times[first : first + need]
        times.sort()
        return max(1, times[need - 1] - c.now_ms)

    def _gap(self, b: Bucket, c: Caller) -> Looked:
        if reserves(b) and self.open.after(c.now_ms):
            return 1, b.period_ms, None, ""
        if not self.log.times:
            return 0, 0, None, ""
        wait_ms = max(0, self.log.times[-1] + b.period_ms - c.now_ms)
        return int(wait_ms > 0), wait_ms, None, ""

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`; a gap takes nothing."""
        if b.kind == "gap":
            return
        if b.counts_on != "reserved":
            self.open.forget(c.now_ms - b.kept_ms, most=b.capacity)
            self.open.add(c.id, c.expires_ms)
        else:
            self.confirm(c.id, c.now_ms, most=b.capacity, kept_ms=b.kept_ms)

    def confirm(self, call: str, at_ms: int, *, most: int, kept_ms: int) -> None:
        """The contact was made."""
        self.log.forget(at_ms - kept_ms, most=most)
        self.log.add(call, at_ms)


def reserves(b: Bucket) -> bool:
    """Whether a cap has open reservations besides its log."""
    return b.counts_on != "reserved" or b.rank >= 0


class Window:
    """Calls or costs, summed up by parts of the window."""

    __slots__ = ("parts",)
    counts = True

    def __init__(self) -> None:
        self.parts: dict[int, int] = {}

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`."""
        # Parts are in the order of time but for a clock that steps back, and most looks end here.
        least = b.since_ms if b.ends_ms else c.now_ms - b.period_ms - _width(b) + 1
        counted = [(start, total) for start, total in self.parts.items() if start >= least]
        used = sum([total for _, total in counted])
        if used + b.cost <= b.capacity:
            return used, 0, None, ""
        if b.cost > b.capacity:
            return used, -1, None, ""
        if b.ends_ms:
            return used, max(1, b.ends_ms - c.now_ms), None, ""
        left = used
        for start, total in sorted(counted):
            left -= total
            if left + b.cost <= b.capacity:
                return used, max(1, start + _width(b) + b.period_ms - c.now_ms), None, ""
        return used, -1, None, ""

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`."""
        part = self.part(b, c.now_ms)
        if len(self.parts) > _MOST_PARTS:
            self.parts = {at: total for at, total in self.parts.items() if at >= c.now_ms - 2 * b.period_ms}
        self.parts[part] = self.parts.get(part, 0) + b.cost

    def part(self, b: Bucket, now_ms: int) -> int:
        """The part that a call of that time counts in."""
        return b.since_ms if b.ends_ms else now_ms // _width(b) * _width(b)

    def adjust(self, part: int, by: int) -> None:
        """Replace an estimate by what it really cost."""
        if part in self.parts:
            self.parts[part] += by


def _width(b: Bucket) -> int:
    return -(-b.period_ms // SLOTS)


class Concurrency:
    """Calls that run, by the time at which they count no longer."""

    __slots__ = ("running",)
    counts = True

    def __init__(self) -> None:
        self.running = Log()

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`."""
        used = self.running.after(c.now_ms)
        if used < b.capacity:
            return used, 0, None, ""
        first = self.running.times[len(self.running.times) - used]
        return used, min(1000, max(1, first - c.now_ms)), None, ""

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`."""
        del b
        self.running.forget(c.now_ms - 3_600_000, most=0)
        self.running.add(c.id, c.expires_ms)


class Quota:
    """What an upstream allows, counted by our own calls alone: what it told of that is in no record."""

    __slots__ = ("expires_ms", "running", "since_ms", "used")
    counts = True

    def __init__(self) -> None:
        self.used, self.since_ms, self.expires_ms = 0, -1, 0
        self.running = Log()

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`."""
        self._forget(b, c.now_ms)
        used = self.running.after(c.now_ms) + (self.used if self.since_ms == b.since_ms else 0)
        if used < b.capacity * b.share // 100:
            return used, 0, None, ""
        left = max(1, b.ends_ms - c.now_ms) if b.ends_ms else max(QUOTA_WAIT_MS, self.expires_ms - c.now_ms)
        return used, left, None, ""

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`."""
        del b
        self.running.forget(c.now_ms - 3_600_000, most=0)
        self.running.add(c.id, c.expires_ms)

    def ended(self, b: Bucket, call: str, *, now_ms: int) -> None:
        """The call has ended, and its upstream told nothing."""
        if not self.running.remove(call):
            return
        self._forget(b, now_ms)
        if self.since_ms != b.since_ms:
            self.used, self.since_ms = 0, b.since_ms
        self.used += 1
        self.expires_ms = now_ms + b.period_ms

    def _forget(self, b: Bucket, now_ms: int) -> None:
        """What is counted in no calendar period is forgotten once nobody has asked for so long."""
        if not b.ends_ms and self.expires_ms and now_ms >= self.expires_ms:
            self.used, self.since_ms, self.expires_ms = 0, -1, 0


class Score:
    """Decaying score of contacts, in thousandths: (time, "decision weight", weight), as a sorted set has them."""

    __slots__ = ("contacts",)
    counts = True

    def __init__(self) -> None:
        self.contacts: list[tuple[int, str, int]] = []

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`: summed in the same order, so that the same digits come out."""
        half_ms, total = b.period_ms, 0.0
        for at_ms, _, weight in self.contacts:
            if at_ms > c.now_ms - 20 * half_ms:
                total += weight * 2.0 ** (-max(0, c.now_ms - at_ms) / half_ms)
        used = math.floor(total + 0.5)
        if b.capacity < 0 or total + b.cost <= b.capacity:
            return used, 0, None, ""
        if b.cost >= b.capacity:
            return used, -1 if b.cost > b.capacity else 20 * half_ms, None, ""
        wait_ms = math.ceil(half_ms * math.log(total / (b.capacity - b.cost)) / math.log(2))
        return used, max(1, wait_ms), None, ""

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`."""
        insort(self.contacts, (c.now_ms, f"{c.id} {b.cost}", b.cost))
        oldest = c.now_ms - 40 * b.period_ms
        if self.contacts[0][0] <= oldest:
            self.contacts = [each for each in self.contacts if each[0] > oldest]
        del self.contacts[:-_MOST_SCORED]

    def remove(self, member: str) -> None:
        """The contact was not made."""
        self.contacts = [each for each in self.contacts if each[1] != member]


class Sequence:
    """The newest first step of each agent: (time, decision)."""

    __slots__ = ("marks",)
    counts = False

    def __init__(self) -> None:
        self.marks: dict[str, tuple[int, str]] = {}

    def look(self, b: Bucket, c: Caller) -> Looked:
        """See `buckets.lua`; what leaves a mark never waits."""
        if b.kind == "trail":
            return 0, 0, None, ""
        newest, decision, used = 0, "", 0
        for agent, (at_ms, marked) in self.marks.items():
            theirs = b.who == "any" or (b.who == "same") == (agent == c.agent)
            if theirs and at_ms > c.now_ms - b.period_ms:
                used += 1
                if at_ms > newest:
                    newest, decision = at_ms, marked
        if used == 0:
            return 0, 0, None, ""
        return used, max(1, newest + b.period_ms - c.now_ms), None, decision

    def take(self, b: Bucket, c: Caller, _state: Any) -> None:
        """See `buckets.lua`."""
        if b.kind == "trail":
            self.marks[c.agent] = (c.now_ms, c.id)


Held = Rate | Cap | Window | Concurrency | Quota | Score | Sequence
KINDS: Final[dict[str, tuple[str, type[Held]]]] = {
    "rate": ("rate", Rate),
    "cap": ("cap", Cap),
    "gap": ("cap", Cap),
    "window": ("window", Window),
    "budget": ("budget", Window),
    "concurrency": ("concurrency", Concurrency),
    "quota": ("quota", Quota),
    "score": ("score", Score),
    "sequence": ("sequence", Sequence),
    "trail": ("sequence", Sequence),
}
"""By kind of bucket: what its key says, as in `gateway.adapters.reservation`, and what it holds."""
