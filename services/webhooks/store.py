"""Endpoints with their secrets, sealed in the store."""

import msgspec

from gateway.adapters.sealing import Sealer
from gateway.adapters.webhooks import MOST, Endpoint, Webhooks
from gateway.redis_clients import Client


class WebhookStore(Webhooks):
    """What is kept of webhooks, for those who have the keys."""

    def __init__(self, redis: Client, sealer: Sealer, *, most: int = MOST) -> None:
        super().__init__(redis, most=most)
        self._sealer = sealer

    async def add(self, endpoint: Endpoint, *, secret: bytes) -> None:
        """Keep an endpoint, its secret sealed.

        Raises:
            RedisError, OSError: the store does not answer.
        """
        await self.keep(msgspec.structs.replace(endpoint, secret=self._sealer.seal(secret, bound_to=_bound(endpoint))))

    def secret_of(self, endpoint: Endpoint) -> bytes:
        """What its webhooks are signed with.

        Raises:
            Damaged, KeyMissing: it cannot be opened with the keys of this process.
        """
        return self._sealer.open(endpoint.secret, bound_to=_bound(endpoint))


def _bound(endpoint: Endpoint) -> bytes:
    return f"webhook/{endpoint.id}".encode()
