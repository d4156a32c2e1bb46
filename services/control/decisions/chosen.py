"""Columns that somebody has chosen for themselves: what a list shows whose address names none."""

from typing import Any, Final

from gateway.redis_clients import Client
from services.control.access.principals import Asked, principal_of
from services.control.access.stored import COLUMNS_CHOSEN
from services.control.decisions.columns import USUAL
from services.control.decisions.looking import Look, columns_of, look_of

_BETWEEN: Final = ","


class ChosenColumns:
    """Those of all people, by account. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def of(self, name: str) -> tuple[str, ...]:
        """Theirs, in their order; `USUAL` where they have chosen none, or none that there still is."""
        found = await self._redis.hget(COLUMNS_CHOSEN, name)
        return columns_of((found or b"").decode().split(_BETWEEN)) or USUAL

    async def choose(self, name: str, columns: tuple[str, ...]) -> None:
        """Keep these; the usual ones need not be kept."""
        if columns == USUAL:
            await self._redis.hdel(COLUMNS_CHOSEN, name)
        else:
            await self._redis.hset(COLUMNS_CHOSEN, name, _BETWEEN.join(columns))

    async def look(self, request: Asked) -> Look:
        """What the address of a request asks for, with the columns of whoever asks where it names none."""
        return look_of(request.query_params, usual=await self.of(principal_of(request).name))
