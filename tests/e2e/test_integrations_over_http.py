"""Systems are seen over HTTP as they do: calls, failures and times, breakers by worker, quotas, and feeds."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from gateway.core.keys import WORKERS
from services.control.access.rights import Role
from tests.e2e.policy import Data, policy
from tests.e2e.policy import agent as agent_of
from tests.e2e.requests import get
from tests.e2e.steering import Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = credential("sales-bot")
GLOBEX = {"globex": [Role.MODERATOR]}
DOWN = grpc.StatusCode.UNAVAILABLE
BREAKER: Data = {"percent": 50, "min_calls": 2, "window": "60s", "open": "50ms"}


@pytest.fixture
async def people(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def published(people: Steering, world: World, data: Data) -> None:
    await world.publish(data)
    await people.follow()


async def shown(people: Steering, **who: Any) -> Any:
    status, answer = await people.ask("GET", "/v1/integrations", **who)
    assert status == 200
    return answer


async def test_systems_are_seen_with_their_failures_and_feeds_with_when_they_were_heard(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    agent = world.agent()
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    await told(agent.contacts.GetContact(get(), metadata=SALES))

    async def seen() -> bool | None:
        health = (await shown(people))["connectors"][0]["health"]
        return (health["calls"] == 2 and health["errorShare"] == 0.5) or None

    await eventually(seen, what="two calls, one failed")
    found = await shown(people)
    (crm,) = found["connectors"]
    assert (crm["name"], crm["routes"], crm["addresses"]) == ("crm", ["crm"], 1)
    feeds = {each["name"]: each for each in found["feeds"]}
    assert (feeds["crm"]["calls"], feeds["tracking"]["calls"]) == (2, 0)
    assert (feeds["crm"]["lagSeconds"] >= 0, feeds["tracking"]["lastCallTime"]) == (True, None)
    assert 0 < crm["health"]["medianMs"] <= crm["health"]["p95Ms"] < 10_000
    assert (crm["breaker"], crm["guards"], found["quotas"]) == (False, [], [])
    assert (await shown(people, roles=GLOBEX))["connectors"][0]["health"]["calls"] == 0


async def test_a_breaker_is_seen_to_open_on_its_worker_and_to_close_again(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    crm = {"name": "crm", "address": upstream.address, "breaker": BREAKER}
    await published(people, world, policy(upstream.address, upstreams=[crm]))
    agent = world.agent()

    async def told_of(state: str, *, at_least: int) -> Any:
        (system,) = (await shown(people))["connectors"]
        guards = system["guards"]
        if [each["breaker"] for each in guards] == [state] and guards[0]["openings"] >= at_least:
            return guards[0]
        return None

    first = await eventually(lambda: told_of("closed", at_least=0), what="a closed breaker")
    assert (first["worker"].partition("-")[0], first["openings"], first["ejected"]) == ("gateway", 0, 0)

    upstream.behave = failing(DOWN)
    for _ in range(3):
        assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "UPSTREAM_UNAVAILABLE"

    async def trying() -> Any:  # each try that fails opens it anew, so that it is open or half-open when it is told
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        return await told_of("open", at_least=1) or await told_of("half-open", at_least=1)

    await eventually(trying, what="a breaker that is open")
    upstream.behave = answering(b"")

    async def well() -> Any:
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        return await told_of("closed", at_least=1) if ended.code is grpc.StatusCode.OK else None

    await eventually(well, what="a breaker that is closed again")

    async def counted() -> bool | None:
        health = (await shown(people))["connectors"][0]["health"]
        return (health["unavailable"] >= 3 and health["calls"] > health["unavailable"]) or None

    await eventually(counted, what="calls that were not answered")


async def test_what_is_left_of_quotas_is_seen_as_gateways_count_it_by_tenant(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    limits: list[Data] = [
        {
            "name": "their-own", "by": ["upstream"], "max": 1000, "window": "1d",
            "quota": {"used": {"header": "used", "pattern": "([0-9]+)/"}, "max": {"header": "most"}},
        },
        {"name": "tokens", "by": ["agent"], "max": 1000, "calendar": {"unit": "month", "zone": "UTC"},
         "cost": {"estimate": "70", "unit": "tokens"}},
        {"name": "calls", "by": ["tenant", "upstream"], "max": 4, "window": "1h", "mode": "monitor"},
        {"name": "unrelated", "by": ["agent"], "rate": 100},
        {"name": "anyone", "by": ["subject"], "max": 100, "window": "1h", "on_missing": "skip"},
    ]  # fmt: skip
    agents = [agent_of("sales-bot"), agent_of("idle-bot"), agent_of("other-bot", tenant="globex")]
    await published(people, world, policy(upstream.address, limits=limits, agents=agents))
    upstream.behave = answering(b"", trailers=(("used", "30/"), ("most", "50")))
    assert (await told(world.agent().contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK

    async def heard() -> Any:
        found = {each["limit"]: each for each in (await shown(people))["quotas"]}
        return found if found["their-own"]["toldTime"] else None

    found = await eventually(heard, what="what the upstream has told")
    kept = ("kind", "by", "used", "most", "left", "upstreams", "mode", "tenant")
    assert {name: tuple(each[key] for key in kept) for name, each in found.items()} == {
        "their-own": ("quota", "upstream=crm", 30, 50, 20, ["crm"], "enforce", "acme"),
        "tokens": ("budget", "agent=sales-bot", 70, 1000, 930, [], "enforce", "acme"),
        "calls": ("window", "tenant=acme,upstream=crm", 1, 4, 3, ["crm"], "monitor", "acme"),
    }
    assert [each["resetTime"] is None for each in found.values()] == [True, True, False]  # the fullest first
    assert [found["calls"]["periodSeconds"], found["their-own"]["share"]] == [3600, 0.6]
    elsewhere = (await shown(people, roles=GLOBEX))["quotas"]
    assert {(each["limit"], each["tenant"], each["used"]) for each in elsewhere} == {
        ("their-own", "globex", 0),
        ("calls", "globex", 0),
    }


async def test_what_the_audit_service_or_a_worker_does_not_say_is_not_made_up(world: World) -> None:
    async with steering(world) as people:
        (crm,) = (await shown(people))["connectors"]
        assert (crm["health"], crm["lastCallTime"], crm["guards"]) == (None, None, [])
        await world.redis.delete(WORKERS)
        await world.redis.set(WORKERS, "no set")
        found = await shown(people)
        assert ([each["guards"] for each in found["connectors"]], found["quotas"]) == ([None], [])
        await world.redis.delete(WORKERS)
