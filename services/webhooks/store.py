"""Endpoints, and what is on its way to them, in Redis. Everything shares one slot, so each step is atomic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.adapters.sealing import Sealer
from gateway.redis_clients import Client
from services.webhooks.events import Event

PREFIX: Final = "pilote:{webhooks}"
_ENDPOINTS: Final = f"{PREFIX}:endpoints"
_DELIVERIES: Final = f"{PREFIX}:deliveries"
_DUE: Final = f"{PREFIX}:due"
_DEAD: Final = f"{PREFIX}:dead"
_KNOWN: Final = f"{PREFIX}:known"

MOST: Final = 100_000
"""Deliveries that are kept at once, dead ones included: a receiver that is away must not fill the store."""
MOST_DEAD: Final = 10_000
"""Dead ones that are kept; the oldest go first."""
REMEMBERED_MS: Final = 7 * 86_400_000
"""How long an event is known to have been queued."""
LEASE_MS: Final = 60_000
"""How long nobody else takes a delivery that somebody has taken: longer than an attempt lasts."""

_enqueue: Final = (Path(__file__).parent / "enqueue.lua").read_text(encoding="utf-8")
_claim: Final = (Path(__file__).parent / "claim.lua").read_text(encoding="utf-8")


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

    def wants(self, event: Event) -> bool:
        """Whether it gets the event."""
        tenant = event.tenant
        ours = not self.tenant or tenant is msgspec.UNSET or tenant == self.tenant
        return ours and (not self.events or event.short_type in self.events)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    endpoint: str
    event: str
    type: str
    body: bytes
    created_ms: int
    attempts: int = 0
    status: str = ""
    """What came of the last attempt: an HTTP status, or what went wrong."""
    dead: bool = False

    @property
    def name(self) -> str:
        """Its name in the store, and for people."""
        return f"{self.endpoint}/{self.event}"


class WebhookStore:
    """Every method raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: Client, sealer: Sealer) -> None:
        self._redis: Any = redis
        self._sealer = sealer

    async def add(self, endpoint: Endpoint, *, secret: bytes) -> None:
        """Keep an endpoint, its secret sealed."""
        sealed = self._sealer.seal(secret, bound_to=_bound(endpoint.id))
        kept = msgspec.structs.replace(endpoint, secret=sealed)
        await self._redis.hset(_ENDPOINTS, kept.id, msgspec.json.encode(kept))

    async def remove(self, endpoint: str) -> bool:
        """Forget an endpoint; what is on its way to it is dropped. Says whether there was one."""
        return bool(await self._redis.hdel(_ENDPOINTS, endpoint))

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them, the oldest first."""
        found = [msgspec.json.decode(blob, type=Endpoint) for blob in (await self._redis.hgetall(_ENDPOINTS)).values()]
        return tuple(sorted(found, key=lambda each: (each.created_ms, each.id)))

    def secret_of(self, endpoint: Endpoint) -> bytes:
        """What its webhooks are signed with.

        Raises:
            Damaged, KeyMissing: it cannot be opened with the keys of this process.
        """
        return self._sealer.open(endpoint.secret, bound_to=_bound(endpoint.id))

    async def enqueue(self, event: Event, to: Sequence[Endpoint], *, now_ms: int) -> int:
        """Queue an event for these endpoints, unless it was before; says for how many, -1 where too much waits."""
        if not to:
            return 0
        body, arguments = msgspec.json.encode(event), []
        for each in to:
            delivery = Delivery(endpoint=each.id, event=event.id, type=event.short_type, body=body, created_ms=now_ms)
            arguments += [delivery.name, msgspec.json.encode(delivery)]
        mark = f"{PREFIX}:seen:{event.id}"
        keys = (mark, _DELIVERIES, _DUE)
        return int(await self._redis.eval(_enqueue, 3, *keys, now_ms, REMEMBERED_MS, MOST, *arguments))

    async def claim(self, *, now_ms: int, count: int) -> tuple[Delivery, ...]:
        """Take deliveries that are due; nobody else gets them for `LEASE_MS`."""
        found = await self._redis.eval(_claim, 2, _DUE, _DELIVERIES, now_ms, now_ms + LEASE_MS, count)
        return tuple(msgspec.json.decode(blob, type=Delivery) for blob in found)

    async def delivered(self, delivery: Delivery) -> None:
        """Forget one that has arrived, or is not wanted any more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(_DELIVERIES, delivery.name)
            pipe.zrem(_DUE, delivery.name)
            await pipe.execute()

    async def again(self, delivery: Delivery, *, at_ms: int) -> None:
        """Try one again at that time."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_DELIVERIES, delivery.name, msgspec.json.encode(delivery))
            pipe.zadd(_DUE, {delivery.name: at_ms})
            pipe.zrem(_DEAD, delivery.name)
            await pipe.execute()

    async def bury(self, delivery: Delivery, *, now_ms: int) -> None:
        """Try one no more, until somebody asks for it."""
        dead = msgspec.structs.replace(delivery, dead=True)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_DELIVERIES, dead.name, msgspec.json.encode(dead))
            pipe.zrem(_DUE, dead.name)
            pipe.zadd(_DEAD, {dead.name: now_ms})
            await pipe.execute()
        oldest = await self._redis.zrange(_DEAD, 0, -(MOST_DEAD + 1))
        if oldest:
            await self._redis.zrem(_DEAD, *oldest)
            await self._redis.hdel(_DELIVERIES, *oldest)

    async def list(self, *, dead: bool, count: int = 100) -> tuple[Delivery, ...]:
        """What waits, the next first, or what is dead, the newest first."""
        names = await self._redis.zrange(_DEAD if dead else _DUE, 0, count - 1, desc=dead)
        blobs = await self._redis.hmget(_DELIVERIES, names) if names else []
        return tuple(msgspec.json.decode(blob, type=Delivery) for blob in blobs if blob is not None)

    async def replay(self, name: str, *, now_ms: int) -> bool:
        """Send one again from the first attempt on; says whether there is such a one."""
        blob = await self._redis.hget(_DELIVERIES, name)
        if blob is None:
            return False
        found = msgspec.json.decode(blob, type=Delivery)
        await self.again(msgspec.structs.replace(found, attempts=0, dead=False), at_ms=now_ms)
        return True

    async def known(self) -> dict[str, bytes]:
        """What was found at the last look."""
        return {name.decode(): value for name, value in (await self._redis.hgetall(_KNOWN)).items()}

    async def know(self, name: str, value: bytes | None) -> None:
        """Note what was found; `None`: it is gone."""
        if value is None:
            await self._redis.hdel(_KNOWN, name)
        else:
            await self._redis.hset(_KNOWN, name, value)


def _bound(endpoint: str) -> bytes:
    return f"webhook/{endpoint}".encode()
