"""Where days are kept, in Redis: by tenant and dimension a hash from the day to its cells. Cells name nobody."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client
from services.cockpit.cells import Cell
from services.cockpit.days import Day

KEPT_DAYS: Final = 400
DAYS: Final = "days"
_AT_ONCE: Final = 50
_CELLS: Final = msgspec.msgpack.Decoder(dict[str, Cell])
_DAY: Final = msgspec.msgpack.Decoder(Day)

Cells = Mapping[str, Cell]
"""Of one day, by key; the key of everything together is empty."""


class KpiStore:
    """What was worked out. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def keep(self, tenant: str, day: int, told: Day, cells: Mapping[str, Cells]) -> None:
        """Keep a day instead of what was there; `cells` by dimension. What the day says of itself comes last."""
        async with self._redis.pipeline(transaction=True) as steps:
            for dimension, its in cells.items():
                steps.hset(keys.kpis(tenant, dimension), str(day), msgspec.msgpack.encode(its))
            steps.hset(keys.kpis(tenant, DAYS), str(day), msgspec.msgpack.encode(told))
            await steps.execute()

    async def days(self, tenant: str) -> Mapping[int, Day]:
        """Every day that is known; a day that another version of Pilote has kept is not."""
        found = await self._redis.hgetall(keys.kpis(tenant, DAYS))
        read = ((int(day), _read(_DAY, body)) for day, body in found.items())
        return {day: its for day, its in sorted(read) if its is not None}

    async def cells(self, tenant: str, dimension: str, days: Iterable[int]) -> Mapping[int, Cells]:
        """The cells of these days, of those that are known."""
        asked = list(days)
        found: dict[int, Cells] = {}
        for at in range(0, len(asked), _AT_ONCE):
            some = asked[at : at + _AT_ONCE]
            bodies = await self._redis.hmget(keys.kpis(tenant, dimension), [str(day) for day in some])
            for day, body in zip(some, bodies, strict=True):
                cells = None if body is None else _read(_CELLS, body)
                if cells is not None:
                    found[day] = cells
        return found

    async def forget(self, tenant: str, dimensions: Sequence[str], *, before_day: int) -> None:
        """Delete what is older."""
        old = [str(day) for day in await self.days(tenant) if day < before_day]
        if old:
            for each in (*dimensions, DAYS):
                await self._redis.hdel(keys.kpis(tenant, each), *old)


def _read(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError:
        return None
