"""What goes through while the store is down, because the policy says so, and what is made good once it is back."""

import asyncio
from typing import Any

import grpc
import pytest

from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.stores import Store

SALES = credential("sales-bot")


def limit(**more: Any) -> Data:
    return {"name": "reads", "by": ["agent"], "operations": ["READ"]} | more


async def reads(agent: Agent, times: int) -> list[str]:
    return [(await told(agent.contacts.GetContact(get(ADA), metadata=SALES))).reason for _ in range(times)]


async def sends(agent: Agent, times: int, **fields: str) -> list[Told]:
    return [await told(agent.messages.SendMessage(send(ADA, **fields), metadata=SALES)) for _ in range(times)]


async def kept(world: World, count: int) -> list[Any]:
    """The records, once so many calls have been let through, recorded and settled."""

    async def look() -> list[Any] | None:
        found = [each for each in (await world.kept()).values() if each.outcome.granted and each.settlement]
        return found if len(found) >= count else None

    found = await eventually(look, what=f"{count} records")
    assert len(found) == count
    return found


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ({"rate": 3, "per": "1h", "on_store_error": "local"}, 3),
        ({"max": 3, "window": "1h", "on_store_error": "local"}, 3),
        ({"max": 3, "calendar": {"unit": "year", "zone": "UTC"}, "on_store_error": "local"}, 3),
        ({"rate": 3, "per": "1h", "on_store_error": "open"}, 6),
        ({"rate": 3, "per": "1h"}, 0),
    ],
    ids=["a local rate", "a local window", "a local calendar", "open", "closed"],
)
async def test_each_limit_says_what_goes_through(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, shape: Data, wanted: int
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    await world.publish(policy(upstream.address, limits=[limit(**shape)]))
    own_redis.kill()
    ended = await reads(agent, 6)
    other = "STORE_UNAVAILABLE" if wanted == 0 else "LIMIT_EXCEEDED"
    assert ended == [""] * wanted + [other] * (6 - wanted)
    assert len(upstream.messages) == wanted
    await asyncio.to_thread(own_redis.start)
    await kept(world, wanted)


async def test_what_was_sent_meanwhile_counts_in_its_cap_once_the_store_is_back(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    await world.publish(policy(upstream.address, caps=[cap(4, on_store_error="local")]))
    assert [each.reason for each in await sends(agent, 1)] == [""]
    own_redis.kill()
    assert [each.reason for each in await sends(agent, 2)] == ["", ""]
    await asyncio.to_thread(own_redis.start)
    await kept(world, 3)
    assert await world.taken() == 3
    assert [each.reason for each in await sends(agent, 2)] == ["", "CAP_EXCEEDED"]


async def test_a_repeat_is_never_let_through_for_nobody_knows_whether_it_is_one(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    await world.publish(policy(upstream.address, caps=[cap(4, on_store_error="open")]))
    own_redis.kill()
    ended = await told(agent.messages.SendMessage(send(ADA, request_id="one"), metadata=SALES))
    assert ended.reason == "STORE_UNAVAILABLE"
    assert upstream.messages == []


async def test_a_rule_that_needs_what_cannot_be_read_counts_as_its_on_error(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    consent = {
        "name": "consent",
        "effect": "deny",
        "operations": ["CONTACT"],
        "when": 'call.category == "marketing" && !facts.consents[call.channel]',
        "reason": "CONSENT_MISSING",
    }
    rules = [allow_all(), consent]
    await world.publish(policy(upstream.address, rules=rules, caps=[cap(9, on_store_error="open", exempt=[])]))
    own_redis.kill()
    assert [each.reason for each in await sends(agent, 1)] == ["CONSENT_MISSING"]
    assert [each.reason for each in await sends(agent, 1, category="transactional")] == [""]


async def test_a_frozen_store_delays_the_first_call_only_and_counts_nothing_twice(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world = fragile_world
    quick = await world.gateway(store_timeout_ms=100)
    await world.publish(policy(upstream.address, caps=[cap(9, on_store_error="local")]))
    agent = world.agent(quick)
    assert [each.reason for each in await sends(agent, 1)] == [""]
    own_redis.freeze()
    try:
        ended = await sends(agent, 3)
    finally:
        own_redis.thaw()
    assert [each.code for each in ended] == [grpc.StatusCode.OK] * 3

    async def counted() -> bool | None:
        return await world.taken() == 4 or None

    await eventually(counted, what="four contacts counted")
    assert len(upstream.messages) == 4
