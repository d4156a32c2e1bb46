"""Lets the rest of the world follow an erasure: gateways forget their keys, and the store's files what was deleted."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.core.errors import CallEnded
from gateway.records.erasures import Erasures
from services.audit.personal import Personal

LOOK_SECONDS: Final = 0.5
TRIMMED_SECONDS: Final = 12.0
"""After so long what a stream held when a customer was erased has been stored, acknowledged and trimmed."""

_log = logging.getLogger(__name__)


class Telling:
    """Does what is left to do after erasures; tries again until it is done. `clock_ms` is the time since the epoch."""

    def __init__(
        self,
        personal: Personal,
        erasures: Erasures,
        *,
        clock_ms: Callable[[], int],
        trimmed_seconds: float = TRIMMED_SECONDS,
    ) -> None:
        self._personal = personal
        self._erasures = erasures
        self._clock_ms = clock_ms
        self._trimmed_seconds = trimmed_seconds
        self._clear = False
        self._rewrite_at: float | None = None

    async def run(self) -> None:
        """Go on until cancelled."""
        us = asyncio.current_task()
        while us is None or not us.cancelling():  # redis-py swallows a cancellation that comes while it connects
            with contextlib.suppress(RedisError, OSError, TimeoutError, CallEnded):  # they come back
                await self.step()
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> None:
        """Do what is due.

        Raises:
            RedisError, OSError, CallEnded: a store does not answer; what was not done is done by a later step.
        """
        if people := await self._personal.untold():
            told = [(each.tenant, each.subject_ref) for each in people]
            await self._erasures.announce(told, now_ms=self._clock_ms())
            await self._personal.told(people)
            _log.info("gateways were told of erasures", extra={"people": len(people)})
            self._clear = True
            self._rewrite_at = asyncio.get_running_loop().time() + self._trimmed_seconds
        if self._clear:
            self._clear = not await self._personal.clear_files()
        if self._rewrite_at is not None and asyncio.get_running_loop().time() >= self._rewrite_at:
            if await self._erasures.rewrite_files():
                self._rewrite_at = None
            else:
                self._rewrite_at = asyncio.get_running_loop().time() + self._trimmed_seconds


async def tell(
    redis_url: str, personal: Personal, *, clock_ms: Callable[[], int], trimmed_seconds: float = TRIMMED_SECONDS
) -> None:
    """Do what is left to do after erasures, until cancelled; while the store of decisions is away, later."""
    us = asyncio.current_task()
    options = {"retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1, "socket_timeout": 5}
    while us is None or not us.cancelling():
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with await redis_clients.connected(redis_url, **options) as redis:
                await Telling(personal, Erasures(redis), clock_ms=clock_ms, trimmed_seconds=trimmed_seconds).run()
        await asyncio.sleep(LOOK_SECONDS)
