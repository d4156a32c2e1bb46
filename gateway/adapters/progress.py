"""How objectives stand, in Redis: one hash for each tenant, from an objective's name to its `Progress` in MessagePack.

Whoever works out KPIs writes it, whole for a tenant each time; gateways and the control plane read it, and nothing that
is decided waits for that.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, cast

import msgspec

from gateway.core import keys
from gateway.core.progress import Progress
from gateway.redis_clients import Client

_WRITE: Final = msgspec.msgpack.Encoder()
_READ: Final = msgspec.msgpack.Decoder(Progress)


class ObjectiveStore:
    """Reads and writes how objectives stand. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def put(self, tenant: str, standing: Mapping[str, Progress]) -> None:
        """Keep how the tenant's objectives stand, by their names, instead of all that was there, in one step."""
        key = keys.objectives(tenant)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            if standing:
                pipeline.hset(key, mapping={name: _WRITE.encode(each) for name, each in standing.items()})
            await pipeline.execute()

    async def get(self, tenant: str) -> Mapping[str, Progress]:
        """How they stand; without those that a version of Pilote has written which tells other things."""
        found = await cast("Awaitable[Mapping[Any, Any]]", self._redis.hgetall(keys.objectives(tenant)))
        known = {}
        for name, blob in found.items():
            try:
                known[name.decode() if isinstance(name, bytes) else str(name)] = _READ.decode(blob)
            except msgspec.DecodeError:
                continue
        return known
