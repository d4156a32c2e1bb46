"""How times are spread, in buckets of 1 %: what several processes have measured adds up without loss."""

import math
from collections import Counter
from typing import Final

import msgspec

GROWTH: Final = 1.01
"""Each bucket ends so much above the one before it, so that a time is known within 0.5 %."""
_LOG: Final = math.log(GROWTH)
LEAST_MS: Final = 0.01
"""What is shorter counts as so much."""


class Spread(msgspec.Struct):
    """Times in milliseconds; grows."""

    count: int = 0
    sum_ms: float = 0.0
    most_ms: float = 0.0
    buckets: dict[int, int] = {}

    def add(self, ms: float) -> None:
        """One more time; a negative one counts as none."""
        ms = max(0.0, ms)
        index = round(math.log(max(ms, LEAST_MS)) / _LOG)
        self.count += 1
        self.sum_ms += ms
        self.most_ms = max(self.most_ms, ms)
        self.buckets[index] = self.buckets.get(index, 0) + 1

    def merge(self, other: "Spread") -> None:
        """All times of another one too."""
        self.count += other.count
        self.sum_ms += other.sum_ms
        self.most_ms = max(self.most_ms, other.most_ms)
        self.buckets = dict(Counter(self.buckets) + Counter(other.buckets))

    def at(self, share: float) -> float:
        """The time that this share (0 to 1) of all do not exceed, within 0.5 %, never more than the longest.

        Raises:
            ValueError: there are none.
        """
        if not self.count:
            raise ValueError("no times")
        rank = max(1, math.ceil(share * self.count - 1e-9))
        for index in sorted(self.buckets):
            rank -= self.buckets[index]
            if rank <= 0:
                break
        return min(math.exp(index * _LOG), max(self.most_ms, LEAST_MS))
