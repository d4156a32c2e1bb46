"""Whoever is interrupted in moving kept calls calls again: each is then in one place, in line, as it was last."""

from typing import Any

import pytest

from gateway.adapters.cells import CellBook
from gateway.adapters.stops import StopStore
from gateway.core import holds, keys
from gateway.core.cells import cell_of
from gateway.core.holds import Hold, HoldState
from gateway.core.stops import ALL, Stop
from gateway.redis_clients import Client
from services.commands.moving import run
from tests.adapters.test_holds import NOW, Keeper

pytestmark = pytest.mark.every_store

CELLS = 4
REF = next(f"{n:032x}" for n in range(100) if cell_of(CELLS, f"{n:032x}") == 3)
FIRST, THIRD = keys.cell("acme"), keys.cell("acme", 3)


@pytest.fixture
async def keeper(redis: Client) -> Keeper:
    keeper = Keeper(redis)
    await keeper.store.prepare()
    return keeper


async def halt(keeper: Keeper) -> None:
    await StopStore(keeper.redis).stop("acme", Stop(what=ALL, reason="move", since_ms=0))


async def moved(keeper: Keeper, hold: Hold) -> Hold:
    """Move the tenant; gives the hold as it lies in its customer's cell, in line and nowhere else."""
    await halt(keeper)
    await run(keeper.redis, "acme", cells=CELLS, language="en")
    cells = await CellBook(keeper.redis).all_of("acme")
    assert [each for each in cells if await keeper.redis.exists(keys.hold(each, hold.id))] == [THIRD]
    assert [(await keeper.store.due(each, now_ms=NOW * 2))[0] for each in cells] == [(), (), (), (hold.id,)]
    assert [len(await keeper.store.open(each)) for each in cells] == [0, 0, 0, hold.state not in holds.OVER]
    found = await keeper.store.read(THIRD, hold.id)
    assert found is not None
    return found


async def copied(keeper: Keeper, hold: Hold) -> None:
    """As far as a move that was interrupted gets: the hold is there too, and not in line."""
    fields: Any = await keeper.redis.hgetall(keys.hold(FIRST, hold.id))
    await keeper.redis.hset(keys.hold(THIRD, hold.id), mapping=fields)


async def test_a_hold_lies_with_its_customer_afterwards(keeper: Keeper) -> None:
    hold = await keeper.kept(subject_ref=REF)
    assert (await moved(keeper, hold)).cell == 3


async def test_a_hold_that_was_copied_and_has_changed_since_moves_as_it_is_now(keeper: Keeper) -> None:
    hold = await keeper.kept(subject_ref=REF)
    await copied(keeper, hold)
    refused = holds.decide(hold, approve=False, by="zoe", comment="no", now_ms=NOW)
    assert refused is not None
    assert await keeper.store.move(hold, refused)
    assert (await moved(keeper, refused)).state is HoldState.REFUSED


async def test_a_hold_that_has_left_and_is_in_no_line_gets_into_line(keeper: Keeper) -> None:
    hold = await keeper.kept(subject_ref=REF)
    await copied(keeper, hold)
    await keeper.redis.delete(keys.hold(FIRST, hold.id), keys.holds_due(FIRST), keys.holds_open(FIRST))
    assert (await moved(keeper, hold)).version == hold.version


async def test_a_tenant_whose_kept_calls_are_being_made_is_not_moved(keeper: Keeper) -> None:
    hold = await keeper.kept(subject_ref=REF, state=HoldState.EXECUTING, claim="w", until_ms=NOW + 1)
    await halt(keeper)
    with pytest.raises(ValueError, match="1 kept call"):
        await run(keeper.redis, "acme", cells=CELLS, language="en")
    assert await keeper.store.read(FIRST, hold.id) == hold
    assert await CellBook(keeper.redis).of("acme") == 1
