"""A tenant with several cells: caps stay exact, limits are never exceeded, and stops, facts and keys work as before."""

from collections import Counter
from typing import Any

import grpc
import pytest

from gateway.adapters import facts
from gateway.adapters.cells import CellsFixed
from gateway.adapters.stops import StopStore
from gateway.core.call import Facts
from gateway.core.cells import cell_of
from gateway.core.record import subject_ref
from gateway.core.stops import ALL, Stop
from pilote.crm.v1.contact_service_pb2 import ListContactsRequest
from tests.e2e.policy import Data, agent, allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Auditor, World, auditing, credential, together, told
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.every_store

CELLS = 4
BOTS = tuple(f"bot-{n}" for n in range(5))
BOT = credential(BOTS[0])


def spread(upstream: FakeUpstream, **sections: Any) -> Data:
    """Five agents of one tenant with four cells."""
    many: Data = {"tenants": [{"name": "acme", "cells": CELLS}], "agents": [agent(name) for name in BOTS]}
    return policy(upstream.address, **(many | sections))


def cell(customer: str) -> int:
    return cell_of(CELLS, subject_ref(KEY, tenant="acme", subject=customer))


def one_in_each_cell() -> list[str]:
    found = {cell(f"contacts/c-{n}"): f"contacts/c-{n}" for n in range(50)}
    return [found[number] for number in range(CELLS)]


@pytest.fixture
async def world(empty_world: World, upstream: FakeUpstream) -> World:
    """Two gateways."""
    for _ in range(2):
        await empty_world.gateway()
    await empty_world.publish(spread(upstream))
    return empty_world


