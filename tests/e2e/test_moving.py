"""A tenant moves to another number of cells, and nothing that is counted or known for its customers is forgotten."""

from collections import Counter

import pytest

from gateway.adapters import facts
from gateway.adapters.cells import CellBook, CellsMoving
from gateway.adapters.stops import StopStore
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.cells import cell_of
from gateway.core.record import subject_ref
from gateway.core.stops import ALL, Stop
from services.commands.holding import Holds
from services.commands.moving import run
from tests.e2e.holding import HOLD_CONTACTS, Desk, hold_of, state_of
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, KEY, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, echo

SALES = credential("sales-bot")
PEOPLE = tuple(f"contacts/c-{n}" for n in range(12))


def spread(upstream: FakeUpstream, cells: int) -> Data:
    denies = {
        "name": "french",
        "effect": "deny",
        "when": 'facts.language == "fr"',
        "methods": ["/pilote.crm.v1.ContactService/*"],
    }
    tenants = [{"name": "acme", "cells": cells}]
    return policy(upstream.address, tenants=tenants, caps=[cap(2)], rules=[allow_all(), denies])


async def halt(world: World) -> None:
    await StopStore(world.redis).stop("acme", Stop(what=ALL, reason="move", since_ms=0))


@pytest.mark.parametrize(("had", "cells"), [(1, 4), (4, 2)])
async def test_caps_facts_and_idempotency_keys_move_with_their_customers(
    empty_world: World, upstream: FakeUpstream, had: int, cells: int
) -> None:
    world, store = empty_world, StopStore(empty_world.redis)
    await world.gateway()
    await world.publish(spread(upstream, had))
    upstream.behave = echo
    stub, contacts = world.agent().messages, world.agent().contacts
    firsts = [await told(stub.SendMessage(send(name, request_id=name), metadata=SALES)) for name in PEOPLE]
    for name in PEOPLE:
        ref = subject_ref(KEY, tenant="acme", subject=name)
        await facts.put(world.redis, "acme", subject_ref=ref, facts=Facts(language="fr"))
    await world.settled(len(PEOPLE))

    await halt(world)
    assert str(cells) in await run(world.redis, "acme", cells=cells, language="en")
    assert {each.reason for each in await together(*(stub.SendMessage(send(n), metadata=SALES) for n in PEOPLE))} == {
        "STOPPED"
    }
    with pytest.raises(CellsMoving):
        await store.resume("acme", ALL)
    await world.publish(spread(upstream, cells))
    await resumed(world)
    again = [await told(stub.SendMessage(send(name, request_id=name), metadata=SALES)) for name in PEOPLE]
    assert [each.response for each in again] == [each.response for each in firsts]
    mixed = [await told(stub.SendMessage(send(PEOPLE[n - 1], request_id=PEOPLE[n]), metadata=SALES)) for n in range(12)]
    assert {each.reason for each in mixed} == {"IDEMPOTENCY_KEY_REUSED"}
    known = await together(*(contacts.GetContact(get(name), metadata=SALES) for name in PEOPLE))
    assert {each.reason for each in known} == {"POLICY_DENIED"}
    assert len(upstream.asked) == len(PEOPLE)
    left = await together(*(stub.SendMessage(send(name), metadata=SALES) for name in PEOPLE * 3))
    assert Counter(each.reason for each in left) == {"": len(PEOPLE), "CAP_EXCEEDED": 2 * len(PEOPLE)}
    assert await world.taken() == 2 * len(PEOPLE)  # nothing was left where it was


async def resumed(world: World) -> None:
    """Let the tenant go on, once gateways have had the time to take the policy up."""

    async def look() -> bool | None:
        try:
            return await StopStore(world.redis).resume("acme", ALL)
        except CellsMoving:
            return None

    assert await eventually(look, what="a tenant that goes on")


@pytest.mark.parametrize(("had", "cells"), [(1, 4), pytest.param(4, 2, marks=pytest.mark.integration)])
async def test_kept_calls_move_with_their_customers_and_are_made_once(
    empty_world: World, upstream: FakeUpstream, had: int, cells: int
) -> None:
    world = empty_world
    await world.gateway()
    held = policy(
        upstream.address, rules=[HOLD_CONTACTS, allow_all()], tenants=[{"name": "acme", "cells": had}], caps=[cap(2)]
    )
    await world.publish(held)
    upstream.behave = echo
    desk = Desk(world)
    ids = [await desk.held(request=send(name, request_id=name)) for name in PEOPLE]

    await halt(world)
    await run(world.redis, "acme", cells=cells, language="en")
    await world.publish(held | {"tenants": [{"name": "acme", "cells": cells}]})
    await resumed(world)

    listed = await Holds(world.redis, (HOLD_KEY,), tenant="", language="en").list()
    assert [row[0] for row in listed[1:]] == [f"holds/{hold_id}" for hold_id in ids]
    for name, hold_id in zip(PEOPLE, ids, strict=True):
        found = await desk.read(hold_id)
        assert found.cell == cell_of(cells, subject_ref(KEY, tenant="acme", subject=name))
        again = await told(desk.agent.messages.SendMessage(send(name, request_id=name), metadata=SALES))
        assert hold_of(again) == hold_id
        assert await desk.decide(hold_id)
        assert state_of(await desk.ended(hold_id)) == "EXECUTED"
        again = await told(desk.agent.messages.SendMessage(send(name, request_id=name), metadata=SALES))
        assert again.reason == ""
    assert len(upstream.asked) == len(PEOPLE)


async def test_a_tenant_that_is_not_halted_or_has_what_nobody_knows_is_not_moved(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(spread(upstream, 1))
    with pytest.raises(ValueError, match="pilote stop all --tenant acme"):
        await run(world.redis, "acme", cells=4, language="en")
    await halt(world)
    await world.redis.set(f"{keys.cell('acme')}:surprise:x", "1")
    with pytest.raises(ValueError, match="surprise"):
        await run(world.redis, "acme", cells=4, language="en")
    assert await CellBook(world.redis).of("acme") == 1
    assert await run(world.redis, "acme", cells=None, language="fr") == "acme a 1 cellule(s)."
