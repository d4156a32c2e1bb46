"""Customers who are held out: no agent reaches them for marketing, however it tries; what they must be told passes."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details

from gateway.adapters import facts as fact_store
from gateway.core.assignment import point
from gateway.core.call import Facts
from gateway.core.record import Verdict, subject_ref
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import one_by_one, send, send_one
from tests.e2e.world import KEY, Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.stores import Store

AGENTS = [credential("sales-bot"), credential("marketing-bot")]
HOLDOUT: dict[str, Any] = {"name": "left-alone", "share": 1000}
NAMES = [f"contacts/c-{n}" for n in range(400)]


def ref(name: str) -> str:
    return subject_ref(KEY, tenant="acme", subject=name)


def held_out() -> Iterator[str]:
    return (name for name in NAMES if point("left-alone", ref(name)) < 1000)


def others() -> Iterator[str]:
    return (name for name in NAMES if point("left-alone", ref(name)) >= 1000)


@pytest.fixture
async def holding_out(world: World, upstream: FakeUpstream) -> World:
    await world.publish(policy(upstream.address, holdouts=[HOLDOUT]))
    return world


async def test_no_agent_reaches_somebody_held_out_for_marketing_and_what_they_must_be_told_passes(
    holding_out: World, agent: Agent, upstream: FakeUpstream
) -> None:
    out, other = next(held_out()), next(others())
    for metadata in AGENTS:
        for category in ("marketing", "service", ""):
            ended = await told(agent.messages.SendMessage(send(out, category=category), metadata=metadata))
            assert (ended.code, ended.reason) == (grpc.StatusCode.PERMISSION_DENIED, "HELD_OUT")
            assert ended.detail(details.ErrorInfo).metadata["rule"] == "left-alone"
    assert upstream.messages == []
    for metadata in AGENTS:
        for name, category in ((out, "transactional"), (out, "legal"), (other, "marketing")):
            ended = await told(agent.messages.SendMessage(send(name, category=category), metadata=metadata))
            assert ended.code is grpc.StatusCode.OK
    kept = await holding_out.settled(12)
    refused = [each.record for each in kept if each.record.reason == "HELD_OUT"]
    assert len(refused) == 6
    assert {(record.verdict, record.rule) for record in refused} == {(Verdict.DENY, "left-alone")}
    assert {tuple(look.effect for look in record.rules) for record in refused} == {("allow", "holdout")}


async def test_the_share_of_all_customers_is_held_out_and_the_refusal_is_said_in_french(
    holding_out: World, agent: Agent
) -> None:
    refused = {
        name for name in NAMES[:100] if (await told(agent.messages.SendMessage(send(name), metadata=AGENTS[0]))).reason
    }
    assert refused == {name for name in held_out() if name in NAMES[:100]}
    french = credential("sales-bot", ("accept-language", "fr"))
    ended = await told(agent.messages.SendMessage(send(next(held_out())), metadata=french))
    assert "groupe témoin" in ended.detail(details.LocalizedMessage).message


async def test_categories_and_channels_may_be_named(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    holdout = HOLDOUT | {"categories": ["newsletter"], "channels": ["email"]}
    await world.publish(policy(upstream.address, holdouts=[holdout]))
    out = next(held_out())

    async def reason(**fields: str) -> str:
        return (await told(agent.messages.SendMessage(send(out, **fields), metadata=AGENTS[0]))).reason

    assert await reason(category="newsletter") == "HELD_OUT"
    assert await reason(category="") == "HELD_OUT"  # it might be one
    assert await reason(category="marketing") == ""
    assert await reason(category="newsletter", channel="sms") == ""


async def test_a_person_who_was_deleted_and_created_anew_stays_held_out(holding_out: World, agent: Agent) -> None:
    before, anew = next(held_out()), next(others())
    await fact_store.put(holding_out.redis, "acme", subject_ref=ref(anew), facts=Facts(unit=ref(before)))
    ended = await told(agent.messages.SendMessage(send(anew), metadata=AGENTS[0]))
    assert ended.reason == "HELD_OUT"
    (kept,) = await holding_out.settled(1)
    assert (kept.record.subject_ref, kept.record.unit_ref) == (ref(anew), ref(before))


async def test_an_approval_does_not_waive_it_whenever_it_began(world: World, upstream: FakeUpstream) -> None:
    desk = Desk(world)
    out, rules = next(held_out()), [allow_all(), HOLD_CONTACTS]
    await world.publish(policy(upstream.address, rules=rules))
    hold_id = await desk.held(request=send(out))
    await world.publish(policy(upstream.address, rules=rules, holdouts=[HOLDOUT]))
    assert await desk.decide(hold_id)
    hold = await desk.until(hold_id, "FAILED")
    assert (hold.status, hold.reason) == ("PERMISSION_DENIED", "HELD_OUT")
    assert upstream.messages == []


async def test_another_channel_is_no_way_round_it(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    downgrading = cap(0, channels=["email"], on_exceed="downgrade", downgrade_to="sms")
    holdout = HOLDOUT | {"channels": ["sms"]}
    await world.publish(policy(upstream.address, caps=[downgrading], holdouts=[holdout]))
    out, other = next(held_out()), next(others())
    assert (await told(agent.messages.SendMessage(send(other), metadata=AGENTS[0]))).trailers["pilote-channel"] == "sms"
    assert (await told(agent.messages.SendMessage(send(out), metadata=AGENTS[0]))).reason == "CAP_EXCEEDED"
    assert len(upstream.messages) == 1


async def test_a_message_in_a_stream_is_no_way_round_it(
    holding_out: World, agent: Agent, upstream: FakeUpstream
) -> None:
    messages = [send_one(next(others()), request_id="r-1"), send_one(next(held_out()), request_id="r-2")]
    ended = await told(agent.messages.SendMessages(one_by_one(messages), metadata=AGENTS[0]))
    assert ended.reason == "HELD_OUT"
    assert len(upstream.messages) == 1


async def test_while_nothing_can_be_read_of_a_customer_they_are_not_contacted(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    lenient = {"name": "rate", "by": ["agent"], "rate": 10, "per": "1s", "on_store_error": "open"}
    await fragile_world.publish(policy(upstream.address, limits=[lenient], holdouts=[HOLDOUT]))
    agent = fragile_world.agent()
    name = next(others())
    own_redis.kill()
    ended = await told(agent.messages.SendMessage(send(name), metadata=AGENTS[0]))
    assert ended.reason == "STORE_UNAVAILABLE"
    transactional = await told(agent.messages.SendMessage(send(name, category="transactional"), metadata=AGENTS[0]))
    assert transactional.code is grpc.StatusCode.OK


async def test_the_audit_explains_it(holding_out: World, agent: Agent, auditor: Auditor) -> None:
    ended = await told(agent.messages.SendMessage(send(next(held_out())), metadata=AGENTS[0]))
    decision = await auditor.decision(ended.decision)
    assert (decision.reason, decision.rule, decision.status) == ("HELD_OUT", "left-alone", "PERMISSION_DENIED")
