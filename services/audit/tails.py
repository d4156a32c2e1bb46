"""Tells those who follow the decisions which ones have just been stored."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.errors import CallEnded, Reason

CAPACITY: Final = 10_000
"""Decisions that may wait for one follower: about 1 MB of ids, ten seconds at 1,000 calls/s."""


class Tail:
    """What one follower has not read yet: ids only, each once, so that a settlement soon after its admission is one."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: dict[str, None] = {}
        self._news = asyncio.Event()
        self._ended: CallEnded | None = None

    def put(self, decisions: Iterable[str]) -> None:
        """Add decisions; a follower that reads too slowly is ended, and what waited for it is dropped."""
        if self._ended is None:
            self._waiting.update(dict.fromkeys(decisions))
            if len(self._waiting) > self._capacity:
                text = f"You read too slowly: more than {self._capacity} decisions waited. List what you missed."
                metadata = {"capacity": str(self._capacity)}
                self.end(CallEnded(Reason.LIMIT_EXCEEDED, text, metadata=metadata))
        self._news.set()

    def end(self, ended: CallEnded) -> None:
        """Let `take` raise `ended` from now on."""
        self._ended = ended
        self._waiting.clear()
        self._news.set()

    async def take(self, most: int) -> tuple[str, ...]:
        """Wait for decisions and return the oldest of them, at most `most`.

        Raises:
            CallEnded: LIMIT_EXCEEDED for a reader that is too slow, DRAINING when the process stops.
        """
        await self._news.wait()
        if self._ended is not None:
            raise self._ended
        taken = tuple(self._waiting)[:most]
        for decision in taken:
            del self._waiting[decision]
        if not self._waiting:
            self._news.clear()
        return taken


class Tails:
    """All followers of this process."""

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._tails: set[Tail] = set()
        self._draining = False

    @property
    def followed(self) -> bool:
        """Whether anybody follows."""
        return bool(self._tails)

    async def ready(self) -> None:
        """Wait until whoever follows from then on misses nothing.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """

    @contextlib.contextmanager
    def follow(self) -> Iterator[Tail]:
        """Follow from now until the block ends.

        Raises:
            CallEnded: DRAINING when the process stops.
        """
        if self._draining:
            raise _draining()
        tail = Tail(self._capacity)
        self._tails.add(tail)
        try:
            yield tail
        finally:
            self._tails.discard(tail)

    def publish(self, decisions: Iterable[str]) -> None:
        """Tell every follower of decisions that were stored or settled; never waits."""
        decisions = tuple(decisions)
        for tail in self._tails:
            tail.put(decisions)

    def drain(self) -> None:
        """End every follower: they would otherwise keep the server from stopping until its patience ends."""
        self._draining = True
        for tail in self._tails:
            tail.end(_draining())


def _draining() -> CallEnded:
    return CallEnded(Reason.DRAINING, "The audit service is stopping. Follow again; another one answers.")
