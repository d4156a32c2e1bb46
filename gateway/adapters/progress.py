"""How objectives stand, in Redis: one hash for each tenant, from an objective's name to its `Progress` in MessagePack.

Whoever works out KPIs writes it, whole for a tenant each time; gateways and the control plane read it, and nothing that
is decided waits for that.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from gateway.core import keys
from gateway.core.progress import Progress
from gateway.redis_clients import Client

T = TypeVar("T")
_write: Final = msgspec.msgpack.Encoder().encode
_READ: Final = msgspec.msgpack.Decoder(Progress)


class ByObjective(Generic[T]):
    """What is kept of a tenant's objectives, by their names: one hash for each tenant, at `key`, in MessagePack.

    Every method raises `RedisError` where the store does not answer.
    """

    def __init__(self, redis: Client, key: Callable[[str], str], decoder: msgspec.msgpack.Decoder[T]) -> None:
        self._redis = redis
        self._key = key
        self._decoder = decoder

    async def put(self, tenant: str, known: Mapping[str, T]) -> None:
        """Keep it instead of all that was there, in one step."""
        key = self._key(tenant)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            if known:
                pipeline.hset(key, mapping={name: _write(each) for name, each in known.items()})
            await pipeline.execute()

    async def get(self, tenant: str) -> Mapping[str, T]:
        """It, without what a version of Pilote has written which tells other things."""
        found = await cast("Awaitable[Mapping[Any, Any]]", self._redis.hgetall(self._key(tenant)))
        known = {}
        for name, blob in found.items():
            try:
                known[name.decode() if isinstance(name, bytes) else str(name)] = self._decoder.decode(blob)
            except msgspec.DecodeError:
                continue
        return known


class ObjectiveStore(ByObjective[Progress]):
    """How objectives stand."""

    def __init__(self, redis: Client) -> None:
        super().__init__(redis, keys.objectives, _READ)
