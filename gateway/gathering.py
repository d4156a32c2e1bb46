"""Calls that arrive while the process is busy gather for some milliseconds and go on together.

gRPC hands calls to the loop one by one, each behind several switches between its threads and ours, and after every
switch the caches have forgotten the code of the call before: measured at saturation, a governed call costs 505 us of
which the same steps, run twelve in a row, need 270. Gathered calls also share one write to the store and one read from
it. Waiting costs latency, so calls gather only while the process is busy; then it shortens the queue instead, and the
time a call takes as a whole. A process is busy that uses most of the time in which it could run: one that gets a third
of a core, because others use it or a quota is used up, may well be.

A busy process takes callers in turn: of those who wait each has one call taken before anybody has a second one, and so
many at most go on together that whoever comes then waits for no more than these. Thousands of calls of one caller
therefore delay its own more than those of others.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.unhindered import unhindered

GATHER_SECONDS: Final = 0.004
"""How long calls gather, counted from the first. At saturation 1 ms gave 394 us a call, 4 ms 278, 8 ms 275."""
MOST: Final = 64
"""How many calls go on together: about 20 ms of work, which is what another caller then waits for. Twelve in a row is
where most is won."""
LOOK_SECONDS: Final = 0.05
"""How often the process looks how busy it is."""
BUSY: Final = 0.6
"""CPU seconds per second that it could run, from which calls gather. Below, they hardly queue, and nothing is won."""
IDLE: Final = 0.3
"""CPU seconds per such second from which they no longer do; lower than `BUSY`, since gathering itself saves CPU."""


class Gathering:
    """Where calls wait for each other.

    `cpu_seconds` is the CPU time of this process, `clock` the time in which it could run, in seconds.
    """

    def __init__(
        self, *, cpu_seconds: Callable[[], float] = time.process_time, clock: Callable[[], float] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._cpu_seconds = cpu_seconds
        self._used = cpu_seconds()
        self._clock = clock or unhindered()
        self._looked = self._clock()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """The calls of each caller, in the order they came; who is first here is next."""
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look_again)
        self.on = False
        """Whether calls gather now."""

    async def turn(self, caller: str) -> None:
        """Return when it is this call's turn: at once, unless the process is busy, or others of the caller wait."""
        if not self.on and caller not in self._waiting:
            return
        if not self._waiting:
            self._loop.call_later(GATHER_SECONDS, self._go_on)
        turn: asyncio.Future[None] = self._loop.create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        await turn

    @property
    def busy(self) -> bool:
        """Whether a call may have to wait for its turn."""
        return self.on or bool(self._waiting)

    def close(self) -> None:
        """Let everybody go on, and gather no more."""
        self._timer.cancel()
        self.on = False
        while self._waiting:
            self._go_on()

    def look(self) -> None:
        """See how busy the process has been since the last look, and gather or not accordingly."""
        used, now = self._cpu_seconds(), self._clock()
        self.on = used - self._used > (IDLE if self.on else BUSY) * (now - self._looked)
        self._used, self._looked = used, now

    def _look_again(self) -> None:
        self.look()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look_again)

    def _go_on(self) -> None:
        went = 0
        while self._waiting and went < MOST:
            caller, waiting = next(iter(self._waiting.items()))
            del self._waiting[caller]
            while waiting and waiting[0].done():  # whoever has gone away costs the caller no turn
                waiting.popleft()
            if waiting:
                waiting.popleft().set_result(None)
                went += 1
            if waiting:
                self._waiting[caller] = waiting  # behind all others who wait
        if self._waiting:
            self._loop.call_later(GATHER_SECONDS, self._go_on)
