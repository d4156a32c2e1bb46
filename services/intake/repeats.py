"""Requests that were made before: the same `request_id` gets the first answer, and nothing is done twice."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from gateway.core import keys
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.redis_clients import Client

KEPT_MS: Final = 24 * 3_600_000
MOST_CHARACTERS: Final = 100
_DIGEST_BYTES: Final = 32

M = TypeVar("M", bound=Message)


class Repeats:
    """Answers by the `request_id` of requests. Two at the same time are kept apart by the gateway, not here."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def once(
        self, tenant: str, request: Any, answer: type[M], act: Callable[[], Awaitable[M]], *, agent: str
    ) -> M:
        """The answer of `act`, or the first one where the request's id was used before; without one `act` always runs.

        Ids of different agents never meet.

        Raises:
            CallEnded: IDEMPOTENCY_KEY_REUSED where the id came with another request, ARGUMENT_INVALID for one that is
                too long.
            RedisError: the store does not answer.
        """
        request_id = request.request_id
        if not request_id:
            return await act()
        if len(request_id) > MOST_CHARACTERS:
            raise invalid("request_id", f"request_id must be at most {MOST_CHARACTERS} characters.")
        name = hashlib.sha256(f"{agent}\0{request_id}".encode()).hexdigest()
        key = f"{keys.audiences(tenant)}:request:{name}"
        said = type(request).__name__.encode() + request.SerializeToString(deterministic=True)
        digest = hashlib.sha256(said).digest()
        before = await self._redis.get(key)
        if before is None:
            given = await act()
            await self._redis.set(key, digest + given.SerializeToString(), px=KEPT_MS)
            return given
        if before[:_DIGEST_BYTES] != digest:
            text = f"request_id {request_id} was used with another request; choose a new one."
            raise CallEnded(Reason.IDEMPOTENCY_KEY_REUSED, text, metadata={"request_id": request_id})
        return answer.FromString(before[_DIGEST_BYTES:])
