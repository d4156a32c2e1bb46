"""Two people never decide about the same kept call, and what they decide happens to the agent's real call."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.core import keys
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from services.control.access.rights import Role
from tests.e2e.holding import HOLD_CONTACTS, HOUR_MS, Desk
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import send
from tests.e2e.steering import Steering, steering
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream, answering

WHY = {"reason": "her own wish"}
SRE = {"acme": [Role.SRE]}


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream) -> Desk:
    """Messages need a person."""
    upstream.behave = answering(SendMessageResponse().SerializeToString())
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS, allow_all()]))
    return Desk(world)


@pytest.fixture
async def people(desk: Desk, world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def test_a_call_that_is_claimed_and_approved_is_made(
    people: Steering, desk: Desk, upstream: FakeUpstream, world: World
) -> None:
    held = await desk.held()
    _, listed = await people.ask("GET", "/v1/holds")
    (waiting,) = listed["holds"]
    assert (waiting["name"], waiting["state"], waiting["rule"], waiting["lease"]) == (
        f"holds/{held}",
        "PENDING",
        "two-eyes",
        None,
    )

    status, claimed = await people.ask("POST", f"/v1/holds/{held}:claim")
    assert (status, claimed["lease"]["holder"]) == (200, "zoe")
    status, stored = await people.ask("GET", f"/v1/holds/{held}/request")
    rows = {row["path"]: row for row in stored["rows"]}
    assert rows["message.body"] == {
        "path": "message.body",
        "value": send().message.body,
        "sensitivity": "PERSONAL",
    }
    status, done = await people.ask("POST", f"/v1/holds/{held}:approve", WHY)

    assert (status, done["state"], done["decider"], done["reason"]) == (200, "APPROVED", "zoe", "her own wish")
    assert (await desk.ended(held)).status == "OK"
    assert len(upstream.asked) == 1
    _, after = await people.ask("GET", f"/v1/holds/{held}")
    assert (after["state"], after["status"], after["lease"]) == ("EXECUTED", "OK", None)
    assert after["result"].startswith("decisions/")
    assert (await people.ask("GET", "/v1/holds"))[1]["holds"] == []


async def test_of_many_who_claim_and_decide_at_once_one_does(people: Steering, desk: Desk) -> None:
    held = await desk.held()
    names = [f"person-{each}" for each in range(20)]
    claims = await asyncio.gather(*(people.ask("POST", f"/v1/holds/{held}:claim", who=name) for name in names))
    assert sorted(status for status, _ in claims) == [200] + [409] * 19
    told = await asyncio.gather(*(people.ask("POST", f"/v1/holds/{held}:refuse", WHY, who=name) for name in names))
    assert sorted(status for status, _ in told) == [200] + [409] * 19


async def test_who_looks_at_it_keeps_others_from_deciding_until_their_time_is_over(
    people: Steering, desk: Desk, world: World
) -> None:
    held = await desk.held()
    status, refused = await people.ask("POST", f"/v1/holds/{held}:refuse", WHY)
    assert (status, refused["reason"]) == (409, "CONFLICT")
    await people.ask("POST", f"/v1/holds/{held}:claim", who="bob")
    status, refused = await people.ask("POST", f"/v1/holds/{held}:refuse", WHY, accept_language="fr")
    assert (status, "bob examine" in refused["detail"]) == (409, True)
    assert (await people.ask("GET", f"/v1/holds/{held}"))[1]["lease"]["holder"] == "bob"

    world.ahead_ms = 6 * 60_000
    assert (await people.ask("GET", f"/v1/holds/{held}"))[1]["lease"] is None
    assert (await people.ask("POST", f"/v1/holds/{held}:claim"))[0] == 200
    assert (await people.ask("POST", f"/v1/holds/{held}:release", who="bob"))[1]["lease"]["holder"] == "zoe"
    assert (await people.ask("POST", f"/v1/holds/{held}:release"))[1]["lease"] is None


async def test_what_is_decided_or_too_old_is_said_so(people: Steering, desk: Desk, world: World) -> None:
    held, other = await desk.held(), await desk.held()
    await people.ask("POST", f"/v1/holds/{held}:claim")
    await people.ask("POST", f"/v1/holds/{held}:refuse", WHY)
    status, late = await people.ask("POST", f"/v1/holds/{held}:approve", WHY, who="bob")
    assert (status, "zoe has decided (her own wish)" in late["detail"]) == (409, True)
    assert (await people.ask("POST", f"/v1/holds/{held}:claim"))[0] == 409

    world.ahead_ms = 23 * HOUR_MS
    await people.ask("POST", f"/v1/holds/{other}:claim")
    world.ahead_ms = 25 * HOUR_MS
    assert (await people.ask("POST", f"/v1/holds/{other}:approve", WHY))[0] == 409


async def test_a_call_that_somebody_has_changed_can_only_be_refused(people: Steering, desk: Desk, world: World) -> None:
    held = await desk.held()
    await world.redis.hset(keys.hold(keys.cell("acme"), held), "request", "PLT1 nonsense")
    await people.ask("POST", f"/v1/holds/{held}:claim")
    assert (await people.ask("GET", f"/v1/holds/{held}/request"))[1]["state"] in ("DAMAGED", "KEY_MISSING")
    assert (await people.ask("POST", f"/v1/holds/{held}:approve", WHY))[0] == 409
    assert (await people.ask("POST", f"/v1/holds/{held}:refuse", WHY))[0] == 200


@pytest.mark.parametrize("hold", ["0" * 32, "none", "a%20b", "ab:cd"])
async def test_what_is_not_there_is_not_found(people: Steering, hold: str) -> None:
    assert (await people.ask("GET", f"/v1/holds/{hold}"))[0] == 404
    assert (await people.ask("POST", f"/v1/holds/{hold}:claim"))[0] == 404


@pytest.mark.parametrize("body", [None, {}, {"reason": ""}, {"reason": "x" * 1_001}, {"reason": "x", "by": "bob"}])
async def test_a_decision_needs_a_reason_and_nobody_says_whose_it_is(
    people: Steering, desk: Desk, body: object
) -> None:
    held = await desk.held()
    await people.ask("POST", f"/v1/holds/{held}:claim")
    assert (await people.ask("POST", f"/v1/holds/{held}:approve", body))[0] == 400


async def test_who_may_only_see_reads_no_request_and_decides_nothing(people: Steering, desk: Desk) -> None:
    held = await desk.held()
    assert (await people.ask("GET", f"/v1/holds/{held}", roles=SRE))[0] == 200
    for method, what in (("GET", "/request"), ("POST", ":claim"), ("POST", ":approve"), ("POST", ":refuse")):
        status, refused = await people.ask(method, f"/v1/holds/{held}{what}", WHY, roles=SRE)
        assert (status, refused["right"]) == (403, "holds.decide")
    elsewhere = {"globex": [Role.MODERATOR]}
    assert (await people.ask("GET", f"/v1/holds/{held}", roles=elsewhere))[0] == 404
    assert (await people.ask("GET", "/v1/holds", roles=elsewhere))[1]["holds"] == []
