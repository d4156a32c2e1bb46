"""Digests that are kept, in Redis: by tenant a hash from the week to what was told of it."""

import contextlib
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client
from services.digest.told import Told

KEPT_WEEKS: Final = 60
_WRITE: Final = msgspec.json.Encoder()
_READ: Final = msgspec.json.Decoder(Told)


class DigestStore:
    """Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def keep(self, told: Told) -> bool:
        """Keep it, unless one of its week is there: what was told stays. Says whether it was kept."""
        key = keys.digests(told.tenant)
        kept = await self._redis.hsetnx(key, told.week, _WRITE.encode(told))
        weeks = await self.weeks(told.tenant)
        if len(weeks) > KEPT_WEEKS:
            await self._redis.hdel(key, *weeks[KEPT_WEEKS:])
        return bool(kept)

    async def get(self, tenant: str, week: str) -> Told | None:
        """One; `None` where none is kept, or another version of Pilote has written it."""
        body = await self._redis.hget(keys.digests(tenant), week)
        with contextlib.suppress(msgspec.DecodeError):
            return None if body is None else _READ.decode(body)
        return None

    async def weeks(self, tenant: str) -> tuple[str, ...]:
        """Names of all weeks that are kept, the newest first."""
        return tuple(sorted((each.decode() for each in await self._redis.hkeys(keys.digests(tenant))), reverse=True))
