"""A tenant with several cells: calls are kept, budgets shared out and deliveries heard of, whichever cell it is."""

from collections import Counter
from typing import Any

import pytest

from gateway.adapters.cells import CellBook
from gateway.adapters.consents import ConsentStore
from gateway.core import keys
from gateway.core.cells import event_home
from gateway.core.consents import Consent
from gateway.core.record import subject_ref
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from pilote.decision.v1.decision_service_pb2 import Outcome, ReportOutcomesRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from services.commands.holding import Holds
from tests.e2e.holding import HOLD_CONTACTS, Desk, hold_of, state_of
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import send
from tests.e2e.test_cells import CELLS, cell, one_in_each_cell
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, KEY, Told, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering

pytestmark = pytest.mark.every_store

SALES = credential("sales-bot")
SENT = SendMessageResponse(message=Message(name="messages/m-1", customer="ada@example.org"))


def spread(upstream: FakeUpstream, **sections: Any) -> Data:
    return policy(upstream.address, tenants=[{"name": "acme", "cells": CELLS}], **sections)


@pytest.fixture
async def desk(empty_world: World, upstream: FakeUpstream) -> Desk:
    """Messages need a person, on two gateways."""
    for _ in range(2):
        await empty_world.gateway()
    upstream.behave = answering(SENT.SerializeToString())
    await empty_world.publish(spread(upstream, rules=[HOLD_CONTACTS, allow_all()]))
    return Desk(empty_world)


async def test_a_call_of_any_cell_is_kept_found_by_its_name_and_made_once(desk: Desk, upstream: FakeUpstream) -> None:
    customers = one_in_each_cell()
    held = [await desk.held(request=send(name, request_id=f"k-{name}")) for name in customers]
    assert [(await desk.read(hold_id)).cell for hold_id in held] == list(range(CELLS))
    assert [state_of((await desk.get(hold_id)).response.hold) for hold_id in held] == ["PENDING"] * CELLS
    listed = await Holds(desk.world.redis, (HOLD_KEY,), tenant="", language="en").list()
    assert {row[0] for row in listed[1:]} == {f"holds/{hold_id}" for hold_id in held}

    waiting = [desk.wait(hold_id) for hold_id in held]
    for hold_id in held:
        assert await desk.decide(hold_id)
    assert [state_of((await each).hold) for each in waiting] == ["EXECUTED"] * CELLS
    repeats = [
        await told(desk.agent.messages.SendMessage(send(name, request_id=f"k-{name}"), metadata=SALES))
        for name in customers
    ]
    assert [each.response for each in repeats] == [SENT] * CELLS
    assert len(upstream.asked) == CELLS


async def test_a_kept_call_binds_its_idempotency_key_in_every_cell(desk: Desk) -> None:
    one, *others = one_in_each_cell()
    hold_id = await desk.held(request=send(one, request_id="k"))
    ended = [await told(desk.agent.messages.SendMessage(send(n, request_id="k"), metadata=SALES)) for n in others]
    assert {each.reason for each in ended} == {"IDEMPOTENCY_KEY_REUSED"}
    assert hold_of(await told(desk.agent.messages.SendMessage(send(one, request_id="k"), metadata=SALES))) == hold_id


async def test_the_cells_share_out_how_many_calls_may_wait(desk: Desk, upstream: FakeUpstream) -> None:
    rules = [HOLD_CONTACTS, allow_all()]
    await desk.world.publish(spread(upstream, rules=rules, holds={"max_open": 2 * CELLS + 1}))
    ended = await together(
        *(desk.agent.messages.SendMessage(send(name), metadata=SALES) for name in one_in_each_cell() * 3)
    )
    assert Counter(each.reason for each in ended) == {"APPROVAL_REQUIRED": 2 * CELLS, "LIMIT_EXCEEDED": CELLS}


QUOTA = {"used": {"header": "x-used", "pattern": "([0-9]+)"}}


