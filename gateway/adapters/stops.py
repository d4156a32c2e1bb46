"""The stops of a tenant in Redis. Admission reads them; people write them."""

from collections.abc import Awaitable
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from gateway.core import keys
from gateway.core.stops import Stop


class StopStore:
    """Sets, lifts and lists stops. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def stop(self, tenant: str, stop: Stop) -> None:
        """Halt it. When this returns, no worker admits another such call."""
        await cast("Awaitable[Any]", self._redis.hset(keys.stops(tenant), stop.what, msgspec.json.encode(stop)))

    async def resume(self, tenant: str, what: str) -> bool:
        """Let it go on; says whether it was stopped."""
        return bool(await self._redis.hdel(keys.stops(tenant), what))

    async def list(self, tenant: str) -> tuple[Stop, ...]:
        """All stops of a tenant, the oldest first."""
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(keys.stops(tenant)))
        stops = [msgspec.json.decode(blob, type=Stop) for blob in found.values()]
        return tuple(sorted(stops, key=lambda stop: stop.since_ms))
