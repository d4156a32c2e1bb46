"""Counts of the last moments, in memory, at a price that does not grow with them. Pure: the time is an argument."""

from typing import Final

PARTS: Final = 10
"""A window is counted in so many parts; a part counts as long as any of it lies within the window."""


class Sliding:
    """How often each of some kinds of thing has happened within a window up to now.

    Times are milliseconds of one clock; where it steps back, what happens counts as of the latest time known.
    """

    __slots__ = ("_counts", "_kinds", "_part", "_part_ms")

    def __init__(self, window_ms: int, *, kinds: int) -> None:
        self._part_ms = max(1, -(-window_ms // PARTS))
        self._kinds = kinds
        self._part = 0
        self._counts: list[list[int]] = [[0] * kinds for _ in range(PARTS)]

    def add(self, kind: int, *, now_ms: int) -> None:
        """Count one thing of this kind; kinds are numbered from 0."""
        self._forward(now_ms)
        self._counts[self._part % PARTS][kind] += 1

    def sums(self, *, now_ms: int) -> tuple[int, ...]:
        """How many of each kind there were within the window."""
        self._forward(now_ms)
        return tuple([sum([part[kind] for part in self._counts]) for kind in range(self._kinds)])

    def clear(self) -> None:
        """Forget all of it."""
        self._counts = [[0] * self._kinds for _ in range(PARTS)]

    def _forward(self, now_ms: int) -> None:
        part = max(self._part, now_ms // self._part_ms)
        for passed in range(max(self._part + 1, part - PARTS + 1), part + 1):
            self._counts[passed % PARTS] = [0] * self._kinds
        self._part = part
