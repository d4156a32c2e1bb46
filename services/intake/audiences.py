"""Audiences: who belongs to a segment, told whole or by difference, and applied to facts once all of it is known.

What comes, by whichever door, is built up beside the members as they are. What cannot be read ends it, and nothing was
changed. Then the difference is applied customer by customer, by the time at which the synchronisation began, so that
what an event has told since stands. One that is interrupted by then is carried out when the next one begins.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core import keys
from gateway.core.fact_changes import Change
from gateway.core.record import subject_ref
from gateway.redis_clients import Client
from services.intake.member_order import AT_ONCE, LEASE_MS, STAGED_MS, MemberOrder

# A script and no transaction: clients of a cluster send no stores of sets in one.
# KEYS: the members, who joined, who left, and what else is known of the synchronisation; last when members changed.
# ARGV: when that is. Gives how many members there are.
_SWITCH: Final = """
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then redis.call('SET', KEYS[#KEYS], ARGV[1]) end
redis.call('SUNIONSTORE', KEYS[1], KEYS[1], KEYS[2])
redis.call('SDIFFSTORE', KEYS[1], KEYS[1], KEYS[3])
redis.call('DEL', unpack(KEYS, 2, #KEYS - 1))
return redis.call('SCARD', KEYS[1])
"""


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
    changed_ms: int = 0
    """When members last joined or left, since the epoch; 0 for never."""


class Named(NamedTuple):
    """A customer, and whether they belong to the audience."""

    subject_ref: str
    member: bool
    customer: str
    """As agents name them."""


class Audiences:
    """Synchronises audiences. Methods raise `RedisError` when the store does not answer."""

    def __init__(self, redis: Client, facts: FactChanges, *, pseudonym_key: bytes, clock_ms: Callable[[], int]) -> None:
        self._redis: Any = redis
        self._facts = facts
        self._key = pseudonym_key
        self._clock_ms = clock_ms
        self.order: Final = MemberOrder(redis, key=pseudonym_key)

    def ref(self, tenant: str, subject: str) -> str:
        """The pseudonym of a customer."""
        return subject_ref(self._key, tenant=tenant, subject=subject)

    async def look(self, tenant: str, segment: str) -> Progress:
        """How an audience stands."""
        name = keys.audience(tenant, segment)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.scard(name)
            pipe.hmget(f"{name}:progress", "read", "applied")
            pipe.exists(f"{name}:lease")
            pipe.get(f"{name}:changed")
            members, (read, applied), running, changed = await pipe.execute()
        return Progress(members, int(read or 0), int(applied or 0), bool(running), int(changed or 0))

    async def belongs(self, tenant: str, segment: str, ref: str) -> bool:
        """Whether a customer is a member."""
        return bool(await self._redis.sismember(keys.audience(tenant, segment), bytes.fromhex(ref)))

    async def having(self, tenant: str, segments: Sequence[str], ref: str) -> set[str]:
        """Those of the audiences that a customer belongs to."""
        # They lie in slots of their own: one after the other would take a round trip each.
        found = await asyncio.gather(*(self.belongs(tenant, segment, ref) for segment in segments))
        return {segment for segment, inside in zip(segments, found, strict=True) if inside}

    async def sync(self, tenant: str, segment: str, *, named: AsyncIterator[Sequence[Named]], whole: bool) -> Synced:
        """Take whom `named` names for all members (`whole`), or for what has changed about them.

        Raises:
            Busy: another synchronisation of it runs.
            Exception: whatever `named` raises; then nothing was changed.
        """
        name, token = keys.audience(tenant, segment), secrets.token_hex(8)
        if not await self._redis.set(f"{name}:lease", token, nx=True, px=LEASE_MS):
            raise Busy
        try:
            # After what the one before has said, also where a clock stands still or steps back.
            began_ms = max(self._clock_ms(), 1 + await self._begin(tenant, segment, name=name))
            async for some in named:
                await self._put(name, some)
            return await self._switch(tenant, segment, name=name, whole=whole, began_ms=began_ms)
        finally:
            if await self._redis.get(f"{name}:lease") == token.encode():
                await self._redis.delete(f"{name}:lease")

    async def drop(self, tenant: str, segment: str) -> None:
        """Put everybody out of an audience, and forget it.

        Raises:
            Busy: a synchronisation of it runs.
        """
        await self.sync(tenant, segment, named=_nobody(), whole=True)
        name = keys.audience(tenant, segment)
        await self._redis.delete(name, f"{name}:changed")
        await self.order.drop(name)

    async def _begin(self, tenant: str, segment: str, *, name: str) -> int:
        """Begin with nothing staged. One that was interrupted after its difference was found is carried out first.

        Else customers whose facts it has changed would belong by their facts and not by the members, or the other way.
        Gives when that one began; 0 for none.
        """
        began_ms = 0
        if await self._redis.exists(f"{name}:joined", f"{name}:left"):
            began_ms = int(await self._redis.hget(f"{name}:progress", "began") or self._clock_ms())
            await self._change(tenant, segment, name=name, began_ms=began_ms)
        await self._redis.delete(*(f"{name}:{part}" for part in ("in", "out", "progress", "named")))
        return began_ms

    async def _put(self, name: str, some: Sequence[Named]) -> None:
        """Stage some; of two words about one customer the later one counts."""
        told = {bytes.fromhex(each.subject_ref): each for each in some}
        sides = {side: [ref for ref, each in told.items() if each.member is side] for side in (True, False)}
        async with self._redis.pipeline(transaction=False) as pipe:
            for side, (to, other) in {True: ("in", "out"), False: ("out", "in")}.items():
                if sides[side]:
                    pipe.sadd(f"{name}:{to}", *sides[side])
                    pipe.srem(f"{name}:{other}", *sides[side])
                    pipe.pexpire(f"{name}:{to}", STAGED_MS)
            pipe.hincrby(f"{name}:progress", "read", len(some))
            pipe.pexpire(f"{name}:lease", LEASE_MS)
            await pipe.execute()
        await self.order.stage(name, {ref: told[ref].customer for ref in sides[True]}, sides[False])

    async def _switch(self, tenant: str, segment: str, *, name: str, whole: bool, began_ms: int) -> Synced:
        """Find the difference, and make it so."""
        await self._redis.hset(f"{name}:progress", "began", began_ms)
        joined = await self._redis.sdiffstore(f"{name}:joined", [f"{name}:in", name])
        find = self._redis.sdiffstore if whole else self._redis.sinterstore
        left = await find(f"{name}:left", [name, f"{name}:in" if whole else f"{name}:out"])
        members, damaged = await self._change(tenant, segment, name=name, began_ms=began_ms)
        return Synced(members, joined - damaged[0], left - damaged[1], sum(damaged))

    async def _change(self, tenant: str, segment: str, *, name: str, began_ms: int) -> tuple[int, list[int]]:
        """Apply the difference to facts, then make it the members; how many are these, and could not join, or leave."""
        damaged = [
            await self._apply(tenant, Change(f"segments.{segment}", began_ms, word), name=name, part=part)
            for part, word in (("joined", True), ("left", None))
        ]
        await self.order.add(name, at_ms=began_ms)
        parts = [f"{name}:{part}" for part in ("joined", "left", "in", "out", "progress", "changed")]
        return int(await self._redis.eval(_SWITCH, 1 + len(parts), name, *parts, began_ms)), damaged

    async def _apply(self, tenant: str, change: Change, *, name: str, part: str) -> int:
        """Change facts; takes those whose facts are damaged out of the part, and says how many they are."""
        cursor, damaged = -1, set[bytes]()
        while cursor != 0:
            cursor, found = await cast(
                "Awaitable[tuple[int, list[bytes]]]",
                self._redis.sscan(f"{name}:{part}", max(cursor, 0), count=AT_ONCE),
            )
            # A scan may show a member twice, which changes nothing.
            taken = await self._facts.take(tenant, [Told(each.hex(), "", (change,)) for each in found])
            unchanged = {bytes.fromhex(ref) for ref in taken.damaged}
            damaged |= unchanged
            if part == "left":
                await self.order.remove(name, set(found) - unchanged)
            else:
                await self.order.unstage(name, unchanged)
            await self._redis.hincrby(f"{name}:progress", "applied", len(found))
            await self._redis.pexpire(f"{name}:lease", LEASE_MS)
        if damaged:
            await self._redis.srem(f"{name}:{part}", *damaged)
        return len(damaged)


async def _nobody() -> AsyncIterator[Sequence[Named]]:
    for _ in ():
        yield ()
