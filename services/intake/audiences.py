"""Audiences: who belongs to a segment, told whole or by difference, and applied to facts once all of it is known.

What comes is built up beside the members as they are. A line that cannot be read ends it, and nothing was changed.
Then the difference is applied customer by customer, by the time at which the synchronisation began, so that what an
event has told since stands. One that is interrupted leaves it to the next one, which knows what was begun.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, cast

import msgspec

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core import keys
from gateway.core.fact_changes import Change
from gateway.core.record import subject_ref
from gateway.core.sources import subject_of
from gateway.redis_clients import Client
from services.intake.meaning import Meaning
from services.intake.members import Lines, Member

AT_ONCE: Final = 1_000
LEASE_MS: Final = 60_000
"""After so long without progress another synchronisation of the audience may begin."""


class Busy(Exception):
    """Somebody else synchronises this audience just now."""


class Synced(msgspec.Struct, frozen=True, rename="camel"):
    """What came of a synchronisation."""

    members: int
    joined: int
    left: int
    damaged: int
    """Customers whose facts are damaged in the store: they stay what they were, until their facts are put in anew."""
    success: bool = True


class Progress(msgspec.Struct, frozen=True, rename="camel"):
    """How an audience stands."""

    members: int
    read: int
    """Lines of the synchronisation that runs; 0 for none."""
    applied: int
    """Customers whose facts it has changed."""
    running: bool


class Audiences:
    """Synchronises audiences. Methods raise `RedisError` when the store does not answer."""

    def __init__(self, redis: Client, facts: FactChanges, *, pseudonym_key: bytes, clock_ms: Callable[[], int]) -> None:
        self._redis: Any = redis
        self._facts = facts
        self._key = pseudonym_key
        self._clock_ms = clock_ms

    async def look(self, meaning: Meaning, segment: str) -> Progress:
        """How an audience stands."""
        name = keys.audience(meaning.source.tenant, segment)
        members = await self._redis.scard(name)
        read, applied = await self._redis.hmget(f"{name}:progress", "read", "applied")
        running = bool(await self._redis.exists(f"{name}:lease"))
        return Progress(members, int(read or 0), int(applied or 0), running)

    async def sync(
        self, meaning: Meaning, segment: str, *, parts: AsyncIterator[bytes], kind: str, whole: bool
    ) -> Synced:
        """Take what comes in `parts` for all members (`whole`), or for what has changed about them.

        Raises:
            Busy: another synchronisation of it runs.
            LineWrong: a line is none; then nothing was changed.
        """
        name, token = keys.audience(meaning.source.tenant, segment), secrets.token_hex(8)
        if not await self._redis.set(f"{name}:lease", token, nx=True, px=LEASE_MS):
            raise Busy
        try:
            began_ms = self._clock_ms()
            await self._begin(name)
            await self._stage(meaning, name, parts=parts, kind=kind)
            return await self._switch(meaning, segment, name=name, whole=whole, began_ms=began_ms)
        finally:
            if await self._redis.get(f"{name}:lease") == token.encode():
                await self._redis.delete(f"{name}:lease")

    async def _begin(self, name: str) -> None:
        """Whoever an interrupted synchronisation may have let in counts as a member until it is known better."""
        await self._redis.sunionstore(name, [name, f"{name}:joined"])
        await self._redis.delete(*(f"{name}:{part}" for part in ("in", "out", "joined", "left", "progress")))

    async def _stage(self, meaning: Meaning, name: str, *, parts: AsyncIterator[bytes], kind: str) -> None:
        lines, waiting = Lines(kind), list[Member]()
        async for part in parts:
            waiting += lines.feed(part)
            if len(waiting) >= AT_ONCE:
                await self._put(meaning, name, waiting)
                waiting.clear()
        await self._put(meaning, name, [*waiting, *lines.end()])

    async def _put(self, meaning: Meaning, name: str, members: list[Member]) -> None:
        """Stage some lines; of two about one customer the later one counts."""
        refs = {self._ref(meaning, each): each.member for each in members}
        sides = {side: [ref for ref, member in refs.items() if member is side] for side in (True, False)}
        async with self._redis.pipeline(transaction=False) as pipe:
            for side, (to, other) in {True: ("in", "out"), False: ("out", "in")}.items():
                if sides[side]:
                    pipe.sadd(f"{name}:{to}", *sides[side])
                    pipe.srem(f"{name}:{other}", *sides[side])
            pipe.hincrby(f"{name}:progress", "read", len(members))
            pipe.pexpire(f"{name}:lease", LEASE_MS)
            await pipe.execute()

    async def _switch(self, meaning: Meaning, segment: str, *, name: str, whole: bool, began_ms: int) -> Synced:
        """Find the difference, apply it, and then make it the members."""
        joined = await self._redis.sdiffstore(f"{name}:joined", [f"{name}:in", name])
        find = self._redis.sdiffstore if whole else self._redis.sinterstore
        left = await find(f"{name}:left", [name, f"{name}:in" if whole else f"{name}:out"])
        damaged = [
            await self._apply(meaning, Change(f"segments.{segment}", began_ms, word), name=name, part=part)
            for part, word in (("joined", True), ("left", None))
        ]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sunionstore(name, [name, f"{name}:joined"])
            pipe.sdiffstore(name, [name, f"{name}:left"])
            pipe.delete(*(f"{name}:{part}" for part in ("in", "out", "joined", "left", "progress")))
            pipe.scard(name)
            *_, members = await pipe.execute()
        return Synced(members, joined - damaged[0], left - damaged[1], sum(damaged))

    async def _apply(self, meaning: Meaning, change: Change, *, name: str, part: str) -> int:
        """Change facts; takes those whose facts are damaged out of the part, and says how many they are."""
        cursor, damaged = -1, set[bytes]()
        while cursor != 0:
            cursor, found = await cast(
                "Awaitable[tuple[int, list[bytes]]]",
                self._redis.sscan(f"{name}:{part}", max(cursor, 0), count=AT_ONCE),
            )
            # A scan may show a member twice, which changes nothing.
            taken = await self._facts.take(meaning.source.tenant, [Told(each.hex(), "", (change,)) for each in found])
            damaged |= {bytes.fromhex(ref) for ref in taken.damaged}
            await self._redis.hincrby(f"{name}:progress", "applied", len(found))
            await self._redis.pexpire(f"{name}:lease", LEASE_MS)
        if damaged:
            await self._redis.srem(f"{name}:{part}", *damaged)
        return len(damaged)

    def _ref(self, meaning: Meaning, member: Member) -> bytes:
        subject = subject_of(meaning.source.subject, str(member.user_id))
        return bytes.fromhex(subject_ref(self._key, tenant=meaning.source.tenant, subject=subject))
