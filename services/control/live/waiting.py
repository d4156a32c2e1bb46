"""What waits in the store, and what is halted there, of some tenants."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from gateway.adapters.cells import CellBook
from gateway.adapters.stops import StopStore
from gateway.core import keys
from gateway.redis_clients import Client
from services.control.live.now import Holds, StopInForce, Stream
from services.control.live.scope import Scope
from services.control.times import at
from services.stream_lag import Lag, lag_of, quarantine


class Waiting:
    """Reads them. Every method raises `RedisError`, `OSError` or `TimeoutError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)
        self._stops = StopStore(redis)

    async def holds(self, tenants: Sequence[str]) -> Holds:
        """The calls of these tenants that are kept and not over."""
        cells = [cell for tenant in tenants for cell in await self._cells.all_of(tenant)]
        found = await asyncio.gather(*(self._kept(keys.holds_open(cell)) for cell in cells))
        times = [oldest for _, oldest in found if oldest]
        return Holds(waiting=sum(count for count, _ in found), oldest_time=at(min(times)) if times else None)

    async def stops(self, tenants: Sequence[str]) -> tuple[StopInForce, ...]:
        """What is halted, the newest first."""
        each = [(tenant, stop) for tenant in tenants for stop in await self._stops.list(tenant)]
        each.sort(key=lambda pair: (pair[1].since_ms, pair[0]), reverse=True)
        return tuple(
            StopInForce(
                name=f"stops/{tenant}/{stop.what}",
                tenant=tenant,
                what=stop.what,
                reason=stop.reason,
                by=stop.by,
                create_time=at(stop.since_ms),
            )
            for tenant, stop in each
        )

    async def stream(self, scope: Scope) -> Stream:
        """What was written of these tenants' calls and is not stored yet."""
        listed = await cast(Any, self._redis.smembers(keys.STREAMS))
        streams = [each for each in sorted(listed) if scope.tenants is None or _tenant(each) in scope.tenants]
        found = await asyncio.gather(*(self._unstored(stream) for stream in streams))
        lag = Lag()
        for each, _ in found:
            lag = lag.and_also(each)
        return Stream(
            entries=lag.entries,
            oldest_time=None if lag.oldest_ms is None else at(lag.oldest_ms),
            quarantined=sum(set_aside for _, set_aside in found),
        )

    async def _kept(self, key: str) -> tuple[int, int]:
        """How many there are, and when the oldest was made."""
        oldest: Any = await self._redis.zrange(key, 0, 0, withscores=True)
        return (int(await self._redis.zcard(key)), int(oldest[0][1])) if oldest else (0, 0)

    async def _unstored(self, stream: bytes) -> tuple[Lag, int]:
        there = await self._redis.exists(stream)
        return await lag_of(self._redis, stream) if there else Lag(), int(await self._redis.xlen(quarantine(stream)))


def _tenant(stream: bytes) -> str:
    return keys.tenant_of(stream.decode())
