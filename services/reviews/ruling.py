"""What people have said of reviews in Redis: each tenant's rules, and decisions whose right answer they know."""

from typing import Any, Final

import msgspec

from gateway.adapters.swapping import SWAP
from gateway.core import keys
from gateway.redis_clients import Client
from services.reviews.item import Item
from services.reviews.rules import OFF, ReviewRules

MOST_KNOWN: Final = 500
"""Decisions of a tenant whose right answer somebody has given."""


class RuleBook:
    """The rules of every tenant. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def read(self, tenant: str) -> ReviewRules:
        """The rules of a tenant, or those that draw nothing."""
        body = await self._redis.get(keys.reviews(tenant, "rules"))
        return OFF if body is None else msgspec.json.decode(body, type=ReviewRules)

    async def write(self, tenant: str, rules: ReviewRules, *, before: ReviewRules) -> bool:
        """Write over those that were read; says whether they were there still."""
        was = b"" if before == OFF else msgspec.json.encode(before)
        key, body = keys.reviews(tenant, "rules"), msgspec.json.encode(rules)
        if await self._redis.eval(SWAP, 1, key, was, body):
            return True
        # Who has set them to what draws nothing has left more than no rules.
        return before == OFF and bool(await self._redis.eval(SWAP, 1, key, msgspec.json.encode(OFF), body))

    async def seed(self, tenant: str, *, new: int) -> int:
        """What the draws of a tenant depend on; `new` where there is none yet. Nobody is shown it."""
        key = keys.reviews(tenant, "seed")
        await self._redis.set(key, new, nx=True)
        return int(await self._redis.get(key))

    async def known(self, tenant: str) -> tuple[Item, ...]:
        """Decisions whose right answer somebody has given."""
        kept = await self._redis.hvals(keys.reviews(tenant, "known"))
        return tuple(msgspec.json.decode(body, type=Item) for body in kept)

    async def know(self, item: Item) -> bool:
        """Keep one with its right answer; says whether there was room for it."""
        key = keys.reviews(item.tenant, "known")
        if await self._redis.hlen(key) >= MOST_KNOWN and not await self._redis.hexists(key, item.id):
            return False
        await self._redis.hset(key, item.id, msgspec.json.encode(item))
        return True