async def test_of_two_hundred_contacts_at_once_by_five_agents_over_two_gateways_exactly_the_cap_of_three_gets_through(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(spread(upstream, caps=[cap(3)]))
    agents = [world.agent(each) for each in world.gateways]
    calls = (agents[n % 2].messages.SendMessage(send(), metadata=credential(BOTS[n % 5])) for n in range(200))

    ended = Counter(each.reason for each in await together(*calls))

    assert ended == {"": 3, "CAP_EXCEEDED": 197}
    assert (len(upstream.asked), await world.taken()) == (3, 3)
    assert len(await world.settled(200)) == 200


async def test_each_customers_cap_is_exact_wherever_its_cell_is(world: World, upstream: FakeUpstream) -> None:
    await world.publish(spread(upstream, caps=[cap(2)]))
    agents = [world.agent(each) for each in world.gateways]
    customers = [f"contacts/c-{n}" for n in range(20)]
    calls = (agents[n % 2].messages.SendMessage(send(customers[n % 20]), metadata=BOT) for n in range(100))

    ended = Counter(each.reason for each in await together(*calls))

    assert ended == {"": 40, "CAP_EXCEEDED": 60}
    assert await world.taken() == 40


@pytest.mark.parametrize("by", ["tenant", "agent", "channel"])
async def test_a_limit_for_all_is_shared_out_and_never_exceeded(world: World, upstream: FakeUpstream, by: str) -> None:
    await world.publish(spread(upstream, limits=[{"name": "all", "by": [by], "rate": 22, "per": "24h"}]))
    agents = [world.agent(each) for each in world.gateways]
    calls = (agents[n % 2].messages.SendMessage(send(f"contacts/c-{n}"), metadata=BOT) for n in range(150))

    ended = Counter(each.reason for each in await together(*calls))

    assert ended == {"": CELLS * (22 // CELLS), "LIMIT_EXCEEDED": 150 - CELLS * (22 // CELLS)}


async def test_calls_that_name_no_customer_use_every_cells_share(world: World, upstream: FakeUpstream) -> None:
    await world.publish(spread(upstream, limits=[{"name": "all", "by": ["agent"], "rate": 20, "per": "24h"}]))
    stub = world.agent().contacts

    ended = Counter(
        each.reason for each in await together(*(stub.ListContacts(_list(), metadata=BOT) for _ in range(100)))
    )

    assert ended == {"": 20, "LIMIT_EXCEEDED": 80}


def _list() -> ListContactsRequest:
    return ListContactsRequest(page_size=1)


async def test_an_idempotency_key_stands_for_one_request_whichever_cell_another_would_go_to(
    world: World, upstream: FakeUpstream
) -> None:
    agents = [world.agent(each) for each in world.gateways]
    customers = one_in_each_cell()
    first = await told(agents[0].messages.SendMessage(send(customers[0], request_id="k"), metadata=BOT))
    others = await together(
        *(a.messages.SendMessage(send(name, request_id="k"), metadata=BOT) for name in customers[1:] for a in agents)
    )
    again = await told(agents[1].messages.SendMessage(send(customers[0], request_id="k"), metadata=BOT))

    assert {(each.code, each.reason) for each in others} == {(grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")}
    assert (first.code, again.code, again.response) == (grpc.StatusCode.OK, grpc.StatusCode.OK, first.response)
    assert len(upstream.asked) == 1
    assert len(await world.settled(2 + len(others))) == 2 + len(others)


async def test_of_a_hundred_at_once_with_one_key_and_other_customers_one_gets_through(
    world: World, upstream: FakeUpstream
) -> None:
    agents = [world.agent(each) for each in world.gateways]
    calls = (
        agents[n % 2].messages.SendMessage(send(f"contacts/c-{n}", request_id="k"), metadata=BOT) for n in range(100)
    )
    ended = Counter(each.reason for each in await together(*calls))
    assert ended == {"": 1, "IDEMPOTENCY_KEY_REUSED": 99}
    assert len(upstream.asked) == 1


async def test_a_stop_halts_every_cell_and_is_lifted_from_every_cell(world: World) -> None:
    agents = [world.agent(each) for each in world.gateways]
    store = StopStore(world.redis)
    stop = Stop(what=ALL, reason="it drifts", since_ms=0)

    async def reasons() -> set[str]:
        calls = (a.messages.SendMessage(send(name), metadata=BOT) for name in one_in_each_cell() for a in agents)
        return {each.reason for each in await together(*calls)}

    await store.stop("acme", stop)
    assert await reasons() == {"STOPPED"}
    assert await store.list("acme") == (stop,)
    assert await store.resume("acme", ALL)
    assert await reasons() == {""}


async def test_what_is_known_of_a_customer_lies_in_its_cell_and_a_change_is_heard_from_there(
    world: World, upstream: FakeUpstream
) -> None:
    denies = {"name": "french", "effect": "deny", "when": 'facts.language == "fr"', "on_error": "deny"}
    await world.publish(spread(upstream, rules=[allow_all(), denies]))
    stub = world.agent().contacts

    for language, wanted in (("fr", "POLICY_DENIED"), ("en", ""), ("fr", "POLICY_DENIED")):
        for customer in one_in_each_cell():
            ref = subject_ref(KEY, tenant="acme", subject=customer)
            await facts.put(world.redis, "acme", subject_ref=ref, facts=Facts(language=language))

        async def known(wanted: str = wanted) -> bool | None:
            calls = (stub.GetContact(get(name), metadata=BOT) for name in one_in_each_cell())
            return {each.reason for each in await together(*calls)} == {wanted} or None

        assert await eventually(known, what=f"{language} is known in every cell")


async def test_the_decisions_of_every_cell_reach_the_auditor(world: World, redis_url: str) -> None:
    stub = world.agent().messages
    ended = await together(*(stub.SendMessage(send(name), metadata=BOT) for name in one_in_each_cell()))

    async with auditing(redis_url, world.home / "audit") as auditor:
        found = [await _decision(auditor, each.decision) for each in ended]

    assert found == [each.decision for each in ended]
    assert {each.record.cell for each in await world.settled(CELLS)} == set(range(CELLS))


async def _decision(auditor: Auditor, name: str) -> str:
    return (await auditor.decision(name)).name.removeprefix("decisions/")


@pytest.mark.parametrize("cells", [1, 3, 5])
async def test_a_policy_with_another_number_of_cells_is_refused_and_the_old_one_goes_on(
    world: World, upstream: FakeUpstream, cells: int
) -> None:
    await world.publish(spread(upstream, caps=[cap(1)]))
    stub = world.agent().messages
    await stub.SendMessage(send(), metadata=BOT)
    with pytest.raises(CellsFixed) as refused:
        await world.publish(spread(upstream, tenants=[{"name": "acme", "cells": cells}]))
    assert (refused.value.tenant, refused.value.cells, refused.value.wanted) == ("acme", CELLS, cells)
    assert (await told(stub.SendMessage(send(), metadata=BOT))).reason == "CAP_EXCEEDED"
