"""Routes, models and experiments over HTTP say what real calls have shown."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import get
from tests.e2e.steering import Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

HALVES = [{"name": "control", "weight": 5_000}, {"name": "bold", "weight": 5_000}]
TRIAL = {"name": "tone", "route": "crm", "arms": HALVES, "measures": ["error_rate"], "min_sample": 1}


@pytest.fixture
async def people(world: World, upstream: FakeUpstream, auditor: Auditor) -> AsyncIterator[Steering]:
    held = {"name": "quiet", "share": 100}
    await world.publish(policy(upstream.address, rules=[allow_all()], experiments=[TRIAL], holdouts=[held]))
    async with steering(world, audit=auditor.address) as found:
        yield found


async def test_an_experiment_says_what_calls_have_shown_of_it(people: Steering, world: World) -> None:
    agent = world.agent()
    for each in range(20):
        await told(agent.contacts.GetContact(get(f"contacts/c{each}"), metadata=credential("sales-bot")))

    async def counted() -> bool | None:
        _, shown = await people.ask("GET", "/v1/experiments/tone?looks=true")
        return sum(each["subjects"] for each in shown["now"]["counts"]) == 20 or None

    await eventually(counted, what="twenty people")
    _, shown = await people.ask("GET", "/v1/experiments/tone?looks=true")
    assert [each["name"] for each in shown["variations"]] == ["control", "bold"]
    (line,) = shown["now"]["measures"]
    assert (line["variation"], line["measure"], line["value"]) == ("bold", "error_rate", 0.0)
    assert line["low"] <= 0.0 <= line["high"]
    assert (shown["startTime"] is not None, shown["looks"]) == (True, [])
    assert (await people.ask("GET", "/v1/experiments"))[1]["experiments"][0]["coverage"] == 1.0


async def test_routes_and_holdouts_are_those_of_the_active_policy(people: Steering) -> None:
    _, routes = await people.ask("GET", "/v1/routes")
    (route,) = routes["routes"]
    assert (route["name"], route["arms"][0]["share"], route["experiments"]) == ("crm", 1.0, ["tone"])
    assert (await people.ask("GET", "/v1/routes/crm"))[1] == route
    assert (await people.ask("GET", "/v1/holdouts"))[1]["holdouts"][0]["share"] == 0.01
    assert (await people.ask("GET", "/v1/models"))[1]["models"] == []


@pytest.mark.parametrize("what", ["routes/none", "experiments/none"])
async def test_what_the_policy_has_not_is_not_found(people: Steering, what: str) -> None:
    status, refused = await people.ask("GET", f"/v1/{what}", accept_language="fr")
    assert (status, refused["reason"], "none" in refused["detail"]) == (404, "NOT_FOUND", True)


async def test_without_the_audit_service_nothing_is_made_up(world: World, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, experiments=[TRIAL]))
    async with steering(world) as people:
        assert (await people.ask("GET", "/v1/experiments/tone"))[1]["reason"] == "STORE_UNAVAILABLE"
        assert (await people.ask("GET", "/v1/experiments"))[0] == 200
