"""Who runs which revision: every worker says so in Redis, for as long as it lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import msgspec
from redis.exceptions import RedisError

from gateway.core import keys
from gateway.core.trust import Why
from gateway.redis_clients import Client

_log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 5.0
EXPIRES_SECONDS: Final = 20
"""A worker that has not said anything for so long is gone."""


GATEWAY: Final = "gateway"
DECISION_WORKER: Final = "decision-worker"
"""One that decides about calls whose bytes an Envoy carries; it takes no calls of agents, and forwards none."""


class Refused(msgspec.Struct, frozen=True):
    """A revision that a worker does not run: distrusted, or with mistakes ("unusable")."""

    revision: int
    why: Why | str


class GuardReport(msgspec.Struct, frozen=True):
    """How what stands before an upstream is doing on one worker. Each worker counts for itself."""

    upstream: str
    breaker: str
    """"closed", "open" or "half-open"; "closed" too where it has none."""
    openings: int = 0
    """How often the breaker has opened, since the worker guards the upstream as it does now."""
    ejected: int = 0
    """Addresses that get no calls now."""
    ejections: int = 0
    """How often one was ejected, likewise."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker says of itself."""

    worker: str
    """What it is and a random id, never a host's name: "gateway-3f2a9c1b"."""
    pid: int
    version: str
    """Of Pilote."""
    revision: int = 0
    """The revision that it runs; 0 for none."""
    sha256: str = ""
    since_ms: int = 0
    swap_ms: int = 0
    """How long it took from when the revision was read until calls went by it."""
    refused: Refused | None = None
    """The newest revision that it does not run, where that is newer than the one it runs."""
    spooled: int = 0
    """Records on its disk that the store has not taken yet."""
    guards: tuple[GuardReport, ...] = ()
    """Upstreams that anything stands before, by name."""

    @property
    def kind(self) -> str:
        """What it is: `GATEWAY`, `DECISION_WORKER`, or another process that goes by the policy, such as "intake"."""
        return self.worker.rpartition("-")[0]

    @property
    def decides(self) -> bool:
        """Whether calls are decided about there."""
        return self.kind in {GATEWAY, DECISION_WORKER}


class Workers:
    """The reports of all workers. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def say(self, report: Report) -> None:
        """Store a report, until it expires."""
        await self._redis.set(keys.worker(report.worker), msgspec.json.encode(report), ex=EXPIRES_SECONDS)
        await cast("Awaitable[Any]", self._redis.sadd(keys.WORKERS, report.worker))

    async def leave(self, worker: str) -> None:
        """Forget a worker that ends."""
        await self._redis.delete(keys.worker(worker))
        await cast("Awaitable[Any]", self._redis.srem(keys.WORKERS, worker))

    async def all(self) -> tuple[Report, ...]:
        """The reports of the workers that live, by name; what has expired is forgotten."""
        names = sorted(
            name.decode() for name in await cast("Awaitable[set[bytes]]", self._redis.smembers(keys.WORKERS))
        )
        if not names:
            return ()
        found: Any = await self._redis.mget([keys.worker(name) for name in names])
        gone = [name for name, body in zip(names, found, strict=True) if body is None]
        if gone:
            await cast("Awaitable[Any]", self._redis.srem(keys.WORKERS, *gone))
        return tuple(msgspec.json.decode(body, type=Report) for body in found if body is not None)


async def reporting(workers: Workers, report: Callable[[], Report], changed: asyncio.Event) -> None:
    """Say what `report` gives, at once when `changed` is set and every few seconds, until cancelled."""
    while True:
        changed.clear()
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await workers.say(report())
        except (RedisError, OSError, TimeoutError):
            _log.debug("the store does not take the report of this worker", exc_info=True)
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await changed.wait()
        except TimeoutError:
            continue