@pytest.mark.parametrize(
    "limit",
    [
        {"max": 22, "window": "1d"},
        {"max": 22, "window": "1d", "cost": {"unit": "EUR", "estimate": "1"}},
        {"max": 22, "window": "1d", "quota": QUOTA},
        {"max": 22, "calendar": {"unit": "month", "zone": "UTC"}, "quota": QUOTA},
    ],
    ids=["window", "budget", "quota", "quota by calendar"],
)
async def test_what_all_cells_may_take_together_is_never_exceeded(
    desk: Desk, upstream: FakeUpstream, limit: Data
) -> None:
    await desk.world.publish(spread(upstream, limits=[{"name": "all", "by": ["upstream"], **limit}]))
    agents = [desk.world.agent(each) for each in desk.world.gateways]
    calls = (agents[n % 2].messages.SendMessage(send(f"contacts/c-{n}"), metadata=SALES) for n in range(150))
    ended = Counter(each.reason for each in await together(*calls))
    assert ended == {"": CELLS * (22 // CELLS), "LIMIT_EXCEEDED": 150 - CELLS * (22 // CELLS)}


async def test_what_an_upstream_tells_of_its_quota_counts_whole_in_each_cell(
    desk: Desk, upstream: FakeUpstream
) -> None:
    limit = {"name": "all", "by": ["upstream"], "max": 40, "calendar": {"unit": "month", "zone": "UTC"}, "quota": QUOTA}
    await desk.world.publish(spread(upstream, limits=[limit]))
    upstream.behave = answering(b"", trailers=(("x-used", "40"),))
    first, second = one_in_each_cell()[:2]
    stub = desk.agent.messages
    assert (await told(stub.SendMessage(send(first), metadata=SALES))).reason == ""
    await desk.world.settled(1)
    assert (await told(stub.SendMessage(send(first), metadata=SALES))).reason == "LIMIT_EXCEEDED"
    assert (await told(stub.SendMessage(send(second), metadata=SALES))).reason == ""  # it has not heard of it yet


def outcome(decision: str, event: str = "e-1") -> Outcome:
    return Outcome(decision=f"decisions/{decision}", type="delivered", event_id=event)


async def report(desk: Desk, *outcomes: Outcome) -> Told:
    stub = DecisionServiceStub(desk.agent.channel)
    return await told(stub.ReportOutcomes(ReportOutcomesRequest(outcomes=outcomes), metadata=SALES))


async def delivered(desk: Desk) -> list[int]:
    """How many contacts count for good, by cell."""
    counts = []
    for each in await CellBook(desk.world.redis).all_of("acme"):
        names = [key async for key in desk.world.redis.scan_iter(f"{each}:bucket:cap:*")]
        counts.append(sum([int(await desk.world.redis.zcard(key)) for key in names if b":open" not in key]))
    return counts


async def test_a_delivery_is_counted_in_the_cell_of_its_customer_and_kept_once(
    desk: Desk, upstream: FakeUpstream
) -> None:
    await desk.world.publish(spread(upstream, caps=[cap(9, counts_on="delivered")]))
    customers = one_in_each_cell()
    sent = [await told(desk.agent.messages.SendMessage(send(name), metadata=SALES)) for name in customers]
    await desk.world.settled(CELLS)
    outcomes = [outcome(each.decision) for each in sent]
    ended = [await report(desk, *outcomes) for _ in range(3)]
    assert [each.response.accepted_count for each in ended] == [CELLS, 0, 0]
    assert await delivered(desk) == [1] * CELLS
    homes = Counter(event_home(CELLS, each.decision) for each in sent)
    kept = [int(await desk.world.redis.xlen(keys.outcomes(keys.cell("acme", n)))) for n in range(CELLS)]
    assert kept == [homes[n] for n in range(CELLS)]


async def test_a_delivery_that_is_told_before_the_contact_is_settled_is_not_lost_in_any_cell(
    desk: Desk, upstream: FakeUpstream
) -> None:
    await desk.world.publish(spread(upstream, caps=[cap(9, counts_on="delivered")]))

    async def tell_at_once(asked: Any, _context: object) -> bytes:
        assert (await report(desk, outcome(str(asked.values("pilote-decision-id")[0])))).response.accepted_count == 1
        return b""

    upstream.behave = tell_at_once
    for name in one_in_each_cell():
        await told(desk.agent.messages.SendMessage(send(name), metadata=SALES))

    async def counted() -> bool | None:
        return await delivered(desk) == [1] * CELLS or None

    await eventually(counted, what="contacts that count")


async def test_what_a_customer_says_is_put_on_record_in_their_cell(desk: Desk, upstream: FakeUpstream) -> None:
    consents = [{"name": "opt-in", "channels": ["email"]}]
    await desk.world.publish(spread(upstream, consents=consents))
    stub = desk.agent.messages
    said = Consent(channel="email", status="granted", captured_ms=0)
    for name in one_in_each_cell():
        assert (await told(stub.SendMessage(send(name), metadata=SALES))).reason == "CONSENT_MISSING"
        ref = subject_ref(KEY, tenant="acme", subject=name)
        await ConsentStore(desk.world.redis).say("acme", ref, statements=(said,), now_ms=1)
        assert await desk.world.redis.exists(keys.facts(keys.cell("acme", cell(name)), ref))

        async def allowed(name: str = name) -> bool | None:
            return (await told(stub.SendMessage(send(name), metadata=SALES))).reason == "" or None

        await eventually(allowed, what="a consent that is known")
