"""The stops of a tenant in Redis, the same in each of its cells. Admission reads them; people write them."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, cast

import msgspec

from gateway.adapters.cells import CellBook, CellsMoving
from gateway.core import keys
from gateway.core.stops import ALL, Stop
from gateway.redis_clients import Client


class StopStore:
    """Sets, lifts and lists stops. Every method raises `RedisError` when the store does not answer.

    In a cluster a part of it may not answer: then the other cells are stopped or resumed all the same, and whoever
    called must call again.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)

    async def stop(self, tenant: str, stop: Stop) -> None:
        """Halt it. When this returns, no worker admits another such call."""
        blob = msgspec.json.encode(stop)
        await self._in_all(tenant, lambda cell: self._redis.hset(keys.stops(cell), stop.what, blob))

    async def resume(self, tenant: str, what: str) -> bool:
        """Let it go on; says whether it was stopped.

        Raises:
            CellsMoving: everything was stopped to move the tenant, and gateways may still go by where it was.
        """
        if what == ALL and await self._cells.moving(tenant):
            raise CellsMoving
        return any(await self._in_all(tenant, lambda cell: self._redis.hdel(keys.stops(cell), what)))

    async def list(self, tenant: str) -> tuple[Stop, ...]:
        """All stops of a tenant, the oldest first."""
        found = await self._in_all(tenant, lambda cell: self._redis.hgetall(keys.stops(cell)))
        blobs = {what: blob for cell in found for what, blob in cell.items()}
        stops = [msgspec.json.decode(blob, type=Stop) for blob in blobs.values()]
        return tuple(sorted(stops, key=lambda stop: stop.since_ms))

    async def _in_all(self, tenant: str, do: Any) -> Sequence[Any]:
        """What `do` gives in each cell; raises after all of them if one has failed."""
        cells = await self._cells.all_of(tenant)
        ended = await asyncio.gather(*(cast("Awaitable[Any]", do(cell)) for cell in cells), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return ended
