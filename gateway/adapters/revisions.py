"""Published revisions in Redis: immutable, numbered, one of them active; changes are announced and polled for."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, cast

import msgspec
from redis.exceptions import RedisError

from gateway.adapters.cells import CellBook, cells_in
from gateway.core import keys
from gateway.core.errors import CallEnded
from gateway.redis_clients import Client

_log = logging.getLogger(__name__)

CHANNEL: Final = f"{keys.REVISIONS}:announced"
POLL_SECONDS: Final = 0.5
"""Announcements may be lost; the poll is what promises that a revision is live within a second."""

# Publishing and activating are one step: `expected` is the revision the author had before them, so that of two people
# who publish at once the second learns of the first.
_PUBLISH: Final = """
local active = redis.call('GET', KEYS[1]) or '0'
if ARGV[1] ~= '' and active ~= ARGV[1] then return -tonumber(active) - 1 end
local number = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[3], number, ARGV[2])
redis.call('SET', KEYS[1], number)
redis.call('PUBLISH', ARGV[3], number)
return number
"""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One revision as it is stored. `document` is canonical JSON, `sha256` its hash."""

    sha256: str
    author: str
    created_ms: int
    reason: str = ""
    document: msgspec.Raw


class RevisionConflict(Exception):
    """Another revision became active in the meantime."""

    def __init__(self, active: int) -> None:
        super().__init__(f"revision {active} is active")
        self.active = active


class RevisionStore:
    """Publishes revisions, and follows which one is active."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)
        self._active = keys.ACTIVE_REVISION
        self._last = f"{keys.REVISIONS}:last"
        self._all = keys.ALL_REVISIONS

    async def publish(self, revision: Published, *, expected: int | None = None) -> int:
        """Store and activate a revision; returns its number. `expected` is the number that must be active before.

        Raises:
            RevisionConflict: another one is active than `expected`.
            CellsFixed: a tenant has another number of cells already.
            RedisError: the store does not answer.
        """
        await self._cells.fix(cells_in(revision.document))
        body = msgspec.json.encode(revision)
        wanted = "" if expected is None else str(expected)
        number = int(await self._redis.eval(_PUBLISH, 3, self._active, self._last, self._all, wanted, body, CHANNEL))
        if number < 0:
            raise RevisionConflict(-number - 1)
        return number

    async def active(self) -> int:
        """Number of the active revision; 0 where there is none."""
        return int(await self._redis.get(self._active) or 0)

    async def read(self, number: int) -> Published | None:
        """The revision of that number."""
        body = await cast("Awaitable[bytes | None]", self._redis.hget(self._all, str(number)))
        return None if body is None else msgspec.json.decode(body, type=Published)

    async def follow(
        self, swap: Callable[[int, Published], Awaitable[None]], *, looked: asyncio.Event | None = None
    ) -> None:
        """Call `swap` with the active revision, now and whenever it changes; runs until cancelled.

        `looked` is set once it has been looked for the first time, whatever came of it. While the store does not
        answer, the revision that runs goes on running; a `swap` that raises `CallEnded` for that reason is tried again.
        """
        seen = 0
        us = asyncio.current_task()
        # redis-py swallows a cancellation that comes while it connects (measured with 8.1.0); the count of them stays.
        while us is None or not us.cancelling():
            try:
                number = await self.active()
                if number not in (0, seen) and (published := await self.read(number)) is not None:
                    await swap(number, published)
                    seen = number
                if looked is not None:
                    looked.set()
                await self._announced()
            except msgspec.DecodeError:
                _log.exception("revision %d is damaged: the one that runs goes on", number)
                seen = number
                if looked is not None:
                    looked.set()
            except (RedisError, OSError, TimeoutError, CallEnded):
                _log.warning("the store does not answer: the revision that runs goes on", extra={"seen": seen})
                await asyncio.sleep(POLL_SECONDS)

    async def _announced(self) -> None:
        """Wait for an announcement, at most until the next poll."""
        async with self._redis.pubsub() as messages:
            await messages.subscribe(CHANNEL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    async for message in messages.listen():
                        if message["type"] == "message":
                            return
