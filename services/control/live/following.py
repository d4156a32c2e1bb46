"""Streams of what happens now: one look a second for all who look at the same tenants, and none while nobody does."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from typing import Any, Final, Protocol

from litestar.response.sse import ServerSentEventMessage

from gateway.core.errors import Reason
from services.control.live.gathering import SECOND
from services.control.live.now import Now
from services.control.live.scope import Scope
from services.control.undone import Undone

MOST: Final = 200
"""Most streams at once: each holds a connection here."""
QUIET_SECONDS: Final = 15.0
"""After so long without news a comment is sent, so that nobody between takes the line for dead."""
LONGEST_SECONDS: Final = 300.0
"""Then a stream ends, and who follows again must still be let in."""
RETRY_MS: Final = 1_000

Event = ServerSentEventMessage
Render = Callable[[Now], tuple[Event, ...]]
"""Makes events of what happens now."""


class Looking(Protocol):
    """Whoever knows what happens now."""

    async def now(self, scope: Scope) -> Now:
        """What happens now in these tenants."""

    async def close(self) -> None:
        """Give up what is being looked at."""


class Following:
    """All streams of this process."""

    def __init__(
        self,
        gathering: Looking,
        *,
        most: int = MOST,
        every_seconds: float = SECOND,
        quiet_seconds: float = QUIET_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self.gathering = gathering
        self.running = 0
        """Streams at the moment."""
        self._most = most
        self._every_seconds = every_seconds
        self._quiet_seconds = quiet_seconds
        self._longest_seconds = longest_seconds
        self._watches: dict[Scope, _Watch] = {}
        self._draining = asyncio.Event()

    @property
    def watched(self) -> int:
        """For how many sets of tenants somebody looks."""
        return len(self._watches)

    async def follow(self, scope: Scope, render: Render, *, alike: Hashable) -> AsyncGenerator[Event, None]:
        """What `render` makes of what happens now, every second. Who reads slowly misses what is in between.

        Streams that are `alike` get what was made for one of them.

        Raises:
            Undone: LIMIT_EXCEEDED when too many follow already, DRAINING when the process stops.
        """
        if self._draining.is_set():
            raise Undone(Reason.DRAINING, "now-draining", wait_s=1)
        if self.running >= self._most:
            raise Undone(Reason.LIMIT_EXCEEDED, "now-full", wait_s=10, most=self._most)
        events = self._events(scope, render, alike)
        await anext(events)  # begun, it is ended as well: even where nobody ever asks for an event
        return events

    def drain(self) -> None:
        """End every stream: they would otherwise keep the server from stopping."""
        self._draining.set()

    async def _events(self, scope: Scope, render: Render, alike: Hashable) -> AsyncGenerator[Event, None]:
        self.running += 1
        ending = asyncio.create_task(self._draining.wait())
        until, waiting, seen = time.monotonic() + self._longest_seconds, None, 0
        watch = self._watch(scope)
        try:
            yield Event(data=None, comment="following", retry=RETRY_MS)
            while time.monotonic() < until:
                waiting = waiting or asyncio.create_task(watch.after(seen))
                patience = min(self._quiet_seconds, max(0.0, until - time.monotonic()))
                await asyncio.wait({waiting, ending}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if self._draining.is_set():
                    return
                if not waiting.done():
                    yield Event(data=None, comment="nothing new")
                    continue
                seen, waiting = watch.number, None  # what is rendered now; it may be newer than what was waited for
                for event in watch.rendered(render, alike):
                    yield event
        finally:
            self.running -= 1
            self._leave(watch)
            for task in (ending, waiting):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    def _watch(self, scope: Scope) -> "_Watch":
        watch = self._watches.get(scope)
        if watch is None:
            watch = self._watches[scope] = _Watch(scope, self.gathering, every_seconds=self._every_seconds)
        watch.followers += 1
        return watch

    def _leave(self, watch: "_Watch") -> None:
        watch.followers -= 1
        if not watch.followers:
            del self._watches[watch.scope]
            watch.close()


class _Watch:
    """Looks every second, for all who follow the same tenants."""

    def __init__(self, scope: Scope, gathering: Looking, *, every_seconds: float) -> None:
        self.scope = scope
        self.followers = 0
        self._gathering = gathering
        self._every_seconds = every_seconds
        self.number = 0
        """Of the newest look."""
        self._newest: Now | None = None
        self._news = asyncio.Event()
        self._made: dict[Hashable, tuple[Event, ...]] = {}
        self._task = asyncio.create_task(self._look())

    async def after(self, number: int) -> None:
        """Wait for something newer than what had that number."""
        while self.number <= number:
            await self._news.wait()

    def rendered(self, render: Render, alike: Hashable) -> tuple[Event, ...]:
        """The newest, as it is shown to all that are alike."""
        if self._newest is None:
            return ()
        if alike not in self._made:
            self._made[alike] = render(self._newest)
        return self._made[alike]

    def close(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _look(self) -> None:
        clock: Any = asyncio.get_running_loop()
        due = clock.time()
        while True:
            self._newest = await self._gathering.now(self.scope)
            self.number += 1
            self._made = {}
            self._news.set()
            self._news = asyncio.Event()
            due = max(due + self._every_seconds, clock.time())
            await asyncio.sleep(due - clock.time())
