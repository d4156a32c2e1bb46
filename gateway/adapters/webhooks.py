"""Endpoints of webhooks, and what is on its way to them, in Redis. All shares one slot, so each step is atomic.

Each endpoint has a queue of its own: one that does not answer neither delays the others nor fills their queues.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.core.trackers import CONTACT, Tracker
from gateway.redis_clients import Client

PREFIX: Final = "pilote:{webhooks}"
_ENDPOINTS: Final = f"{PREFIX}:endpoints"
_DELIVERIES: Final = f"{PREFIX}:deliveries"
_KNOWN: Final = f"{PREFIX}:known"

MOST: Final = 20_000
"""Deliveries that wait for one endpoint: a receiver that is away must not fill the store."""
MOST_DEAD: Final = 2_000
"""Dead ones of one endpoint that are kept; the oldest go first."""
REMEMBERED_MS: Final = 7 * 86_400_000
"""How long an event is known to have been queued."""
LEASE_MS: Final = 60_000
"""How long nobody else takes a delivery that somebody has taken: longer than an attempt lasts."""

_enqueue: Final = (Path(__file__).parent / "webhooks_enqueue.lua").read_text(encoding="utf-8")
_claim: Final = (Path(__file__).parent / "webhooks_claim.lua").read_text(encoding="utf-8")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where events go."""

    id: str
    url: str
    tenant: str
    """The one whose events it gets; empty: those of all."""
    events: tuple[str, ...]
    """Types that it gets, without the prefix; empty: all."""
    secret: bytes
    """What its webhooks are signed with, sealed."""
    created_ms: int
    tracker: Tracker | None = None
    """Of a tracker, how it is told; it gets contacts, and nothing else gets those."""

    def wants(self, kind: str, *, tenant: str) -> bool:
        """Whether it gets an event of that type about that tenant; empty: about all."""
        if (kind == CONTACT) != (self.tracker is not None):
            return False
        return (not self.tenant or tenant in ("", self.tenant)) and (not self.events or kind in self.events)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    endpoint: str
    event: str
    type: str
    body: bytes
    created_ms: int
    attempts: int = 0
    status: str = ""
    """What came of the last attempt: an HTTP status, or "timeout", "unreachable", "not-taken",
    "not-allowed" or "secret"."""
    dead: bool = False

    @property
    def name(self) -> str:
        """Its name in the store, and for people."""
        return f"{self.endpoint}/{self.event}"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one endpoint does. Times are milliseconds since the epoch, 0 for never."""

    waiting: int = 0
    dead: int = 0
    oldest_ms: int = 0
    """When the first of those that are due should have been sent."""
    delivered_ms: int = 0
    failed_ms: int = 0
    failures: int = 0
    """Attempts that failed since one has arrived."""
    status: str = ""
    """What came of the last that failed."""
    left_out: int = 0
    """Events that found the queue full, and are still to be filled in."""
    left_out_from: str = ""
    """When the first of them happened, RFC 3339."""
    left_out_to: str = ""


class Webhooks:
    """Every method raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: Client, *, most: int = MOST) -> None:
        self._redis: Any = redis
        self._most = most

    async def keep(self, endpoint: Endpoint) -> None:
        """Keep an endpoint, its secret sealed already."""
        await self._redis.hset(_ENDPOINTS, endpoint.id, msgspec.json.encode(endpoint))

    async def remove(self, endpoint: str) -> bool:
        """Forget an endpoint, and what is on its way to it. Says whether there was one."""
        there = bool(await self._redis.hdel(_ENDPOINTS, endpoint))
        for kept in (_due(endpoint), _dead(endpoint)):
            names = await self._redis.zrange(kept, 0, -1)
            if names:
                await self._redis.hdel(_DELIVERIES, *names)
        await self._redis.delete(_due(endpoint), _dead(endpoint), _standing(endpoint))
        return there

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them, the oldest first."""
        found = [msgspec.json.decode(blob, type=Endpoint) for blob in (await self._redis.hgetall(_ENDPOINTS)).values()]
        return tuple(sorted(found, key=lambda each: (each.created_ms, each.id)))

    async def enqueue(
        self, event: str, to: Sequence[Endpoint], *, kind: str, body: bytes, time: str, now_ms: int
    ) -> tuple[int, int]:
        """Queue an event for these endpoints, unless it was before; `time` is when it happened, RFC 3339.

        Says for how many it was queued, and for how many not, since too much waits for them already.
        """
        if not to:
            return 0, 0
        keys, arguments = [f"{PREFIX}:seen:{event}", _DELIVERIES], list[Any]()
        for each in to:
            delivery = Delivery(endpoint=each.id, event=event, type=kind, body=body, created_ms=now_ms)
            keys += [_due(each.id), _standing(each.id)]
            arguments += [each.id, delivery.name, msgspec.json.encode(delivery)]
        own = (REMEMBERED_MS, self._most, now_ms, time)
        queued, full = await self._redis.eval(_enqueue, len(keys), *keys, *own, *arguments)
        return int(queued), int(full)

    async def claim(self, endpoint: str, *, now_ms: int, count: int) -> tuple[Delivery, ...]:
        """Take deliveries to an endpoint that are due; nobody else gets them for `LEASE_MS`."""
        found = await self._redis.eval(_claim, 2, _due(endpoint), _DELIVERIES, now_ms, now_ms + LEASE_MS, count)
        return tuple(msgspec.json.decode(blob, type=Delivery) for blob in found)

    async def is_due(self, endpoint: str, *, now_ms: int) -> bool:
        """Whether anything is."""
        return bool(await self._redis.zcount(_due(endpoint), "-inf", now_ms))

    async def delivered(self, delivery: Delivery, *, now_ms: int) -> None:
        """Forget one that has arrived."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(_DELIVERIES, delivery.name)
            pipe.zrem(_due(delivery.endpoint), delivery.name)
            pipe.hset(_standing(delivery.endpoint), mapping={"delivered_ms": now_ms, "failures": 0})
            await pipe.execute()

    async def again(self, delivery: Delivery, *, at_ms: int) -> None:
        """Try one again at that time."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_DELIVERIES, delivery.name, msgspec.json.encode(delivery))
            pipe.zadd(_due(delivery.endpoint), {delivery.name: at_ms})
            pipe.zrem(_dead(delivery.endpoint), delivery.name)
            await pipe.execute()

    async def failed(self, delivery: Delivery, *, now_ms: int) -> None:
        """Note that an attempt failed."""
        key = _standing(delivery.endpoint)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "failures", 1)
            pipe.hset(key, mapping={"failed_ms": now_ms, "status": delivery.status})
            await pipe.execute()

    async def bury(self, delivery: Delivery, *, now_ms: int) -> None:
        """Try one no more, until somebody asks for it."""
        dead, kept = msgspec.structs.replace(delivery, dead=True), _dead(delivery.endpoint)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_DELIVERIES, dead.name, msgspec.json.encode(dead))
            pipe.zrem(_due(dead.endpoint), dead.name)
            pipe.zadd(kept, {dead.name: now_ms})
            await pipe.execute()
        oldest = await self._redis.zrange(kept, 0, -(MOST_DEAD + 1))
        if oldest:
            await self._redis.zrem(kept, *oldest)
            await self._redis.hdel(_DELIVERIES, *oldest)

    async def list(self, endpoint: str, *, dead: bool, count: int = 100) -> tuple[Delivery, ...]:
        """What waits for an endpoint, the next first, or what is dead, the newest first."""
        names = await self._redis.zrange(_dead(endpoint) if dead else _due(endpoint), 0, count - 1, desc=dead)
        blobs = await self._redis.hmget(_DELIVERIES, names) if names else []
        return tuple(msgspec.json.decode(blob, type=Delivery) for blob in blobs if blob is not None)

    async def find(self, name: str) -> Delivery | None:
        """The one of that name, whether it waits or is dead."""
        blob = await self._redis.hget(_DELIVERIES, name)
        return None if blob is None else msgspec.json.decode(blob, type=Delivery)

    async def replay(self, name: str, *, now_ms: int) -> bool:
        """Send one again from the first attempt on; says whether there is such a one."""
        found = await self.find(name)
        if found is None:
            return False
        await self.again(msgspec.structs.replace(found, attempts=0, dead=False), at_ms=now_ms)
        return True

    async def replay_all(self, endpoint: str, *, now_ms: int) -> int:
        """Send all again that are dead; says how many."""
        dead = await self.list(endpoint, dead=True, count=MOST_DEAD)
        return sum([await self.replay(each.name, now_ms=now_ms) for each in dead])

    async def standing(self, endpoint: str, *, now_ms: int) -> Standing:
        """How an endpoint does."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(_due(endpoint))
            pipe.zcard(_dead(endpoint))
            pipe.zrange(_due(endpoint), 0, 0, withscores=True)
            pipe.hgetall(_standing(endpoint))
            waiting, dead, first, fields = await pipe.execute()
        due_ms = int(first[0][1]) if first else 0
        found = {name.decode(): value.decode() for name, value in fields.items()}
        told = {"waiting": waiting, "dead": dead, "oldest_ms": due_ms if due_ms <= now_ms else 0}
        standing: Standing = msgspec.convert({**found, **told}, Standing, strict=False)
        return standing

    async def filled_in(self, endpoint: str, count: int) -> None:
        """Forget that so many events were left out; others may have been meanwhile."""
        if await self._redis.hincrby(_standing(endpoint), "left_out", -count) <= 0:
            await self._redis.hdel(_standing(endpoint), "left_out", "left_out_from", "left_out_to")

    async def known(self) -> dict[str, bytes]:
        """What was found at the last look."""
        return {name.decode(): value for name, value in (await self._redis.hgetall(_KNOWN)).items()}

    async def know(self, name: str, value: bytes | None) -> None:
        """Note what was found; `None`: it is gone."""
        if value is None:
            await self._redis.hdel(_KNOWN, name)
        else:
            await self._redis.hset(_KNOWN, name, value)


def _due(endpoint: str) -> str:
    return f"{PREFIX}:due:{endpoint}"


def _dead(endpoint: str) -> str:
    return f"{PREFIX}:dead:{endpoint}"


def _standing(endpoint: str) -> str:
    return f"{PREFIX}:standing:{endpoint}"
