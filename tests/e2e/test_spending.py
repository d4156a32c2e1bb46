"""Budgets that settle with what a call really cost, and an upstream's own quota, shared by priority."""

import grpc
import pytest

from gateway.core.record import Settlement
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactResponse
from tests.e2e.policy import Data, policy
from tests.e2e.policy import agent as agent_of
from tests.e2e.requests import ADA, get
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Told, World, credential, told
from tests.fakes.upstream import Behaviour, FakeUpstream, answering, failing

SALES = credential("sales-bot")
MARKETING = credential("marketing-bot")


def budget(most: int, **cost: str) -> Data:
    """A budget of all agents together, in millionths of a euro."""
    return {
        "name": "spend",
        "methods": ["/pilote.crm.v1.ContactService/GetContact"],
        "by": ["tenant"],
        "max": most,
        "window": "1d",
        "cost": {"unit": "EUR/1000000"} | cost,
    }


async def read(agent: Agent, metadata: tuple[tuple[str, str | bytes], ...] = SALES) -> Told:
    return await told(agent.contacts.GetContact(get(ADA), metadata=metadata))


async def spent(world: World) -> int:
    """What the budget holds, once every call is settled."""

    async def look() -> int | None:
        kept = (await world.kept()).values()
        if any(each.outcome.granted and each.settlement is None for each in kept):
            return None
        found = [key async for key in world.redis.scan_iter("*:bucket:budget:spend:*")]
        values = [value for key in found for value in await world.redis.hvals(key)]
        return sum(int(value) for value in values)

    return await eventually(look, what="settled calls")


@pytest.mark.parametrize(
    "case",
    [
        ("size(response.contact.display_name)", 3, (), 3),
        ('int(trailers["x-cost"])', 0, (("x-cost", "1234"),), 1234),
        ('int(trailers["x-cost"])', 0, (("x-cost", "much"),), 40),
        ('int(trailers["x-cost"])', 0, (), 40),
        ('int(trailers["x-cost"])', 0, (("x-cost", "-5"),), 40),
    ],
    ids=["of the response", "of a trailer", "no number", "not told", "less than nothing"],
)
async def test_a_budget_settles_with_the_actual_cost_or_else_with_the_estimate(
    world: World, agent: Agent, upstream: FakeUpstream, case: tuple[str, int, tuple[tuple[str, str], ...], int]
) -> None:
    actual, response, trailers, cost = case
    await world.publish(policy(upstream.address, limits=[budget(100_000, estimate="40", actual=actual)]))
    message = GetContactResponse(contact=Contact(display_name="x" * response))
    upstream.behave = answering(message.SerializeToString(), trailers=trailers)
    assert (await read(agent)).code is grpc.StatusCode.OK
    assert await spent(world) == cost
    kept = await world.settled(1)
    assert kept[0].record.buckets[0].cost == 40
    settlement = kept[0].settlement or Settlement(id="", settled_ms=0, status="")
    assert settlement.costs == ({"spend": cost} if cost != 40 else {})


@pytest.mark.parametrize(
    ("behaviour", "cost"),
    [(failing(grpc.StatusCode.NOT_FOUND), 0), (failing(grpc.StatusCode.UNAVAILABLE), 0)],
    ids=["refused by the upstream", "a read that failed"],
)
async def test_what_was_not_carried_out_costs_nothing(
    world: World, agent: Agent, upstream: FakeUpstream, behaviour: Behaviour, cost: int
) -> None:
    await world.publish(policy(upstream.address, limits=[budget(100, estimate="40")]))
    upstream.behave = behaviour
    await read(agent)
    assert await spent(world) == cost


async def test_a_call_that_the_rest_of_the_budget_does_not_cover_is_refused_with_what_is_left(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, limits=[budget(100, estimate="40 + size(request.name)")]))
    cost = 40 + len(ADA)
    first, second = await read(agent), await read(agent, MARKETING)
    assert first.code is grpc.StatusCode.OK
    assert second.reason == "LIMIT_EXCEEDED"
    assert f"does not suffice for {cost}: {cost} of 100 are spent within 1 d" in second.text


async def test_an_estimate_below_nothing_or_beyond_all_bounds_refuses_the_call(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    for estimate in ("-1", "size(request.name) / 0", "9007199254740993"):
        await world.publish(policy(upstream.address, limits=[budget(100, estimate=estimate)]))
        assert (await read(agent)).reason == "LIMIT_EXCEEDED"
    assert upstream.messages == []


def quota(**more: object) -> Data:
    return {
        "name": "salesforce",
        "by": ["upstream"],
        "max": 1000,
        "window": "1d",
        "quota": {
            "used": {"header": "sforce-limit-info", "pattern": "api-usage=([0-9]+)/"},
            "max": {"header": "sforce-limit-info", "pattern": "api-usage=[0-9]+/([0-9]+)"},
            "shares": {"0": 80},
        },
    } | more


async def test_agents_of_low_priority_stop_before_the_upstreams_quota_is_used_up_and_others_go_on(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    agents = [agent_of("sales-bot") | {"priority": 9}, agent_of("marketing-bot")]
    await world.publish(policy(upstream.address, limits=[quota()], agents=agents))
    upstream.behave = answering(b"", trailers=(("sforce-limit-info", "api-usage=79/100"),))
    assert (await read(agent, MARKETING)).code is grpc.StatusCode.OK

    async def refused() -> Told | None:
        found = await read(agent, MARKETING)
        return found if found.reason else None

    upstream.behave = answering(b"", trailers=(("sforce-limit-info", "api-usage=80/100"),))
    low = await eventually(refused, what="a refusal")
    assert low.reason == "LIMIT_EXCEEDED"
    assert "80 calls are counted" in low.text
    assert (await read(agent)).code is grpc.StatusCode.OK
    upstream.behave = answering(b"", trailers=(("sforce-limit-info", "api-usage=100/100"),))
    assert (await read(agent)).code is grpc.StatusCode.OK

    async def used_up() -> bool | None:
        return (await read(agent)).reason == "LIMIT_EXCEEDED" or None

    await eventually(used_up, what="nothing left")


async def test_a_remaining_count_in_the_initial_metadata_is_heard_too(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    told_of = {
        "remaining": {"header": "x-hubspot-ratelimit-daily-remaining"},
        "max": {"header": "x-hubspot-ratelimit-daily"},
    }
    await world.publish(policy(upstream.address, limits=[quota(name="hubspot", quota=told_of)]))

    async def behave(asked: object, context: grpc.aio.ServicerContext) -> bytes:  # type: ignore[type-arg]
        del asked
        pairs = (("x-hubspot-ratelimit-daily-remaining", "0"), ("x-hubspot-ratelimit-daily", "250000"))
        await context.send_initial_metadata(pairs)
        return b""

    upstream.behave = behave
    assert (await read(agent)).code is grpc.StatusCode.OK

    async def refused() -> bool | None:
        return (await read(agent)).reason == "LIMIT_EXCEEDED" or None

    await eventually(refused, what="a refusal")
