"""Step 7: how an admitted call reaches an upstream, and how often."""

import time

import grpc

from tests.e2e.policy import Data, policy
from tests.e2e.requests import get
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")


def routed(crm: str, **route: object) -> Data:
    """A policy whose one route says this besides."""
    own: Data = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm"}]}
    return policy(crm, routes=[own | route])


async def test_a_route_may_give_its_calls_less_time_than_the_upstream_and_its_record_expires_with_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    await world.publish(routed(upstream.address, timeout="1s"))
    began = time.monotonic()
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert 0.9 < time.monotonic() - began < 15
    assert upstream.asked[0].remaining_s is not None
    assert upstream.asked[0].remaining_s < 1.1
    (kept,) = await world.settled(1)
    assert kept.record.expires_ms - kept.record.decided_ms == 61_000


async def test_the_callers_deadline_counts_where_it_is_the_shorter_one(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(routed(upstream.address, timeout="8s"))
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES, timeout=3))).code is grpc.StatusCode.OK
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    asked = [each.remaining_s or 0.0 for each in upstream.asked]
    assert 2 < asked[0] < 3.1  # grpc rounds up
    assert 7 < asked[1] < 8.1


async def test_a_call_that_takes_longer_than_its_objective_allows_is_settled_as_slow(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    slow = {"latency": {"within": "1ms", "percent": 99}}
    await world.publish(routed(upstream.address, objectives=slow))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    await world.publish(routed(upstream.address, objectives={"latency": {"within": "9s", "percent": 99}}))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    kept = await world.settled(2)
    assert [each.settlement.slow for each in kept if each.settlement] == [True, False]
