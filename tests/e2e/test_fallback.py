"""Arms that take over: what serves a call whose chosen arm cannot, and what holds for it then."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from open_inference.grpc import protocol as oip

from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, GetContactResponse, UpdateContactRequest
from pilote.crm.v1.message_service_pb2 import SendMessagesResponse
from tests.adapters.conftest import freeze, thaw
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import INFER, Data, allow_all, policy, scoring
from tests.e2e.requests import get, infer, one_by_one, send_one
from tests.e2e.test_trying import DOWN, fakes, sure, tried
from tests.e2e.waiting import until
from tests.e2e.world import Agent, Kept, Told, World, credential, told
from tests.fakes.upstream import Asked, FakeUpstream, answering, failing
from tests.services.ports import free
from tests.stores import Store

SALES = credential("sales-bot")
RESEARCH = credential("research-bot")


def either(one: str, other: str, **sections: Any) -> Data:
    """A policy with one route, whose arm `main` has `spare` to fall back on."""
    route = {
        "name": "crm",
        "methods": ["/pilote.crm.v1.*"],
        "arms": [{"name": "main", "upstream": "one"}, {"name": "spare", "upstream": "other", "weight": 0}],
        "fallback": ["spare"],
    }
    upstreams = [{"name": "one", "address": one}, {"name": "other", "address": other}]
    return policy("127.0.0.1:1", **({"upstreams": upstreams, "routes": [route]} | sections))


def scored(one: str, two: str, **sections: Any) -> Data:
    """The demonstration's policy, whose champion has the challenger to fall back on."""
    data = scoring(one, two, crm="127.0.0.1:1", weights=(10_000, 0))
    data["routes"][1]["fallback"] = ["challenger"]
    data["rules"] = [allow_all()]
    data["limits"] = []
    data["caps"] = []
    return data | sections


@pytest.fixture
async def spare() -> AsyncIterator[FakeUpstream]:
    """The upstream that takes over."""
    async with fakes(1) as (fake,):
        yield fake


@pytest.fixture
def nobody() -> str:
    """An address that nobody listens on."""
    return f"127.0.0.1:{free(1)[0]}"


async def calls(world: World) -> list[Kept]:
    """The decisions about calls, without those that admit another arm."""
    return [each for each in (await world.kept()).values() if not each.record.standby]


async def asked(world: World, **request: str) -> Told:
    """A score."""
    return await told(world.raw().unary_unary(INFER)(infer(**request).SerializeToString(), metadata=RESEARCH))


@pytest.mark.parametrize("write", [True, False])
async def test_another_arm_serves_what_the_chosen_one_certainly_has_not(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str, *, write: bool
) -> None:
    await world.publish(either(nobody, spare.address))
    call = (
        agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES)
        if write
        else agent.contacts.GetContact(get(), metadata=SALES)
    )
    assert (await told(call)).code is grpc.StatusCode.OK
    kept, standby = await world.settled(2)
    assert tried(kept) == [("", "UNAVAILABLE"), ("fallback", "OK")]
    assert kept.settlement is not None
    assert (kept.record.arm, kept.record.upstream) == ("main", "one")
    assert (kept.settlement.arm, kept.settlement.upstream) == ("spare", "other")
    assert (standby.record.standby, standby.record.parent, standby.record.arm) == (True, kept.record.id, "spare")


async def test_a_read_that_failed_goes_elsewhere_and_a_write_that_may_have_been_done_does_not(
    world: World, agent: Agent, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN)
    await world.publish(either(upstream.address, spare.address))
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    created = await told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    updated = await told(agent.contacts.UpdateContact(UpdateContactRequest(), metadata=SALES))
    assert (created.reason, updated.reason) == ("UPSTREAM_IN_DOUBT", "UPSTREAM_UNAVAILABLE")
    assert len(spare.asked) == 1


async def test_the_version_that_serves_is_written_into_the_request_and_told_to_the_caller(
    world: World, spare: FakeUpstream, nobody: str
) -> None:
    spare.behave = answering(b"")
    await world.publish(scored(nobody, spare.address))
    answer = await asked(world, subject="contacts/ada")
    assert (answer.code, answer.trailers["pilote-version"]) == (grpc.StatusCode.OK, "2")
    assert oip.ModelInferRequest.FromString(spare.messages[0]).model_version == "2"
    kept = (await world.settled(2))[0]
    assert kept.settlement is not None
    assert (kept.record.version, kept.settlement.version) == ("1", "2")
    assert [each.version for each in kept.settlement.attempts] == ["1", "2"]


async def test_who_asks_for_a_version_is_never_answered_by_another(
    world: World, spare: FakeUpstream, nobody: str
) -> None:
    await world.publish(scored(nobody, spare.address))
    answer = await asked(world, subject="contacts/ada", version="1")
    assert (answer.reason, spare.asked) == ("UPSTREAM_UNAVAILABLE", [])


