"""What the store keeps that cannot be made again, written to a file and read back.

Each key as the server itself writes it (DUMP), with the time at which it expires: an outage does not make a window or a
hold longer. Keys of one hash tag that are few are taken in one transaction, so that what belongs together is of one
moment.
"""

import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final

import msgspec
from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from gateway.redis_clients import Client

AT_ONCE: Final = 500
"""Keys in one transaction. DUMP of so many buckets holds the server up for less than 5 ms, a tenth of what a call
waits."""
_LENGTH: Final = struct.Struct(">I")
_PATTERN: Final = "pilote:*"
LEFT_OUT: Final = (
    b"pilote:{revisions}:worker",  # what processes say of themselves, again every five seconds
    b"pilote:{control}:session",  # whoever was logged in logs in again
    b"pilote:control:{control}:lease:",
    b"pilote:control:{control}:once:",
)
"""Beginnings of keys that make themselves again, or that nobody should find after a disaster."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """One key."""

    key: bytes
    expires_ms: int
    """Milliseconds since the epoch; 0 for never."""
    body: bytes


async def names(redis: Client) -> list[bytes]:
    """All keys that belong into a backup, those of one hash tag together.

    Raises:
        RedisError: a server does not answer.
    """
    if isinstance(redis, RedisCluster):
        await redis.initialize()
    found = {key async for key in redis.scan_iter(_PATTERN, count=1_000) if not key.startswith(LEFT_OUT)}
    return sorted(found, key=lambda key: (tag(key), key))


def tag(key: bytes) -> bytes:
    """What decides in which slot of a cluster a key is."""
    begin = key.find(b"{")
    end = key.find(b"}", begin + 1)
    return key[begin + 1 : end] if begin >= 0 and end > begin + 1 else key


def is_stream(key: bytes) -> bool:
    """Whether a key is one of the buffers in front of the database of decisions."""
    return key.endswith((b":decisions", b":outcomes", b":quarantine"))


async def kept(redis: Client, keys: Sequence[bytes]) -> AsyncIterator[Kept]:
    """What is kept under these names; what has gone since is left out."""
    for batch in _batches(keys):
        async with redis.pipeline(transaction=True) as pipe:
            for key in batch:
                pipe.dump(key)
                pipe.execute_command("PEXPIRETIME", key)
            found: Any = await pipe.execute()
        for place, key in enumerate(batch):
            body, expires_ms = found[2 * place], int(found[2 * place + 1])
            if body is not None:
                yield Kept(key, max(0, expires_ms), body)


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Keys of one tag, so many at once."""
    batch: list[bytes] = []
    for key in keys:
        if batch and (len(batch) == AT_ONCE or tag(batch[0]) != tag(key)):
            yield batch
            batch = []
        batch.append(key)
    if batch:
        yield batch


def write(file: BinaryIO, each: Kept) -> None:
    """Append a key to a file."""
    body = msgspec.msgpack.encode(each)
    file.write(_LENGTH.pack(len(body)) + body)


def read(file: BinaryIO) -> Iterator[Kept]:
    """The keys in a file, whose digest was right."""
    decoder = msgspec.msgpack.Decoder(Kept)
    while head := file.read(_LENGTH.size):
        yield decoder.decode(file.read(_LENGTH.unpack(head)[0]))


async def put_back(redis: Client, keys: Iterator[Kept], *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Put keys into an empty store; how many that were. What has expired meanwhile is gone.

    Raises:
        ResponseError: the server does not understand how another one wrote them, or there are such keys.
        RedisError: it does not answer.
    """
    count, batch = 0, list[Kept]()
    for each in keys:
        if batch and (len(batch) == AT_ONCE or tag(batch[0].key) != tag(each.key)):
            count += await _put(redis, batch)
            progress(count)
            batch = []
        batch.append(each)
    return count + await _put(redis, batch)


async def _put(redis: Client, batch: Sequence[Kept]) -> int:
    async with redis.pipeline(transaction=False) as pipe:
        for each in batch:
            pipe.restore(each.key, each.expires_ms, each.body, absttl=bool(each.expires_ms))
        for answer in await pipe.execute(raise_on_error=False):
            if isinstance(answer, ResponseError):
                raise answer
    return len(batch)


async def is_empty(redis: Client) -> bool:
    """Whether the store holds nothing of ours."""
    if isinstance(redis, RedisCluster):
        await redis.initialize()
    async for key in redis.scan_iter(_PATTERN, count=1_000):
        if not key.startswith(LEFT_OUT):
            return False
    return True
