"""Answers that several ask for at once, or soon after each other: asked for once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT_SECONDS: Final = 60.0
"""After so long nobody is taken to ask for it any more."""


class Fresh(Generic[K, V]):
    """Keeps answers for a while. `clock` gives seconds and never steps back."""

    def __init__(
        self, ask: Callable[[K], Awaitable[V]], *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._asking: dict[K, asyncio.Task[V]] = {}
        self._kept: dict[K, tuple[float, V]] = {}

    async def get(self, key: K) -> V:
        """The answer, no older than `seconds` when it was asked for; raises what asking raises, to all who wait."""
        now = self._clock()
        found = self._kept.get(key)
        if found is not None and now - found[0] < self._seconds:
            return found[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._answer(key, now))
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)  # whoever asked first may go, and others still wait

    async def close(self) -> None:
        """Give up what is being asked."""
        tasks = tuple(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, key: K, task: asyncio.Task[V]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

    async def _answer(self, key: K, now: float) -> V:
        answer = await self._ask(key)
        self._kept = {each: kept for each, kept in self._kept.items() if now - kept[0] < KEPT_SECONDS}
        self._kept[key] = (now, answer)
        return answer
