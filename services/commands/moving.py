"""Moves a tenant to another number of cells, with everything that is counted and known for its customers.

It is done while the tenant is halted, so nothing changes meanwhile. Everything is copied first, then the number is
changed, then what lies in a cell where it does not belong is deleted: whoever is interrupted calls again.
"""

from collections.abc import AsyncIterator
from typing import Any, cast

from gateway.adapters.admission import BOUND_MS
from gateway.adapters.cells import CellBook
from gateway.core import keys
from gateway.core.cells import cell_of, homes_of
from gateway.core.stops import ALL
from gateway.redis_clients import Client
from services.commands import moving_holds
from services.texts import say


class HoldsRun(Exception):
    """So many kept calls are being made right now."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} kept calls are being made")
        self.count = count


async def run(redis: Client, tenant: str, *, cells: int | None, language: str) -> str:
    """Say how many cells a tenant has, or move it to another number; returns what to tell.

    Raises:
        ValueError: the tenant is not halted, or it has something that cannot be moved now.
    """
    had = await CellBook(redis).of(tenant)
    if cells is None:
        return say("cells", language=language, tenant=tenant, cells=had)
    for number in range(had):
        if not await cast("Any", redis.hexists(keys.stops(keys.cell(tenant, number)), ALL)):
            raise ValueError(say("cells-not-halted", language=language, tenant=tenant))
    try:
        await move(redis, tenant, had=had, cells=cells)
    except HoldsRun as error:
        raise ValueError(say("cells-holds-run", language=language, count=error.count)) from error
    except KeyError as error:
        raise ValueError(say("cells-unknown-kind", language=language, kind=error.args[0])) from error
    return say("cells-moved", language=language, tenant=tenant, cells=cells)


async def move(redis: Client, tenant: str, *, had: int, cells: int) -> None:
    """Move a halted tenant from so many cells to so many.

    Raises:
        KeyError: there are keys of a kind that is unknown here; nothing was changed.
        HoldsRun: kept calls are being made; nothing was changed.
    """
    everything = [(number, rest) async for number, rest in _all_keys(redis, tenant)]
    found = [(number, rest) for number, rest in everything if rest.partition(":")[0] not in moving_holds.KINDS]
    for _, rest in found:
        homes_of(rest, cells)
    kept = moving_holds.HoldMove(redis, tenant, cells=cells, found=everything)
    if running := await kept.running():
        raise HoldsRun(running)
    for number, rest in found:
        belongs = homes_of(rest, had)
        if belongs is None or number not in belongs:  # the latter is what an earlier move left behind
            continue
        await _copy(redis, tenant, number, rest=rest, to=[n for n in homes_of(rest, cells) or () if n != number])
        if rest.startswith("request:"):
            await _bind(redis, tenant, number, rest=rest, cells=cells)

    def copying(number: int) -> moving_holds.Copy:
        async def copy(rest: str, home: int) -> None:
            await _copy(redis, tenant, number, rest=rest, to=[home])

        return copy

    await kept.go(copying)
    await CellBook(redis).move(tenant, cells)
    for number, rest in found:
        belongs = homes_of(rest, cells)
        # What halts the tenant stays in every cell: gateways go by the old number until a policy says otherwise.
        if belongs is not None and number not in belongs and rest != "stops":
            await redis.delete(f"{keys.cell(tenant, number)}:{rest}")


async def _all_keys(redis: Client, tenant: str) -> AsyncIterator[tuple[int, str]]:
    """Every key of a tenant: its cell, and what follows the cell's prefix."""
    before = f"pilote:{{{tenant}/"
    async for key in redis.scan_iter(match=f"{before}*", count=1_000):
        number, _, rest = key.decode().removeprefix(before).partition("}:")
        yield int(number), rest


async def _copy(redis: Client, tenant: str, number: int, *, rest: str, to: list[int]) -> None:
    if not to:
        return
    key = f"{keys.cell(tenant, number)}:{rest}"
    blob, ttl_ms = await redis.dump(key), await redis.pttl(key)
    for home in to if blob is not None else ():  # it may have expired meanwhile
        await redis.restore(f"{keys.cell(tenant, home)}:{rest}", max(0, int(ttl_ms)), cast("Any", blob), replace=True)


async def _bind(redis: Client, tenant: str, number: int, *, rest: str, cells: int) -> None:
    """Say what an idempotency key stands for in the key's own cell, which nobody asks while there is one cell only."""
    _, agent, name = rest.split(":", 2)
    request_hash = await cast("Any", redis.hget(f"{keys.cell(tenant, number)}:{rest}", "hash"))
    if request_hash is not None:
        own = keys.cell(tenant, cell_of(cells, agent, name))
        await redis.set(keys.bound(own, agent, name), request_hash, px=BOUND_MS)
