"""Which audiences a tenant has: those that the policy's sources say, and those that agents have made."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.redis_clients import Client
from services.intake.policy import Sources

MOST_AUDIENCES: Final = 1_000
"""That agents of one tenant may make."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of an audience."""

    display_name: str = ""
    description: str = ""
    purpose: str = ""
    created_ms: int = 0
    """Since the epoch; 0 for one that the policy names."""


Place = tuple[int, str]
"""Where an audience stands among all: when it was made, and its name."""

_DECODER: Final = msgspec.json.Decoder(Entry)


class Registry:
    """The audiences of each tenant. Methods raise `RedisError` when the store does not answer."""

    def __init__(self, redis: Client, sources: Sources, *, clock_ms: Callable[[], int]) -> None:
        self._redis: Any = redis
        self._sources = sources
        self._clock_ms = clock_ms

    async def all(self, tenant: str) -> list[tuple[str, Entry]]:
        """All audiences by name, oldest first."""
        made = await self._redis.hgetall(keys.audiences(tenant))
        found = {name: Entry(display_name=name) for name in self._sources.audiences_of(tenant)}
        found |= {name.decode(): _DECODER.decode(stored) for name, stored in made.items()}
        return sorted(found.items(), key=lambda item: place_of(*item))

    async def get(self, tenant: str, name: str) -> Entry:
        """One audience.

        Raises:
            CallEnded: NOT_FOUND where there is none of that name.
        """
        stored = await self._redis.hget(keys.audiences(tenant), name)
        if stored is not None:
            return _DECODER.decode(stored)
        if name in self._sources.audiences_of(tenant):
            return Entry(display_name=name)
        raise CallEnded(Reason.NOT_FOUND, "There is no such audience.", metadata={"audience": name})

    async def make(self, tenant: str, name: str, entry: Entry) -> Entry:
        """Make one, now.

        Raises:
            CallEnded: ALREADY_EXISTS where there is one of that name, LIMIT_EXCEEDED where there are too many.
        """
        key = keys.audiences(tenant)
        if await self._redis.hlen(key) >= MOST_AUDIENCES:
            text = f"There are {MOST_AUDIENCES} audiences already; delete one that nobody uses."
            raise CallEnded(Reason.LIMIT_EXCEEDED, text, violations=(("audiences", text),))
        made = msgspec.structs.replace(entry, created_ms=self._clock_ms())
        named = name in self._sources.audiences_of(tenant)
        if named or not await self._redis.hsetnx(key, name, msgspec.json.encode(made)):
            text = "There is an audience of that name; choose another one."
            raise CallEnded(Reason.ALREADY_EXISTS, text, metadata={"audience": name})
        return made

    async def forget(self, tenant: str, name: str) -> None:
        """Let there be no such audience any more."""
        await self._redis.hdel(keys.audiences(tenant), name)


def place_of(name: str, entry: Entry) -> Place:
    """Where an audience stands among all."""
    return entry.created_ms, name
