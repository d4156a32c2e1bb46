"""Lines to the upstreams of the active revision, and to those of earlier ones as long as calls may need them."""

import asyncio
from collections.abc import Callable, Collection, Hashable
from typing import Generic, Protocol, TypeVar

from gateway.core.policy.upstreams import Upstream
from gateway.core.policy.vocabulary import duration_ms


class Line(Protocol):
    """What connects to one place."""

    async def close(self) -> None:
        """End whatever still goes over it."""


L = TypeVar("L", bound=Line)


class Lines(Generic[L]):
    """One line to each place. Upstreams of the same place share it."""

    def __init__(self, *, place: Callable[[Upstream], Hashable], line: Callable[[Upstream], L]) -> None:
        self._place, self._new = place, line
        self._kept: set[Hashable] = set()
        self._lines: dict[Hashable, L] = {}
        self._longest_s: dict[Hashable, float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def use(self, upstreams: Collection[Upstream]) -> None:
        """Keep lines to these. Calls that were admitted before end on those they were admitted for."""
        kept = {self._place(upstream) for upstream in upstreams}
        for at in self._lines.keys() - kept:
            task = asyncio.get_running_loop().create_task(self._retire(at, self._lines[at]))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        for upstream in upstreams:
            self.to(upstream)
            at = self._place(upstream)
            self._longest_s[at] = max(self._longest_s[at], longest_s(upstream))
        self._kept = kept

    def to(self, upstream: Upstream) -> L:
        """The line to this upstream."""
        at = self._place(upstream)
        line = self._lines.get(at)
        if line is None:
            line = self._lines[at] = self._new(upstream)
            self._longest_s[at] = longest_s(upstream)
        return line

    async def close(self) -> None:
        """Close all lines."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in self._lines.values()))

    async def _retire(self, at: Hashable, line: L) -> None:
        """Close a line that no revision names any more, once every call that was admitted for it is over.

        Such a call begins within its longest time, and then lasts as long at most.
        """
        await asyncio.sleep(2 * self._longest_s[at])
        if at not in self._kept and self._lines.get(at) is line:
            del self._lines[at], self._longest_s[at]
            await line.close()


def longest_s(upstream: Upstream) -> float:
    """Longest call to this upstream, in seconds."""
    return duration_ms(upstream.timeout) / 1000
