"""How much is used of buckets, as the next call would find them: for people who look on, never on a call's way."""

from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

import msgspec

from gateway.adapters.reservation import packed, reserve
from gateway.core.keys import Cell, number_of, tenant_of
from gateway.core.limits import Bucket
from gateway.core.record import Record, Verdict
from gateway.redis_clients import Client

SOURCES: Final = ("buckets.lua", "looking.lua")
AT_ONCE: Final = 500
"""Buckets of one round trip, so that nobody else waits for long: some 5 us each."""


class Used(msgspec.Struct, frozen=True):
    """How much is used of a bucket."""

    used: int
    told_most: int = -1
    """Of a quota: the most that the upstream has named; -1 where it has not."""
    told_ms: int = 0
    """Of a quota: when it was last heard of; 0 for never."""


class BucketLooks:
    """Looks. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        files = resources.files("gateway.adapters")
        self._source = "\n".join(files.joinpath(name).read_text(encoding="utf-8") for name in SOURCES)

    async def used(self, cell: Cell, buckets: Sequence[Bucket], *, now_ms: int) -> tuple[Used, ...]:
        """How much is used of buckets of one cell, in their order. `now_ms` is milliseconds since the epoch."""
        found: list[Used] = []
        for start in range(0, len(buckets), AT_ONCE):
            found += await self._used(cell, buckets[start : start + AT_ONCE], now_ms=now_ms)
        return tuple(found)

    async def _used(self, cell: Cell, buckets: Sequence[Bucket], *, now_ms: int) -> list[Used]:
        nobody = Record(
            id="", received_ms=now_ms, decided_ms=now_ms, verdict=Verdict.ALLOW,
            tenant=tenant_of(cell), cell=number_of(cell),
        )  # fmt: skip
        wanted = reserve(nobody, buckets)
        names = [name for its in wanted.bucket_keys for name in its]
        answer: Any = await self._redis.eval(self._source, len(names), *names, str(now_ms), packed(wanted))
        return [Used(int(used), int(most or -1), int(at or 0)) for used, most, at in answer]
