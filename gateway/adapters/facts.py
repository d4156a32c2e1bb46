"""What is known of a subject: a local cache over one Redis read, emptied by the server's own invalidation messages."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.adapters.cells import CellBook
from gateway.adapters.redis_connection import CommandRefused, StoreConnection, StoreDown
from gateway.adapters.swapping import SWAP
from gateway.core import keys
from gateway.core.call import UNKNOWN_SUBJECT, Facts
from gateway.core.errors import CallEnded, Reason, facts_damaged
from gateway.core.keys import Cell
from gateway.core.pressure import score
from gateway.ending import ended
from gateway.redis_clients import Client

_log = logging.getLogger(__name__)

CACHED_SUBJECTS: Final = 20_000
"""Most subjects in the cache of one worker; about 1 kB each."""
_SILENCE_SECONDS: Final = 0.3
"""After so long without a message the server is asked for a sign of life, and has as long again to give it.

Twice this is how long a worker may go on by old facts while its messages are lost: less than the second within which a
consent that was withdrawn is refused.
"""
_DECODER: Final = msgspec.json.Decoder(Facts)


class FactStore:
    """Facts by subject. While a server's invalidation messages cannot be heard, nothing of it is cached.

    `listener` makes a client of one of the connection's servers, that speaks RESP2.
    """

    def __init__(self, connection: StoreConnection, listener: Callable[[str], Redis]) -> None:
        self._connection = connection
        self._listener = listener
        self._cache: OrderedDict[str, Facts] = OrderedDict()
        self._reading: dict[str, object] = {}
        """A mark for each key that is being read; an invalidation that comes meanwhile takes it away."""
        self._hearing: set[str] = set()
        """The servers whose invalidations are heard."""
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._cells: tuple[Cell, ...] = ()
        connection.on_move(self._moved)

    async def get(self, cell: Cell, subject_ref: str) -> Facts:
        """The facts of a subject; `UNKNOWN_SUBJECT` where nothing is known.

        Raises:
            CallEnded: STORE_UNAVAILABLE when they are not cached and the store does not answer.
        """
        key = keys.facts(cell, subject_ref)
        if (cached := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return cached
        mark = self._reading.setdefault(key, object())
        try:
            return await self._read(key, mark)
        finally:
            if self._reading.get(key) is mark:
                del self._reading[key]

    async def pressure(self, cell: Cell, subject_ref: str, *, half_life_ms: int, now_ms: int) -> float:
        """The score of contact pressure; never cached, for it changes with every contact and by itself.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        key = keys.score(cell, subject_ref)
        try:
            found = await self._connection.send("ZRANGE", key, 0, -1, "WITHSCORES")
        except (StoreDown, CommandRefused) as error:
            raise _unreadable() from error
        pairs = zip(found[::2], found[1::2], strict=True)
        contacts = [(int(member.partition(b" ")[2]), int(at)) for member, at in pairs]
        return score(contacts, half_life_ms=half_life_ms, now_ms=now_ms)

    async def stand_for(self, cell: Cell, subject_ref: str, *, unit: str) -> None:
        """Keep what stands for the person in assignments, where nothing does yet: whoever has one keeps it.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        key = keys.facts(cell, subject_ref)
        try:
            while True:  # one of those who meet here always wins, so this ends
                stored = await self._connection.send("GET", key)
                before = UNKNOWN_SUBJECT if stored is None else _decoded(stored)
                after = msgspec.json.encode(msgspec.structs.replace(before, unit=unit))
                if before.unit or await self._connection.send("EVAL", SWAP, 1, key, stored or b"", after):
                    return
        except (StoreDown, CommandRefused) as error:
            raise _unreadable() from error

    async def _read(self, key: str, mark: object) -> Facts:
        try:
            found = await self._connection.send("GET", key)
        except (StoreDown, CommandRefused) as error:
            raise _unreadable() from error
        facts = UNKNOWN_SUBJECT if found is None else _decoded(found)
        # An invalidation that came while we read took our mark away: what we read may be old already, though another
        # reader may have put up a mark of its own since.
        if self._reading.get(key) is mark and self._connection.server_of(key) in self._hearing:
            self._cache[key] = facts
            if len(self._cache) > CACHED_SUBJECTS:
                self._cache.popitem(last=False)
        return facts

    def listen(self, cells: Sequence[Cell]) -> None:
        """Begin to hear invalidations for these cells, or go on with other ones."""
        if tuple(cells) == self._cells and self._listening:
            return
        self._cells = tuple(cells)
        for server in self._connection.servers:
            self._listen_to(server)

    async def close(self) -> None:
        """Stop listening."""
        await ended(*self._listening.values())

    def _moved(self) -> None:
        """Keys may lie elsewhere: what is cached or being read may be kept by a server that we do not hear yet."""
        self._forget_all()
        if self._listening:
            for server in set(self._connection.servers) - self._listening.keys():
                self._listen_to(server)

    def _listen_to(self, server: str) -> None:
        before = self._listening.get(server)
        if before is not None:
            before.cancel()
        self._listening[server] = asyncio.get_running_loop().create_task(self._listen(server, before))

    async def _listen(self, server: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:  # its last act is to say that nothing is heard
            await asyncio.wait([before])
        async with self._listener(server) as client:
            while not _cancelled() and server in self._connection.servers:
                try:
                    await self._hear(server, client)
                except (RedisError, OSError):
                    _log.warning("facts are not cached: the store's invalidations cannot be heard")
                finally:
                    self._hearing.discard(server)
                    self._forget_all()
                await asyncio.sleep(0.2)
        if not _cancelled():
            del self._listening[server]

    async def _hear(self, server: str, client: Redis) -> None:
        # RESP2 with a redirect: with RESP3 the pushes did not reach redis-py's listener (measured with 7.x and 8.x).
        # To itself, so that the server never drops one half of a pair of connections (its `timeout` would: it spares
        # subscribers only), which the other half would not notice.
        async with client.pubsub() as messages:
            await messages.execute_command("CLIENT", "ID")
            client_id = await messages.parse_response()
            prefixes = [part for cell in self._cells for part in ("PREFIX", keys.facts(cell, ""))]
            await messages.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", client_id, "BCAST", *prefixes)
            await messages.parse_response()
            await messages.subscribe("__redis__:invalidate")
            first = await messages.get_message(timeout=_SILENCE_SECONDS)
            if first is None or first["type"] != "subscribe":
                raise TimeoutError("the store has not confirmed the subscription")
            self._forget_all()
            self._hearing.add(server)
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
            self._forget_all()
        elif isinstance(data, list):
            for key in data:
                name = key.decode() if isinstance(key, bytes) else str(key)
                self._cache.pop(name, None)
                self._reading.pop(name, None)

    def _forget_all(self) -> None:
        self._cache.clear()
        self._reading.clear()


async def put(redis: Client, tenant: str, *, subject_ref: str, facts: Facts) -> None:
    """Store what is known of a subject, statements included; every worker's cache forgets the old facts.

    `gateway.adapters.consents` adds to the statements instead.

    Raises:
        RedisError: the store does not answer.
    """
    cell = await CellBook(redis).of_subject(tenant, subject_ref)
    await redis.set(keys.facts(cell, subject_ref), msgspec.json.encode(facts))


def _cancelled() -> bool:
    """Whether our task was cancelled: redis-py swallows that while it connects (measured with 8.1.0)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _unreadable() -> CallEnded:
    return CallEnded(Reason.STORE_UNAVAILABLE, "What is known of the customer cannot be read now; retry.")


def _decoded(stored: bytes) -> Facts:
    try:
        return _DECODER.decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.error("stored facts cannot be read", exc_info=error)
        raise facts_damaged() from error
