"""The Redis side of the writer: finds the streams of decisions, reads, acknowledges, takes over and trims."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.core import keys
from services.stream_lag import WRITER, Lag, in_order, lag_of, quarantine

GROUP: Final = WRITER
BATCH: Final = 500
"""Most entries taken from one stream at once, and most that go into one transaction of the store."""
MOST_AT_ONCE: Final = 5_000
"""Most entries held in memory over all streams, as long as each may still give ten."""

_log = logging.getLogger(__name__)


class Delivery(msgspec.Struct, frozen=True):
    """One entry as it was delivered to us; without fields when it is gone from the stream."""

    stream: bytes
    id: bytes
    fields: Mapping[bytes, bytes]


class DecisionStreams(Protocol):
    """All streams of decisions, wherever they lie, read by the consumer group `GROUP`.

    Every method raises `RedisError` or `OSError` when Redis does not answer; then call `forget` before going on.
    """

    def forget(self) -> None:
        """Take nothing for granted any more: neither that the groups exist, nor that what was delivered reached us."""

    async def discover(self) -> None:
        """Join the group of every stream that was not known yet, from its very beginning."""

    async def read(self) -> tuple[Delivery, ...]:
        """What is owed to us from before, else what is new; waits a moment for it, empty when there is nothing."""

    async def acknowledge(self, taken: Iterable[Delivery], *, corrupt: Sequence[tuple[Delivery, str]]) -> None:
        """Acknowledge what is stored, and move what cannot be stored to its stream's quarantine with the reason."""

    async def claim(self, *, idle_ms: int) -> None:
        """Take over what was delivered at least `idle_ms` ago and never acknowledged, by whomever; `read` gives it."""

    async def trim(self) -> int:
        """Remove what every consumer group has read and acknowledged; returns how many entries went."""

    async def lag(self) -> Lag:
        """What waits to be stored."""


class Streams:
    """The streams of one server, read as `consumer`. `block_ms` is 1 or more: how long `read` waits."""

    def __init__(self, redis: "Redis", *, consumer: str, block_ms: int = 400) -> None:
        self._redis = redis
        self._consumer = consumer
        self._block_ms = block_ms
        self._streams: dict[bytes, None] = {}
        self._owed = True

    def forget(self) -> None:
        """See `DecisionStreams`."""
        self._streams.clear()
        self._owed = True

    async def discover(self) -> None:
        """See `DecisionStreams`."""
        await self.join(await cast(Any, self._redis.smembers(keys.STREAMS)))

    async def join(self, found: set[bytes]) -> None:
        """Join the group of those among these streams that were not known yet, and forget all others."""
        for gone in self._streams.keys() - found:
            del self._streams[gone]
        for stream in sorted(found - self._streams.keys()):
            try:
                await self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    # One broken key must not keep the other tenants' decisions from being stored.
                    _log.error("a stream of decisions cannot be read", exc_info=error, extra={"stream": str(stream)})
                    continue
            self._streams[stream] = None
            self._owed = True

    async def read(self) -> tuple[Delivery, ...]:
        """See `DecisionStreams`."""
        if not self._streams:
            return ()
        count = min(BATCH, max(10, MOST_AT_ONCE // len(self._streams)))
        if self._owed:
            if owed := await self._read("0", count=count, block_ms=None):
                return owed
            self._owed = False
        return await self._read(">", count=count, block_ms=self._block_ms)

    async def acknowledge(self, taken: Iterable[Delivery], *, corrupt: Sequence[tuple[Delivery, str]]) -> None:
        """See `DecisionStreams`."""
        whys = {(delivery.stream, delivery.id): why for delivery, why in corrupt}
        by_stream: dict[bytes, list[Delivery]] = {}
        for delivery in taken:
            by_stream.setdefault(delivery.stream, []).append(delivery)
        for stream, deliveries in by_stream.items():
            # In one transaction, so that an entry is quarantined once. Both keys share a slot.
            async with self._redis.pipeline(transaction=True) as pipe:
                for delivery in deliveries:
                    if why := whys.get((stream, delivery.id)):
                        fields = {**delivery.fields, b"id": delivery.id, b"why": why.encode()}
                        pipe.xadd(quarantine(stream), cast(Any, fields))
                pipe.xack(stream, GROUP, *(delivery.id for delivery in deliveries))
                await pipe.execute()

    async def claim(self, *, idle_ms: int) -> None:
        """See `DecisionStreams`."""
        for stream in self._streams:
            start = b"0-0"
            while True:
                start, claimed, *_ = await self._redis.xautoclaim(
                    stream, GROUP, self._consumer, min_idle_time=idle_ms, start_id=start, count=BATCH
                )
                self._owed = self._owed or bool(claimed)
                if start == b"0-0":
                    break

    async def trim(self) -> int:
        """See `DecisionStreams`.

        Both bounds only ever grow, so that what is delivered or acknowledged meanwhile does no harm.
        """
        removed = 0
        for stream in self._streams:
            needed = []
            for group in await self._redis.xinfo_groups(stream):
                if group["pending"]:
                    pending = await self._redis.xpending(stream, group["name"])
                    needed.append(pending["min"] or group["last-delivered-id"])
                else:
                    needed.append(group["last-delivered-id"])
            if needed:
                oldest = min(needed, key=in_order)
                removed += await self._redis.xtrim(stream, minid=oldest, approximate=False)
        return removed

    async def lag(self) -> Lag:
        """See `DecisionStreams`."""
        found = Lag()
        for stream in self._streams:
            found = found.and_also(await lag_of(self._redis, stream))
        return found

    async def _read(self, after: str, *, count: int, block_ms: int | None) -> tuple[Delivery, ...]:
        wanted = cast(Any, dict.fromkeys(self._streams, after))
        return deliveries(await self._redis.xreadgroup(GROUP, self._consumer, wanted, count=count, block=block_ms))


def deliveries(reply: Any) -> tuple[Delivery, ...]:
    """What came of one XREADGROUP."""
    pairs = reply.items() if isinstance(reply, dict) else reply or ()
    return tuple(
        Delivery(stream, entry, fields or {})
        for stream, entries in cast(Any, pairs)
        for entry, fields in cast(Any, entries)
    )
