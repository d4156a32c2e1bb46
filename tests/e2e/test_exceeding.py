"""What becomes of a contact that a cap refuses: kept for later, shown to a person, or tried on another channel."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details

from gateway.adapters import facts as fact_store
from gateway.adapters.stops import StopStore
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from gateway.core.stops import Stop
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse
from tests.e2e.holding import SALES, Desk, hold_of
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import ADA, one_by_one, send, send_one
from tests.e2e.world import KEY, Agent, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering

SENT = SendMessageResponse(message=Message(name="messages/m-1"))
BRIEF: Data = {"window": "2s"}
ONE_EDITOR: Data = {
    "name": "read-first",
    "by": "subject",
    "first": {"methods": ["/pilote.crm.v1.MessageService/SendMessage"]},
    "then": {"methods": ["/pilote.crm.v1.MessageService/SendMessage"]},
    "within": "1h",
    "effect": "hold",
}


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream) -> Desk:
    upstream.behave = answering(SENT.SerializeToString())
    return Desk(world)


async def sent(agent: Agent, metadata: Any = SALES, **fields: str) -> Told:
    return await told(agent.messages.SendMessage(send(ADA, **fields), metadata=metadata))


def channels(upstream: FakeUpstream) -> list[str]:
    return [SendMessageRequest.FromString(each).message.channel for each in upstream.messages]


async def test_a_full_cap_keeps_the_call_and_makes_it_once_there_is_room(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, on_exceed="defer", **BRIEF)]))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    deferred = await sent(desk.agent)
    assert deferred.reason == "DEFERRED"
    assert 0 < deferred.detail(details.RetryInfo).retry_delay.ToMilliseconds() <= 2_000
    hold = await desk.until(hold_of(deferred), "EXECUTED")
    assert (hold.why, hold.rule, len(upstream.messages)) == ("CAP_EXCEEDED", "pressure", 2)
    kept = await world.kept()
    made = kept[hold.result]
    assert (made.record.hold, kept[hold.id].record.parent) == (hold.id, deferred.decision)
    assert made.record.decided_ms - hold.release_ms < 1_000


async def test_what_would_have_to_wait_too_long_and_what_cannot_be_kept_is_refused(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, on_exceed="defer", max_defer="1h")]))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    assert (await sent(desk.agent)).reason == "CAP_EXCEEDED"
    await world.publish(policy(upstream.address, caps=[cap(1, on_exceed="defer", max_defer="30d")]))
    refused = await told(desk.agent.messages.SendMessages(one_by_one([send_one(ADA)]), metadata=SALES))
    assert refused.reason == "CAP_EXCEEDED"
    assert (await sent(desk.agent)).reason == "DEFERRED"


async def test_a_full_cap_asks_a_person_whose_yes_lets_the_call_through_all_the_same(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, on_exceed="review")]))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    held = await sent(desk.agent)
    assert held.reason == "APPROVAL_REQUIRED"
    assert await desk.decide(hold_of(held))
    hold = await desk.until(hold_of(held), "EXECUTED")
    made = (await world.kept())[hold.result]
    assert (made.record.buckets[0].mode, made.outcome.looks[0].used) == ("waived", 2)
    assert len(upstream.messages) == 2
    assert (await sent(desk.agent)).reason == "APPROVAL_REQUIRED"


async def test_a_cap_that_simply_denies_goes_before_one_that_would_ask(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    caps = [cap(1, on_exceed="review"), cap(1, name="strict", window="1d")]
    await world.publish(policy(upstream.address, caps=caps))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    assert (await sent(desk.agent)).reason == "CAP_EXCEEDED"


async def test_a_sequence_may_ask_a_person_too(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, sequences=[ONE_EDITOR]))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    held = await sent(desk.agent)
    assert held.reason == "APPROVAL_REQUIRED"
    assert await desk.decide(hold_of(held))
    await desk.until(hold_of(held), "EXECUTED")


DOWNGRADE: Data = cap(1, channels=["phone"], on_exceed="downgrade", downgrade_to="email")


async def test_a_full_channel_is_left_for_another_and_the_caller_is_told_which(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[DOWNGRADE, cap(1, name="mail", channels=["email"])]))
    first = await sent(desk.agent, channel="phone")
    second = await sent(desk.agent, channel="phone", contact_point="+33123456789", request_id="two")
    third = await sent(desk.agent, channel="phone")
    assert [each.reason for each in (first, second, third)] == ["", "", "CAP_EXCEEDED"]
    assert (first.trailers.get("pilote-channel"), second.trailers["pilote-channel"]) == (None, "email")
    assert channels(upstream) == ["phone", "email"]
    assert SendMessageRequest.FromString(upstream.messages[1]).message.contact_point == ""
    kept = await world.kept()
    record = kept[second.decision].record
    assert (record.channel, record.asked_channel) == ("email", "phone")
    assert kept[record.parent].outcome.refused == 0
    repeat = await sent(desk.agent, channel="phone", contact_point="+33123456789", request_id="two")
    assert (repeat.code, len(upstream.messages)) == (grpc.StatusCode.OK, 2)


async def test_where_the_rules_forbid_the_other_channel_the_first_refusal_stands(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    no_mail = {"name": "no-mail", "effect": "deny", "when": 'call.channel == "email"', "operations": ["CONTACT"]}
    await world.publish(policy(upstream.address, caps=[DOWNGRADE], rules=[allow_all(), no_mail]))
    assert (await sent(desk.agent, channel="phone")).code is grpc.StatusCode.OK
    refused = await sent(desk.agent, channel="phone")
    assert (refused.reason, "pilote-channel" in refused.trailers) == ("CAP_EXCEEDED", False)
    assert (await world.kept())[refused.decision].outcome.refused == 0
    assert channels(upstream) == ["phone"]


async def test_with_one_slot_left_the_more_important_call_that_waits_has_it_and_the_refusal_names_it(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    ranked = cap(2, priority=["service", "marketing"], by=[], on_exceed="defer", max_defer="30d")
    hold_service = {"name": "look", "effect": "hold", "operations": ["CONTACT"], "when": 'call.category == "service"'}
    await world.publish(policy(upstream.address, caps=[ranked], rules=[allow_all(), hold_service]))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK
    service = await sent(desk.agent, category="service")
    assert service.reason == "APPROVAL_REQUIRED"
    outranked = await sent(desk.agent)
    assert outranked.reason == "DEFERRED"
    look = (await world.kept())[outranked.decision].outcome.looks[0]
    assert look.other == hold_of(service)
    assert await desk.decide(hold_of(service))
    await desk.until(hold_of(service), "EXECUTED")
    assert len(upstream.messages) == 2


async def test_the_refusal_of_a_call_that_is_outranked_names_the_winner_in_words(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    ranked = cap(1, priority=["service", "marketing"], by=[])
    hold_service = {"name": "look", "effect": "hold", "operations": ["CONTACT"], "when": 'call.category == "service"'}
    await world.publish(policy(upstream.address, caps=[ranked], rules=[allow_all(), hold_service]))
    winner = hold_of(await sent(desk.agent, category="service"))
    french = credential("sales-bot", ("accept-language", "fr"))
    refused = await sent(desk.agent, metadata=french)
    assert refused.reason == "CAP_EXCEEDED"
    assert f"kept for something more important: decisions/{winner} (pressure)" in refused.text
    assert "réservée à plus important" in refused.detail(details.LocalizedMessage).message
    assert await desk.decide(winner, approve=False)
    await desk.until(winner, "REFUSED")
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK


async def test_a_halted_agent_holds_no_slot(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    ranked = cap(1, priority=["service", "marketing"], by=[])
    hold_service = {"name": "look", "effect": "hold", "operations": ["CONTACT"], "when": 'call.category == "service"'}
    await world.publish(policy(upstream.address, caps=[ranked], rules=[allow_all(), hold_service]))
    hold_of(await sent(desk.agent, metadata=credential("marketing-bot"), category="service"))
    assert (await sent(desk.agent)).reason == "CAP_EXCEEDED"
    await StopStore(world.redis).stop("acme", Stop(what="agent=marketing-bot", reason="drifts", since_ms=1))
    assert (await sent(desk.agent)).code is grpc.StatusCode.OK


async def test_calls_that_wait_for_their_hours_hold_their_slot_too(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    ranked = cap(1, priority=["service"], by=[])
    nights = {
        "name": "nights",
        "zone": "subject",
        "fallback_zone": "UTC",
        "categories": ["service"],
        "on_hit": "defer",
        "max_defer": "14d",
        "open": [{"days": ["sun"], "from": "00:00", "to": "00:01"}],
    }
    await world.publish(policy(upstream.address, caps=[ranked], quiet_hours=[nights]))
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await fact_store.put(world.redis, "acme", subject_ref=ref, facts=Facts(time_zone="UTC"))
    waiting = await sent(desk.agent, category="service")
    assert waiting.reason == "DEFERRED"
    refused = await sent(desk.agent)
    assert (refused.reason, hold_of(waiting) in refused.text) == ("CAP_EXCEEDED", True)
