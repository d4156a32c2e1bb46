"""Moves decisions from the streams into the store: at least once read, exactly once kept, then acknowledged."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from redis.exceptions import RedisError

from gateway.core.errors import CallEnded, Reason
from services.audit import entries
from services.audit.entries import Corrupt, Entry
from services.audit.progress import Progress
from services.audit.store import DecisionStore
from services.audit.streams import BATCH, DecisionStreams, Delivery
from services.audit.tails import Tails

LINGER_SECONDS: Final = 0.02
"""Pause after a batch that was not full: a commit is an fsync, and 50 of them a second are enough."""
PATIENCE_SECONDS: Final = 5.0
"""Longest pause between two attempts while Redis or the disk fails."""

LOOK_SECONDS: Final = 2.0
"""How often it looks how much waits in the streams."""

_log = logging.getLogger(__name__)


class Writer:
    """The one writer of a store. `clock_ms` is the time in milliseconds since the epoch, for what is in doubt by now.

    `progress` is kept up to date, and `stored` is told of entries that are stored and acknowledged, of one that comes
    again once more. `claim_idle_ms` is after which time an entry delivered to another consumer counts as left behind by
    a dead one.
    """

    def __init__(
        self,
        streams: DecisionStreams,
        *,
        store: DecisionStore,
        tails: Tails,
        clock_ms: Callable[[], int],
        claim_idle_ms: int = 30_000,
        discover_seconds: float = 0.5,
        trim_seconds: float = 5.0,
        progress: Progress | None = None,
        stored: Callable[[Sequence[Entry]], None] | None = None,
    ) -> None:
        self._streams = streams
        self._store = store
        self._tails = tails
        self._clock_ms = clock_ms
        self._claim_idle_ms = claim_idle_ms
        self.progress: Final = progress or Progress()
        self._stored = stored
        self._discovery = _Every(discover_seconds, streams.discover)
        self._chores = (
            _Every(1.0, self._mark_in_doubt),
            _Every(60.0, self._expire_inputs),
            _Every(LOOK_SECONDS, self._look),
            _Every(10.0, lambda: streams.claim(idle_ms=self._claim_idle_ms)),
            # Not at once: what was acknowledged before the start can wait.
            _Every(trim_seconds, self._trim, first_seconds=trim_seconds),
        )

    @property
    def taken(self) -> int:
        """Entries stored and acknowledged, redelivered ones included."""
        return self.progress.taken

    @property
    def quarantined(self) -> int:
        """Entries that could not be stored."""
        return self.progress.quarantined

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set. While Redis or the store fails it tries again, and acknowledges nothing."""
        failures = 0
        while not stop.is_set():
            self.progress.stepping_since_s = time.monotonic()
            try:
                taken = await self.step()
            except (RedisError, OSError, CallEnded) as error:
                if isinstance(error, CallEnded) and error.reason is not Reason.STORE_UNAVAILABLE:
                    raise
                failures += 1
                self.progress.failing = True
                if isinstance(error, CallEnded):
                    self.progress.store_failing = True
                    with contextlib.suppress(RedisError, OSError):  # what piles up meanwhile
                        await self._look()
                self._failed(error, failures)
                await pause(stop, min(0.05 * 2.0 ** min(failures, 10), PATIENCE_SECONDS))
                continue
            finally:
                self.progress.stepping_since_s = None
            if failures:
                _log.info("decisions are being stored again", extra={"attempts": failures})
                failures = 0
            self.progress.failing = self.progress.store_failing = False
            if taken < BATCH:
                await pause(stop, LINGER_SECONDS)

    async def step(self) -> int:
        """Take what can be read now and do the chores that are due; returns how many entries were taken.

        Raises:
            RedisError, OSError: Redis does not answer.
            CallEnded: STORE_UNAVAILABLE when the store is locked, full or broken.
        """
        await self._discovery.run()
        deliveries = await self._streams.read()
        for start in range(0, len(deliveries), BATCH):
            await self._take(deliveries[start : start + BATCH])
        for chore in self._chores:
            await chore.run()
        return len(deliveries)

    async def _take(self, deliveries: Sequence[Delivery]) -> None:
        """Store, tell, acknowledge: in this order, so that whatever fails in between is delivered again."""
        sound, corrupt = [], []
        for delivery in deliveries:
            entry = entries.read(delivery.fields, stream=delivery.stream)
            if isinstance(entry, Corrupt):
                corrupt.append((delivery, entry.why))
            else:
                sound.append(entry)
        began = time.perf_counter()
        self._tails.publish(await self._store.write(sound))
        self.progress.latency.of(()).add(time.perf_counter() - began)
        await self._streams.acknowledge(deliveries, corrupt=corrupt)
        self.progress.taken += len(sound)
        self.progress.quarantined += len(corrupt)
        if self._stored is not None:
            self._stored(sound)
        for delivery, why in corrupt:
            _log.warning(
                "an entry cannot be stored and is in quarantine",
                extra={"stream": delivery.stream.decode(), "entry": delivery.id.decode(), "why": why},
            )

    async def _mark_in_doubt(self) -> None:
        if marked := await self._store.mark_in_doubt(now_ms=self._clock_ms()):
            _log.warning("calls were never settled and are in doubt", extra={"decisions": marked})

    async def _expire_inputs(self) -> None:
        await self._store.expire_inputs(now_ms=self._clock_ms())

    async def _look(self) -> None:
        self.progress.lag = await self._streams.lag()

    async def _trim(self) -> None:
        await self._streams.trim()

    def _failed(self, error: Exception, failures: int) -> None:
        self._streams.forget()
        self._discovery.due_now()
        if failures == 1:
            what = "the store" if isinstance(error, CallEnded) else "Redis"
            why = str(error.__cause__ or error)
            _log.warning("%s fails: decisions wait in their streams, unacknowledged", what, extra={"error": why})


class _Every:
    """Something to do every so many seconds."""

    def __init__(self, seconds: float, work: Callable[[], Awaitable[None]], *, first_seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._work = work
        self._wait: float | None = first_seconds
        self._due = 0.0

    async def run(self) -> None:
        """Do it if it is due."""
        now = asyncio.get_running_loop().time()
        if self._wait is not None:
            self._due, self._wait = now + self._wait, None
        if now >= self._due:
            await self._work()
            self._due = now + self._seconds

    def due_now(self) -> None:
        """Make it due."""
        self._wait = 0.0


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
