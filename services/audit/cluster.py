"""The streams of decisions in a Redis Cluster: each primary is read for itself, so one that fails holds up no other.

One command may name keys of one slot only, so a primary's streams are read by one command each, all of them in one
round trip. It does not wait at the server: when nothing is there, `read` pauses for a moment instead.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar, cast

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.core import keys
from gateway.redis_clients import Slots, at, primaries, slots_in
from services.audit.streams import GROUP, Delivery, Streams, deliveries
from services.stream_lag import Lag

PAUSE_SECONDS: Final = 0.05
ASIDE_SECONDS: Final = 1.0
"""After a failure a primary is left alone for so long: the others must not wait for it at every turn."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


class ClusterStreams:
    """All streams of the cluster at `url`, read as `consumer`. See `DecisionStreams`.

    `connect` makes a client of one server that neither retries by itself nor waits long.
    """

    def __init__(
        self, url: str, *, consumer: str, connect: Callable[[str], Redis], pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._url = url
        self._consumer = consumer
        self._connect = connect
        self._pause_seconds = pause_seconds
        self._shards: dict[str, _Shard] = {}
        self._directory: set[bytes] = set()

    async def close(self) -> None:
        """Close all connections."""
        for shard in self._shards.values():
            await shard.redis.aclose()
        self._shards.clear()

    def forget(self) -> None:
        """See `DecisionStreams`."""
        for shard in self._shards.values():
            shard.forget()

    async def discover(self) -> None:
        """See `DecisionStreams`. While the primary that keeps the directory is away, what is known is read on."""
        slots = await self._slots()
        if not slots:
            raise RedisConnectionError("nobody in the cluster keeps anything")
        for gone in self._shards.keys() - slots.keys():
            await self._shards.pop(gone).redis.aclose()
        for server in slots.keys() - self._shards.keys():
            self._shards[server] = _Shard(self._connect(at(self._url, server)), consumer=self._consumer)
        keeper = self._shards[_keeper(slots, keys.STREAMS.encode())]
        try:
            self._directory = await cast(Any, keeper.redis.smembers(keys.STREAMS)) if keeper.ready else self._directory
        except (RedisError, OSError) as error:
            keeper.put_aside(error)
        found: dict[str, set[bytes]] = {server: set() for server in slots}
        for stream in self._directory:
            found[_keeper(slots, stream)].add(stream)
        await self._each(lambda shard: shard.join(found[self._server_of(shard)]))

    async def read(self) -> tuple[Delivery, ...]:
        """See `DecisionStreams`."""
        read = await self._each(lambda shard: shard.read())
        found = tuple(delivery for each in read for delivery in each)
        if not found:
            await asyncio.sleep(self._pause_seconds)
        return found

    async def acknowledge(self, taken: Iterable[Delivery], *, corrupt: Sequence[tuple[Delivery, str]]) -> None:
        """See `DecisionStreams`. What cannot be acknowledged is delivered again, and stored once all the same."""
        deliveries = list(taken)

        async def one(shard: _Shard) -> None:
            await shard.acknowledge((each for each in deliveries if shard.reads(each.stream)), corrupt=corrupt)

        await self._each(one)

    async def claim(self, *, idle_ms: int) -> None:
        """See `DecisionStreams`."""
        await self._each(lambda shard: shard.claim(idle_ms=idle_ms))

    async def trim(self) -> int:
        """See `DecisionStreams`."""
        return sum(await self._each(lambda shard: shard.trim()))

    async def lag(self) -> Lag:
        """See `DecisionStreams`: of the primaries that answer."""
        return functools.reduce(Lag.and_also, await self._each(lambda shard: shard.lag()), Lag())

    async def _slots(self) -> Slots:
        """Who keeps what; raises when nobody says."""
        for server, shard in self._shards.items():
            if shard.ready:
                try:
                    reply = await cast(Any, shard.redis.execute_command)("CLUSTER", "SLOTS")
                    return slots_in(reply, host=server.rpartition(":")[0].strip("[]"))
                except (RedisError, OSError) as error:
                    shard.put_aside(error)
        return await primaries(self._url)

    async def _each(self, do: Callable[["_Shard"], Awaitable[T]]) -> list[T]:
        """What `do` gives for each primary that answers. Raises when none does."""

        async def one(shard: _Shard) -> T | None:
            try:
                return await do(shard)
            except (RedisError, OSError) as error:
                shard.put_aside(error)
                return None

        ready = [shard for shard in self._shards.values() if shard.ready]
        ended = await asyncio.gather(*(one(shard) for shard in ready))
        if self._shards and not any(shard.ready for shard in self._shards.values()):
            raise next(shard.error for shard in self._shards.values() if shard.error is not None)
        return [cast("T", each) for each, shard in zip(ended, ready, strict=True) if shard.error is None]

    def _server_of(self, shard: "_Shard") -> str:
        return next(server for server, each in self._shards.items() if each is shard)


class _Shard(Streams):
    """The streams that one primary keeps."""

    def __init__(self, redis: Redis, *, consumer: str) -> None:
        super().__init__(redis, consumer=consumer)
        self.redis = redis
        self.error: Exception | None = None
        self._aside_until = 0.0

    @property
    def ready(self) -> bool:
        """Whether it is worth asking: it has not failed just now."""
        return asyncio.get_running_loop().time() >= self._aside_until

    def reads(self, stream: bytes) -> bool:
        """Whether this stream is one of ours."""
        return stream in self._streams

    def put_aside(self, error: Exception) -> None:
        """Leave it alone for a while: it has failed, and what was delivered by it may not have reached us."""
        if self.error is None:
            _log.warning("a part of the cluster fails: its decisions wait in their streams", exc_info=error)
        self.error = error
        self.forget()
        self._aside_until = asyncio.get_running_loop().time() + ASIDE_SECONDS

    async def join(self, found: set[bytes]) -> None:
        """See `Streams`; that it answers is what ends a failure."""
        await self.redis.ping()
        await super().join(found)
        if self.error is not None:
            _log.info("a part of the cluster is read again")
            self.error = None

    async def _read(self, after: str, *, count: int, block_ms: int | None) -> tuple[Delivery, ...]:
        del block_ms
        async with self.redis.pipeline(transaction=False) as pipe:
            for stream in self._streams:
                pipe.xreadgroup(GROUP, self._consumer, cast(Any, {stream: after}), count=count)
            return tuple(delivery for reply in await pipe.execute() for delivery in deliveries(reply))


def _keeper(slots: Slots, key: bytes) -> str:
    """Who keeps a key; whoever comes first, where nobody does: it will say so."""
    slot = key_slot(key)
    return next(
        (server for server, ranges in slots.items() if any(first <= slot <= last for first, last in ranges)),
        next(iter(slots)),
    )
