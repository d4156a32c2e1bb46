"""What stands in a stream of decisions and is not stored yet."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.redis_clients import Client

WRITER: Final = "audit"
"""Group of consumers that writes decisions into their store."""


class Lag(msgspec.Struct, frozen=True):
    """What stands in the streams and is not stored yet."""

    entries: int = 0
    oldest_ms: int | None = None
    """When the oldest of them was written, milliseconds since the epoch; `None` where nothing waits."""

    def and_also(self, other: "Lag") -> "Lag":
        """What stands in both."""
        times = [each for each in (self.oldest_ms, other.oldest_ms) if each is not None]
        return Lag(self.entries + other.entries, min(times, default=None))


async def lag_of(redis: Client, stream: bytes) -> Lag:
    """What of one stream the writer has not stored; all of it where no writer has ever read it.

    Raises:
        RedisError: the store does not answer, or there is no such stream.
    """
    for group in await redis.xinfo_groups(stream):
        if group["name"] == WRITER.encode():
            return await _lag(redis, stream, group)
    first: Any = await redis.xrange(stream, count=1)
    return Lag(await redis.xlen(stream), in_order(first[0][0])[0]) if first else Lag()


def quarantine(stream: bytes) -> bytes:
    """Where entries of a stream lie that cannot be stored."""
    return stream + b":quarantine"


def in_order(entry: bytes) -> tuple[int, int]:
    """An entry's id as milliseconds since the epoch and a number."""
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number or 0)


async def _lag(redis: Client, stream: bytes, group: Mapping[str, Any]) -> Lag:
    unread = group["lag"]
    if unread is None:  # entries were deleted in between, so Redis does not know
        unread = await redis.xlen(stream) - group["pending"]
    entries = max(0, unread) + group["pending"]
    if not entries:
        return Lag()
    if group["pending"]:
        oldest = (await redis.xpending(stream, WRITER))["min"]
    else:
        first = await redis.xrange(stream, min=b"(" + group["last-delivered-id"], count=1)
        oldest = first[0][0] if first else None
    return Lag(entries, None if oldest is None else in_order(oldest)[0])
