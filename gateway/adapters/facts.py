"""What is known of a subject: a local cache over one Redis read, emptied by the server's own invalidation messages."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.adapters.redis_connection import CommandRefused, RedisConnection, StoreDown
from gateway.core import keys
from gateway.core.call import UNKNOWN_SUBJECT, Facts
from gateway.core.errors import CallEnded, Reason
from gateway.core.pressure import score

_log = logging.getLogger(__name__)

CACHED_SUBJECTS: Final = 20_000
"""Most subjects in the cache of one worker; about 1 kB each."""
_SILENCE_SECONDS: Final = 1.0
"""After so long without a message the server is asked for a sign of life, and has as long again to give it."""
_DECODER: Final = msgspec.json.Decoder(Facts)


class FactStore:
    """Facts by subject. While the invalidation messages cannot be heard, nothing is cached."""

    def __init__(self, connection: RedisConnection, listener: Redis) -> None:
        self._connection = connection
        self._listener = listener
        self._cache: OrderedDict[str, Facts] = OrderedDict()
        self._reading: dict[str, object] = {}
        """A mark for each key that is being read; an invalidation that comes meanwhile takes it away."""
        self._hearing = False
        self._task: asyncio.Task[None] | None = None
        self._tenants: tuple[str, ...] = ()

    async def get(self, tenant: str, subject_ref: str) -> Facts:
        """The facts of a subject; `UNKNOWN_SUBJECT` where nothing is known.

        Raises:
            CallEnded: STORE_UNAVAILABLE when they are not cached and the store does not answer.
        """
        key = keys.facts(tenant, subject_ref)
        if (cached := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return cached
        mark = self._reading.setdefault(key, object())
        try:
            return await self._read(key, mark)
        finally:
            if self._reading.get(key) is mark:
                del self._reading[key]

    async def pressure(self, tenant: str, subject_ref: str, *, half_life_ms: int, now_ms: int) -> float:
        """The score of contact pressure; never cached, for it changes with every contact and by itself.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        key = keys.score(tenant, subject_ref)
        try:
            found = await self._connection.send("ZRANGE", key, 0, -1, "WITHSCORES")
        except (StoreDown, CommandRefused) as error:
            raise _unreadable() from error
        pairs = zip(found[::2], found[1::2], strict=True)
        contacts = [(int(member.partition(b" ")[2]), int(at)) for member, at in pairs]
        return score(contacts, half_life_ms=half_life_ms, now_ms=now_ms)

    async def _read(self, key: str, mark: object) -> Facts:
        try:
            found = await self._connection.send("GET", key)
        except (StoreDown, CommandRefused) as error:
            raise _unreadable() from error
        facts = UNKNOWN_SUBJECT if found is None else _decoded(found)
        # An invalidation that came while we read took our mark away: what we read may be old already, though another
        # reader may have put up a mark of its own since.
        if self._hearing and self._reading.get(key) is mark:
            self._cache[key] = facts
            if len(self._cache) > CACHED_SUBJECTS:
                self._cache.popitem(last=False)
        return facts

    def listen(self, tenants: Sequence[str]) -> None:
        """Begin to hear invalidations for these tenants, or go on with other ones."""
        if tuple(tenants) == self._tenants and self._task is not None:
            return
        self._tenants = tuple(tenants)
        before = self._task
        if before is not None:
            before.cancel()
        self._task = asyncio.get_running_loop().create_task(self._listen(before))

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:  # its last act is to say that nothing is heard
            await asyncio.wait([before])
        while not _cancelled():
            try:
                await self._hear()
            except (RedisError, OSError):
                _log.warning("facts are not cached: the store's invalidations cannot be heard")
            finally:
                self._forget_all()
            await asyncio.sleep(0.2)

    async def _hear(self) -> None:
        # RESP2 with a redirect: with RESP3 the pushes did not reach redis-py's listener (measured with 7.x and 8.x).
        # To itself, so that the server never drops one half of a pair of connections (its `timeout` would: it spares
        # subscribers only), which the other half would not notice.
        async with self._listener.pubsub() as messages:
            await messages.execute_command("CLIENT", "ID")
            client_id = await messages.parse_response()
            prefixes = [part for tenant in self._tenants for part in ("PREFIX", keys.facts(tenant, ""))]
            await messages.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", client_id, "BCAST", *prefixes)
            await messages.parse_response()
            await messages.subscribe("__redis__:invalidate")
            first = await messages.get_message(timeout=_SILENCE_SECONDS)
            if first is None or first["type"] != "subscribe":
                raise TimeoutError("the store has not confirmed the subscription")
            self._forget_all(hearing=True)
            await self._hear_messages(messages)

    async def _hear_messages(self, messages: PubSub) -> None:
        asked = False
        while not _cancelled():
            message = await messages.get_message(timeout=_SILENCE_SECONDS)
            if message is None:
                if asked:
                    raise TimeoutError("the store has not answered the ping")
                await messages.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":  # redis-py has connected anew, by itself and without the tracking
                raise RedisConnectionError("the invalidations were interrupted")
            self._forget(message["data"])

    def _forget(self, data: Any) -> None:
        if data is None:
            self._forget_all(hearing=True)
        elif isinstance(data, list):
            for key in data:
                name = key.decode() if isinstance(key, bytes) else str(key)
                self._cache.pop(name, None)
                self._reading.pop(name, None)

    def _forget_all(self, *, hearing: bool = False) -> None:
        self._hearing = hearing
        self._cache.clear()
        self._reading.clear()


async def put(redis: Redis, tenant: str, *, subject_ref: str, facts: Facts) -> None:
    """Store what is known of a subject; every worker's cache forgets the old facts.

    Raises:
        RedisError: the store does not answer.
    """
    await redis.set(keys.facts(tenant, subject_ref), msgspec.json.encode(facts))


def _cancelled() -> bool:
    """Whether our task was cancelled: redis-py swallows that while it connects (measured with 8.1.0)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _unreadable() -> CallEnded:
    return CallEnded(Reason.STORE_UNAVAILABLE, "What is known of the customer cannot be read now; retry.")


def _decoded(stored: bytes) -> Facts:
    try:
        return _DECODER.decode(stored)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        _log.error("stored facts cannot be read", exc_info=error)
        raise CallEnded(Reason.INTERNAL, "What is known of the customer is damaged; it is in our log.") from error
