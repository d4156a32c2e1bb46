"""The queue in Redis: nobody is given what another one looks at, and nothing that was said is lost.

One person has one item at a time. Everything of a tenant is in its first cell, so each step is one function of Redis,
which looks at a hundred items at most: no call at a gateway waits for the queue.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client
from services.reviews import scripts
from services.reviews.item import Answer, Item, answered, may_judge

LEASE_MS: Final = 15 * 60_000
"""How long an item is one's own, unless one renews it."""
MOST_OPEN: Final = 5_000
"""Items of a tenant that wait: of a fuller queue nothing is drawn."""
MOST_SETTLED: Final = 20_000
"""Settled items of a tenant that are kept, the last ones."""
_AT_ONCE: Final = 100
_TRIES: Final = 20
_READ: Final = msgspec.json.Decoder(Item)


class NotLeased(Exception):
    """Whoever answers has not the item, or not any more."""


class ItemChanged(Exception):
    """Somebody else was faster, again and again."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody looks at an item. Times are milliseconds since the epoch."""

    holder: str
    begun_ms: int
    until_ms: int


class ReviewStore:
    """The items of every tenant. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def get(self, tenant: str, item: str) -> Item | None:
        """One; `None` where there is none of that id."""
        body = await self._redis.hget(keys.reviews(tenant, "items"), item)
        return None if body is None else _READ.decode(body)

    async def some(self, tenant: str, ids: Sequence[str]) -> tuple[Item, ...]:
        """Those of them that there are, in their order."""
        found: list[Item] = []
        for at in range(0, len(ids), 1_000):
            bodies = await self._redis.hmget(keys.reviews(tenant, "items"), list(ids[at : at + 1_000]))
            found += [_READ.decode(body) for body in bodies if body is not None]
        return tuple(found)

    async def open(self, tenant: str) -> tuple[Item, ...]:
        """All that wait, the one that is due first first."""
        ids = await self._redis.zrange(keys.reviews(tenant, "open"), 0, -1)
        return await self.some(tenant, [each.decode() for each in ids])

    async def settled(self, tenant: str, *, start_ms: int = 0, end_ms: int | None = None) -> tuple[Item, ...]:
        """All that were settled from then on, and before `end_ms`; the last one last."""
        until = "+inf" if end_ms is None else f"({end_ms}"
        ids = await self._redis.zrangebyscore(keys.reviews(tenant, "settled"), start_ms, until)
        return await self.some(tenant, [each.decode() for each in ids])

    async def waiting(self, tenant: str) -> int:
        """How many wait."""
        return int(await self._redis.zcard(keys.reviews(tenant, "open")))

    async def overdue(self, tenant: str, *, now_ms: int) -> int:
        """How many of them should have been settled before now."""
        return int(await self._redis.zcount(keys.reviews(tenant, "open"), "-inf", f"({now_ms}"))

    async def lease(self, tenant: str, item: str, *, now_ms: int) -> Lease | None:
        """Who looks at it now."""
        return (await self.leases(tenant, [item], now_ms=now_ms)).get(item)

    async def leases(self, tenant: str, items: Sequence[str], *, now_ms: int) -> Mapping[str, Lease]:
        """Who looks at which of them now."""
        if not items:
            return {}
        kept = await self._redis.hmget(keys.reviews(tenant, "leases"), list(items))
        found = ((item, _lease(each)) for item, each in zip(items, kept, strict=True) if each is not None)
        return {item: lease for item, lease in found if lease.until_ms > now_ms}

    async def held(self, tenant: str, who: str, *, now_ms: int) -> tuple[Item, Lease] | None:
        """What they look at now, where they may judge it still."""
        own = await self._redis.hget(keys.reviews(tenant, "mine"), who)
        lease = None if own is None else await self.lease(tenant, own.decode(), now_ms=now_ms)
        if lease is None or lease.holder != who:
            return None
        item = await self.get(tenant, own.decode())
        return None if item is None or not may_judge(item, who) else (item, lease)

    async def take(self, tenant: str, who: str, *, now_ms: int) -> Item | None:
        """The item that they have already, or else the next one that they may judge and nobody has; `None`: none.

        Of those that wait the one that is due first is next.
        """
        places, start, more = self._keys(tenant, "items", "leases", "mine"), 0, True
        while more:
            ids = await self._redis.zrange(keys.reviews(tenant, "open"), start, start + _AT_ONCE - 1)
            more, start = len(ids) == _AT_ONCE, start + _AT_ONCE
            fit = [each for each in await self.some(tenant, [one.decode() for one in ids]) if may_judge(each, who)]
            wanted = [part for each in fit for part in (each.id, each.version)]
            taken = await self._redis.eval(scripts.TAKE, 3, *places, who, now_ms, now_ms + LEASE_MS, *wanted)
            item = None if taken is None else await self.get(tenant, taken.decode())
            if item is not None and may_judge(item, who):
                return item
            if item is not None:  # it became one that they may not judge while they had it
                await self.release(tenant, item.id, who)
                start, more = 0, True
        return None

    async def renew(self, tenant: str, item: str, who: str, *, now_ms: int) -> bool:
        """Keep it for as long again; says whether they have it still."""
        places = self._keys(tenant, "items", "leases", "mine")
        return bool(await self._redis.eval(scripts.RENEW, 3, *places, item, who, now_ms + LEASE_MS))

    async def release(self, tenant: str, item: str, who: str) -> bool:
        """Give it back; says whether they had it."""
        places = self._keys(tenant, "items", "leases", "mine")
        return bool(await self._redis.eval(scripts.RELEASE, 3, *places, item, who))

    async def answer(self, tenant: str, item: str, answer: Answer) -> Item:
        """Take down what whoever has it says; `begun_ms` of the answer is when they got it, whatever it says.

        Raises:
            NotLeased: they have it not, or not any more; or there is no such item.
            Unfit: they may not judge it, or it cannot have that label.
            ItemChanged: others write it again and again.
        """
        places = self._keys(tenant, "items", "leases", "mine", "open", "settled")
        for _ in range(_TRIES):
            kept = await self._redis.hget(keys.reviews(tenant, "leases"), item)
            before = await self.get(tenant, item)
            lease = None if kept is None else _lease(kept)
            if before is None or lease is None or lease.holder != answer.by:
                raise NotLeased
            after = answered(before, msgspec.structs.replace(answer, begun_ms=lease.begun_ms))
            after = msgspec.structs.replace(after, version=before.version + 1)
            told = (item, answer.by, kept, before.version, msgspec.json.encode(after))
            place = (after.settled_ms or after.due_ms, int(after.settled_ms > 0))
            if await self._redis.eval(scripts.ANSWER, 5, *places, *told, *place) == b"done":
                return after
        raise ItemChanged

    async def put(self, item: Item) -> bool:
        """Add an item of version 1, or write over one of the version before; says whether that was there."""
        return await self.add(item.tenant, [item]) == "done"

    async def add(self, tenant: str, items: Sequence[Item], *, hour: int | None = None, drawn: bytes = b"") -> str:
        """Add items, or write over them as they were seen, all or none; with an `hour` only once for it.

        "done"; "known": that hour was drawn before; "version": one of them was changed meanwhile.
        """
        parts = [
            part
            for each in items
            for part in (
                *(each.id, each.version - 1, msgspec.json.encode(each)),
                "" if each.settled_ms else str(each.due_ms),
            )
        ]
        places = self._keys(tenant, "items", "open", "hours")
        told = await self._redis.eval(scripts.ADD, 3, *places, "" if hour is None else hour, drawn, *parts)
        return str(told.decode())

    async def hours(self, tenant: str) -> dict[int, bytes]:
        """What is known of each hour that was drawn; hours since the epoch."""
        kept = await self._redis.hgetall(keys.reviews(tenant, "hours"))
        return {int(hour): body for hour, body in kept.items()}

    async def drawn_hours(self, tenant: str) -> frozenset[int]:
        """Which hours were drawn; hours since the epoch."""
        return frozenset(int(hour) for hour in await self._redis.hkeys(keys.reviews(tenant, "hours")))

    async def trim(self, tenant: str, *, lapsed: Sequence[Item], hours: Sequence[int]) -> None:
        """Forget these items and hours, and of settled items the oldest, where there are too many."""
        many = self._redis
        too_many = await many.zrange(keys.reviews(tenant, "settled"), 0, -MOST_SETTLED - 1)
        gone = [*(each.id for each in lapsed), *(each.decode() for each in too_many)]
        if hours:
            await many.hdel(keys.reviews(tenant, "hours"), *hours)
        for at in range(0, len(gone), 1_000):
            some = gone[at : at + 1_000]
            await many.zrem(keys.reviews(tenant, "open"), *some)
            await many.zrem(keys.reviews(tenant, "settled"), *some)
            await many.hdel(keys.reviews(tenant, "leases"), *some)
            await many.hdel(keys.reviews(tenant, "items"), *some)

    @staticmethod
    def _keys(tenant: str, *names: str) -> tuple[str, ...]:
        return tuple(keys.reviews(tenant, each) for each in names)


def _lease(kept: bytes) -> Lease:
    begun, until, holder = kept.decode().split(":", 2)
    return Lease(holder=holder, begun_ms=int(begun), until_ms=int(until))
