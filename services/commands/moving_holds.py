"""Moves kept calls along when their tenant moves to another number of cells: each lies with the call that it is.

A hold goes over in one step: it is copied, then taken from where it was if it has not changed meanwhile, and only then
put in line where it is now. So no two gateways ever deal with two copies of it, and who is interrupted calls again.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

from gateway.adapters.holds import hold_in, over_redis
from gateway.adapters.sealing import Damaged
from gateway.core import holds, keys
from gateway.core.cells import hold_home
from gateway.core.holds import HoldState
from gateway.core.keys import Cell
from gateway.redis_clients import Client

KINDS: Final = ("hold", "holds")
"""Kinds of keys that are moved here."""

# Take a hold away if it is still of the version that was copied.
_LEAVE: Final = """
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('INCR', KEYS[4])
return 1
"""

Copy = Callable[[str, int], Awaitable[None]]
"""Copies a key, named without its cell's prefix, into the cell of that number."""


class HoldMove:
    """The holds of one tenant, and the cells that they move to. `found` are its keys: (cell, rest of the key)."""

    def __init__(self, redis: Client, tenant: str, *, cells: int, found: Sequence[tuple[int, str]]) -> None:
        self._redis = redis
        self._tenant = tenant
        self._cells = cells
        self._holds: defaultdict[str, list[int]] = defaultdict(list)
        self._attempts: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for number, rest in found:
            kind, _, name = rest.partition(":")
            hold_id, _, attempt = name.partition(":")
            if kind == "hold" and attempt:
                self._attempts[number, hold_id].append(rest)
            elif kind == "hold":
                self._holds[hold_id].append(number)

    async def running(self) -> int:
        """How many of the kept calls are being made right now."""
        states = [
            await cast("Any", self._redis.hget(keys.hold(keys.cell(self._tenant, number), hold_id), "state"))
            for hold_id, numbers in self._holds.items()
            for number in numbers
        ]
        return states.count(HoldState.EXECUTING.value.encode())

    async def go(self, copy: Callable[[int], Copy]) -> None:
        """Move them all; `copy` gives what copies keys of the cell of that number."""
        for hold_id, numbers in self._holds.items():
            number = numbers[0] if len(numbers) == 1 else await self._real(hold_id, numbers)
            home = await self._home(number, hold_id)
            while home is not None and home != number:
                version = await self._field(number, hold_id, "version")
                for rest in (f"hold:{hold_id}", *self._attempts[number, hold_id]):
                    await copy(number)(rest, home)
                if await self._leave(number, hold_id, version):
                    await self._drop(number, self._attempts[number, hold_id])
                    break
                home = await self._home(number, hold_id)
            if home is not None:
                await self._place(keys.cell(self._tenant, home), hold_id)

    async def _real(self, hold_id: str, numbers: Sequence[int]) -> int:
        """Where the hold itself lies: in line, or newest. The others are copies that an interrupted move has left."""
        ranks = {}
        for number in numbers:
            due = await cast("Any", self._redis.zscore(keys.holds_due(keys.cell(self._tenant, number)), hold_id))
            ranks[number] = (due is not None, int(await self._field(number, hold_id, "version") or 0))
        real = max(numbers, key=lambda number: ranks[number])
        for number in set(numbers) - {real}:
            await self._drop(number, [f"hold:{hold_id}", *self._attempts[number, hold_id]])
        return real

    async def _drop(self, number: int, names: Sequence[str]) -> None:
        for rest in names:
            await self._redis.delete(f"{keys.cell(self._tenant, number)}:{rest}")

    async def _home(self, number: int, hold_id: str) -> int | None:
        """Where it belongs; `None` where there is no such hold any more."""
        if not await self._field(number, hold_id, "id"):
            return None
        subject_ref = await self._field(number, hold_id, "subject_ref")
        request_key = await self._field(number, hold_id, "request_key")
        return hold_home(self._cells, hold=hold_id, subject_ref=subject_ref, request_key=request_key)

    async def _field(self, number: int, hold_id: str, name: str) -> str:
        found = await cast("Any", self._redis.hget(keys.hold(keys.cell(self._tenant, number), hold_id), name))
        return (found or b"").decode(errors="replace")

    async def _leave(self, number: int, hold_id: str, version: str) -> bool:
        cell = keys.cell(self._tenant, number)
        names = (keys.hold(cell, hold_id), keys.holds_due(cell), keys.holds_open(cell), keys.holds_changes(cell))
        return bool(await cast("Any", self._redis.eval(_LEAVE, len(names), *names, hold_id, version)))

    async def _place(self, cell: Cell, hold_id: str) -> None:
        """Put a hold in line where it lies, if it is not: one that is damaged is in no line."""
        try:
            hold = await hold_in(over_redis(self._redis), cell, hold_id)
        except Damaged:
            return
        if hold is None or await cast("Any", self._redis.zscore(keys.holds_due(cell), hold_id)) is not None:
            return
        if hold.state not in holds.OVER:
            await cast("Any", self._redis.zadd(keys.holds_open(cell), {hold_id: hold.created_ms}))
        await cast("Any", self._redis.zadd(keys.holds_due(cell), {hold_id: holds.due_ms(hold)}))
        await cast("Any", self._redis.incr(keys.holds_changes(cell)))