async def test_what_follows_from_an_inference_names_the_version_that_really_made_it(
    world: World, upstream: FakeUpstream, spare: FakeUpstream, nobody: str
) -> None:
    no_canary = {
        "name": "challengers-do-not-contact",
        "operations": ["CONTACT"],
        "when": 'call.lineage.arm == "challenger"',
        "effect": "deny",
    }
    document = scored(nobody, spare.address, rules=[allow_all(), no_canary])
    document["upstreams"][0]["address"] = upstream.address
    await world.publish(document)
    led = await asked(world, subject="contacts/ada")
    metadata = credential("sales-bot", ("pilote-inference-id", led.decision))
    contact = world.agent().messages.SendMessages(one_by_one([send_one("contacts/ada")]), metadata=metadata)
    assert (await told(contact)).reason == "POLICY_DENIED"


async def test_an_arm_that_a_rule_forbids_is_passed_over(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    rule = {"name": "no-spare", "when": 'route.arm == "spare"', "effect": "deny"}
    await world.publish(either(nobody, spare.address, rules=[allow_all(), rule]))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (ended.reason, spare.asked) == ("UPSTREAM_UNAVAILABLE", [])
    (kept,) = await world.settled(1)
    assert tried(kept) == [("", "UNAVAILABLE"), ("fallback", "DENIED")]
    assert kept.settlement is not None
    assert (kept.settlement.attempts[1].reason, kept.settlement.arm) == ("POLICY_DENIED", "")


async def test_a_stop_halts_an_arm_that_would_take_over(world: World, spare: FakeUpstream, nobody: str) -> None:
    await world.publish(scored(nobody, spare.address))
    await StopStore(world.redis).stop("acme", Stop(what="version=lead-score/2", reason="it drifts", since_ms=0))
    answer = await asked(world, subject="contacts/ada")
    assert (answer.reason, spare.asked) == ("UPSTREAM_UNAVAILABLE", [])
    kept, standby = await world.settled(2)
    assert kept.settlement is not None
    assert kept.settlement.attempts[1].reason == standby.reason == "STOPPED"


async def test_limits_of_the_arm_that_takes_over_hold(world: World, spare: FakeUpstream, nobody: str) -> None:
    few = {"name": "few", "by": ["tenant"], "when": 'route.version == "2"', "max": 2, "window": "1h"}
    await world.publish(scored(nobody, spare.address, limits=[few]))
    ended = [await asked(world, subject="contacts/ada") for _ in range(3)]
    assert [each.reason for each in ended] == ["", "", "UPSTREAM_UNAVAILABLE"]
    last = [each for each in await world.settled(6) if not each.record.standby][-1].settlement
    assert last is not None
    assert (last.attempts[1].status, last.attempts[1].reason) == ("DENIED", "LIMIT_EXCEEDED")


async def test_only_what_counts_by_the_arm_is_taken_for_both_and_the_first_is_given_back(
    world: World, spare: FakeUpstream, nobody: str
) -> None:
    spend: Data = {"max": 100, "window": "1h", "cost": {"unit": "1", "estimate": "10", "actual": "1"}}
    limits = [spend | {"name": "each-version", "by": ["version"]}, spend | {"name": "all", "by": ["tenant"]}]
    spare.behave = answering(b"")
    await world.publish(scored(nobody, spare.address, limits=limits))
    for _ in range(3):
        assert (await asked(world, subject="contacts/ada")).code is grpc.StatusCode.OK
    kept = await world.settled(6)
    standby = [each.record for each in kept if each.record.standby]
    assert [[(bucket.limit, bucket.by) for bucket in each.buckets] for each in standby] == [
        [("each-version", "version=2")]
    ] * 3
    before = await asked(world, subject="contacts/ada")
    # Of version 1 nothing was used up, of all together 1 a call: 10 are this one's estimate.
    assert [each.used for each in (await world.kept())[before.decision].outcome.looks] == [10, 13]


async def test_what_a_model_may_have_worked_for_nothing_is_paid_for_too(
    world: World, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    spend: Data = {"max": 100, "window": "1h", "cost": {"unit": "1", "estimate": "10"}}
    upstream.behave, spare.behave = failing(DOWN), answering(b"")
    limits = [spend | {"name": "each", "by": ["version"]}]
    await world.publish(scored(upstream.address, spare.address, limits=limits))
    assert (await asked(world, subject="contacts/ada")).code is grpc.StatusCode.OK
    await world.settled(2)
    after = await asked(world, subject="contacts/ada")
    assert [each.used for each in (await world.kept())[after.decision].outcome.looks] == [20]


async def test_a_stream_goes_elsewhere_before_its_first_message_has_arrived(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    spare.behave = answering(SendMessagesResponse().SerializeToString())
    await world.publish(either(nobody, spare.address))
    messages = [send_one(f"contacts/c{n}") for n in range(3)]
    ended = await told(agent.messages.SendMessages(one_by_one(messages), metadata=SALES))
    assert (ended.code, len(ended.response)) == (grpc.StatusCode.OK, 3)
    assert [len(each.messages) for each in spare.asked] == [3]
    kept = [each for each in await world.settled(4) if not each.record.standby]
    assert tried(kept[0]) == [("", "UNAVAILABLE"), ("fallback", "OK")]
    assert {each.record.arm for each in kept[1:]} == {"spare"}  # further messages are decided about where they go


async def test_a_stream_that_has_arrived_stays_where_it_is(
    world: World, agent: Agent, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN, trailers=sure())
    await world.publish(either(upstream.address, spare.address))
    ended = await told(agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES))
    assert (ended.code, spare.asked) == (DOWN, [])


async def test_replies_are_redacted_by_what_is_decided_of_the_arm_that_serves(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    spare.behave = answering(GetContactResponse(contact=Contact(display_name="Ada")).SerializeToString())
    hide = {
        "name": "spare-shows-nobody",
        "methods": ["/pilote.crm.v1.ContactService/GetContact"],
        "when": 'route.arm == "spare"',
        "effect": "redact",
        "of": "reply",
        "fields": ["contact.display_name"],
    }
    await world.publish(either(nobody, spare.address, rules=[allow_all(), hide]))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert ended.response.contact.display_name == ""


async def test_a_call_whose_last_arm_is_in_doubt_is_in_doubt_there(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    spare.behave = failing(DOWN)
    await world.publish(either(nobody, spare.address))
    ended = await told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    assert ended.reason == "UPSTREAM_IN_DOUBT"
    kept, standby = await world.settled(2)
    assert kept.settlement is not None
    assert standby.settlement is not None
    assert (kept.settlement.in_doubt, standby.settlement.in_doubt, kept.settlement.arm) == (True, True, "spare")


async def test_a_hundred_calls_at_once_fall_back_each_once(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    await world.publish(either(nobody, spare.address))
    ended = await asyncio.gather(
        *(told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES)) for _ in range(100))
    )
    assert {each.code for each in ended} == {grpc.StatusCode.OK}
    assert len(spare.asked) == 100
    await world.settled(200)
    assert len(await calls(world)) == 100


async def test_a_call_that_a_person_approved_falls_back_too(world: World, spare: FakeUpstream, nobody: str) -> None:
    desk = Desk(world)
    await world.publish(either(nobody, spare.address, rules=[allow_all(), HOLD_CONTACTS]))
    hold = await desk.held()
    assert await desk.decide(hold)
    await desk.until(hold, "EXECUTED")
    assert len(spare.asked) == 1
    (standby,) = [each.record for each in (await world.kept()).values() if each.record.standby]
    assert (standby.arm, standby.hold, standby.decider) == ("spare", "", "")


async def test_while_the_store_is_down_no_arm_takes_over_since_nobody_could_see_its_stops(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, spare: FakeUpstream
) -> None:
    async def fail(_asked: Asked, context: Any) -> bytes:
        freeze(own_redis)
        await context.abort(DOWN, "no", sure())
        return b""

    upstream.behave = fail
    await fragile_world.publish(either(upstream.address, spare.address))
    ended = await told(fragile_world.agent().contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    thaw(own_redis)
    assert (ended.reason, spare.asked) == ("UPSTREAM_UNAVAILABLE", [])
    kept, standby = await fragile_world.settled(2)
    assert kept.settlement is not None
    assert standby.settlement is not None
    assert kept.settlement.attempts[1].reason == "STORE_UNAVAILABLE"
    assert (kept.settlement.gave_back, standby.settlement.gave_back) == (True, True)


async def test_an_agent_that_gives_up_while_an_arm_takes_over_leaves_nothing_taken(
    world: World, agent: Agent, spare: FakeUpstream, nobody: str
) -> None:
    limits = [{"name": "each", "by": ["upstream"], "concurrent": 1}]
    spare.behave = spare.hang
    await world.publish(either(nobody, spare.address, limits=limits))
    for _ in range(3):
        spare.arrived.clear()
        call = agent.contacts.GetContact(get(), metadata=SALES)
        async with asyncio.timeout(5):
            await spare.arrived.wait()
        call.cancel()
        await until(lambda: len(spare.ended) == len(spare.asked), what="its end")
    kept = await world.settled(6)
    assert all(each.settlement is not None and each.settlement.status == "CANCELLED" for each in kept)
