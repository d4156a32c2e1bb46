"""A call that needs a person is kept, sealed, and made once when they say yes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redis.asyncio import Redis

from gateway.adapters.stops import StopStore
from gateway.core import holds, keys
from gateway.core.holds import Hold
from gateway.core.record import Verdict
from gateway.core.stops import Stop
from gateway.redis_clients import seeds
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, DeleteContactRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from pilote.decision.v1 import decision_pb2, decision_service_pb2
from tests.adapters.conftest import ACME, freeze, thaw
from tests.e2e.holding import HOLD_CONTACTS, HOUR_MS, SALES, Desk, hold_of, state_of
from tests.e2e.policy import agent as agent_of
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering, failing
from tests.stores import Store

if TYPE_CHECKING:
    pass

FRENCH = credential("sales-bot", ("accept-language", "fr"))
SENT = SendMessageResponse(message=Message(name="messages/m-1", customer="ada@example.org"))


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream) -> Desk:
    """Messages need a person, on two gateways."""
    await world.gateway()
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS, allow_all()]))
    return Desk(world)


async def test_an_approved_call_is_made_once_and_the_agent_that_waits_gets_the_answer(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    request = send()
    refused = await told(desk.agent.messages.SendMessage(request, metadata=SALES))
    hold_id = hold_of(refused)
    assert (refused.reason, hold_id, upstream.asked) == ("APPROVAL_REQUIRED", refused.decision, [])
    waiting = asyncio.ensure_future(desk.wait(hold_id))

    assert await desk.decide(hold_id)
    hold = (await waiting).hold

    assert (state_of(hold), hold.status, hold.comment) == ("EXECUTED", "OK", "fine by me")
    assert SendMessageResponse.FromString(hold.response) == SENT
    assert [each.messages for each in upstream.asked] == [[request.SerializeToString()]]
    held, made = await world.settled(2)
    assert (held.record.verdict, held.record.hold, held.record.rule) == (Verdict.HOLD, hold_id, "two-eyes")
    assert (made.record.verdict, made.record.parent, made.record.hold) == (Verdict.ALLOW, hold_id, hold_id)
    assert (made.record.decider, made.record.hold_comment) == ("zoe", "fine by me")
    assert made.record.hold_decided_ms == hold.decide_time.ToMilliseconds()
    assert made.settlement is not None
    assert (made.settlement.status, f"decisions/{made.record.id}") == ("OK", hold.result)


async def test_a_refused_call_is_never_made_and_says_who_and_why(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    request = send(request_id="k-1")
    hold_id = await desk.held(request=request)
    assert await desk.decide(hold_id, approve=False, comment="too pushy")

    hold = await desk.ended(hold_id)
    assert (state_of(hold), hold.reason, hold.comment) == ("REFUSED", "HOLD_REFUSED", "too pushy")
    again = await told(desk.agent.messages.SendMessage(request, metadata=FRENCH))
    assert (again.code, again.reason) == (grpc.StatusCode.PERMISSION_DENIED, "HOLD_REFUSED")
    assert upstream.asked == []
    _, refusal, _ = await world.settled(3)
    assert (refusal.record.verdict, refusal.record.decider, refusal.record.parent) == (Verdict.DENY, "zoe", hold_id)
    assert not await desk.decide(hold_id)
    # Nor does it help that the policy by now lets such calls through.
    await world.publish(policy(upstream.address))
    again = await told(desk.agent.messages.SendMessage(request, metadata=SALES))
    assert (again.reason, upstream.asked) == ("HOLD_REFUSED", [])


async def test_a_call_that_nobody_decides_on_expires_and_leaves_a_record(world: World, desk: Desk) -> None:
    hold_id = await desk.held()
    world.ahead_ms = 25 * HOUR_MS

    hold = await desk.ended(hold_id)
    assert (state_of(hold), hold.reason) == ("EXPIRED", "HOLD_EXPIRED")
    assert not await desk.decide(hold_id)
    _, expiry = await world.settled(2)
    assert (expiry.record.reason, expiry.record.hold) == ("HOLD_EXPIRED", hold_id)

    world.ahead_ms += holds.KEPT_MS

    async def forgotten() -> bool | None:
        return await desk.store.read(ACME, hold_id) is None or None

    await eventually(forgotten, what="the hold is forgotten")
    assert [key async for key in world.redis.scan_iter("*hold*") if b"changes" not in key] == []


async def test_a_hold_is_seen_by_the_agent_that_made_the_call_and_by_nobody_else(desk: Desk) -> None:
    hold_id = await desk.held()
    assert (await desk.get(hold_id)).response.hold.name == f"holds/{hold_id}"
    for other in ("marketing-bot", "globex-bot"):
        assert (await desk.get(hold_id, credential(other))).reason == "NOT_FOUND"
    assert (await desk.get("0" * 32)).reason == "NOT_FOUND"
    assert (await desk.get("x")).reason == "ARGUMENT_INVALID"
    assert (await desk.get(hold_id, ())).reason == "AGENT_UNAUTHENTICATED"
    assert (await desk.get(hold_id, (("x-api-key", "wrong"),))).reason == "AGENT_UNAUTHENTICATED"


async def test_who_waits_gets_the_hold_as_it_is_when_the_time_or_the_deadline_is_over(desk: Desk) -> None:
    hold_id = await desk.held()
    assert state_of((await desk.wait(hold_id, seconds=0)).hold) == "PENDING"
    assert state_of((await desk.wait(hold_id, seconds=600, timeout=2)).hold) == "PENDING"


async def test_two_hundred_who_wait_are_told_within_a_second(desk: Desk) -> None:
    hold_id = await desk.held()
    waiting = [asyncio.ensure_future(desk.wait(hold_id)) for _ in range(200)]
    await asyncio.wait(waiting, timeout=0.3)
    assert not any(each.done() for each in waiting)
    await desk.decide(hold_id, approve=False)
    await until(lambda: all(each.done() for each in waiting), what="two hundred answers", within=1.0)
    assert {state_of(each.result().hold) for each in waiting} == {"REFUSED"}


async def test_a_repeat_gets_the_same_hold_and_after_it_was_made_the_answer(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    request = send(request_id="k-1")
    hold_id = await desk.held(request=request)
    again = await told(desk.agent.messages.SendMessage(request, metadata=FRENCH))
    assert hold_of(again) == hold_id != again.decision
    other = await told(desk.agent.messages.SendMessage(send(request_id="k-1", body="other"), metadata=SALES))
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert len(await desk.store.open(ACME)) == 1

    await desk.decide(hold_id)
    await desk.until(hold_id, "EXECUTED")
    answered = await told(desk.agent.messages.SendMessage(request, metadata=SALES))
    assert (answered.response, len(upstream.asked)) == (SENT, 1)
    # Also where the policy by now would let the call through without anybody.
    await world.publish(policy(upstream.address))
    answered = await told(desk.agent.messages.SendMessage(request, metadata=SALES))
    assert (answered.response, len(upstream.asked)) == (SENT, 1)
    kept = list((await world.kept()).values())
    assert [each.outcome.first for each in kept[1:3]] == [hold_id, hold_id]
    assert [(each.record.verdict, each.outcome.granted) for each in kept[-2:]] == [(Verdict.ALLOW, True)] * 2


async def test_fifty_calls_at_once_with_one_key_make_one_hold(desk: Desk) -> None:
    calls = [told(desk.agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES)) for _ in range(50)]
    refused = await asyncio.gather(*calls)
    assert len({hold_of(each) for each in refused}) == 1
    assert len(await desk.store.open(ACME)) == 1


async def test_fifty_approvals_at_once_make_one_call(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    hold_id = await desk.held()
    decided = await asyncio.gather(*(desk.decide(hold_id) for _ in range(50)))
    assert sum(decided) == 1
    assert state_of(await desk.ended(hold_id)) == "EXECUTED"
    assert len(upstream.asked) == 1


async def test_a_call_is_refused_by_a_stop_that_was_set_after_its_approval(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    hold_id = await desk.held()
    await StopStore(world.redis).stop("acme", Stop(what="channel=email", reason="it drifts", since_ms=0))
    await desk.decide(hold_id)
    hold = await desk.ended(hold_id)
    assert (state_of(hold), hold.status, hold.reason) == ("FAILED", "PERMISSION_DENIED", "STOPPED")
    assert upstream.asked == []
    _, made = await world.settled(2)
    assert (made.record.decider, made.outcome.stop) == ("zoe", "channel=email")
    # What is stopped is not even kept.
    refused = await told(desk.agent.messages.SendMessage(send(), metadata=SALES))
    assert (refused.reason, await desk.store.open(ACME)) == ("STOPPED", ())


async def test_an_approved_call_that_meets_a_full_cap_waits_for_it(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(
        policy(upstream.address, rules=[HOLD_CONTACTS], caps=[cap(1, window="2h")], holds={"expires": "4h"})
    )
    first, second = await desk.held(), await desk.held()
    await desk.decide(first)
    assert state_of(await desk.ended(first)) == "EXECUTED"
    await desk.decide(second)
    waits = await desk.ended(second)
    assert state_of(waits) == "SCHEDULED"
    assert 0 < waits.release_time.ToMilliseconds() - world.clock() <= 2 * HOUR_MS
    assert (len(upstream.asked), await world.taken()) == (1, 1)

    world.ahead_ms = 2 * HOUR_MS
    await desk.until(second, "EXECUTED")
    assert len(upstream.asked) == 2


async def test_an_approved_call_that_would_wait_beyond_its_time_has_failed(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS], caps=[cap(1)]))
    first, second = await desk.held(), await desk.held()
    await desk.decide(first)
    await desk.ended(first)
    await desk.decide(second)
    hold = await desk.ended(second)
    assert (state_of(hold), hold.status, hold.reason) == ("FAILED", "RESOURCE_EXHAUSTED", "CAP_EXCEEDED")


async def test_an_approval_waives_no_denial_of_the_policy_of_the_time(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    hold_id = await desk.held()
    deny = {"name": "no-mail", "effect": "deny", "when": "call.channel == 'email'"}
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS, deny]))
    await desk.decide(hold_id)
    hold = await desk.ended(hold_id)
    assert (state_of(hold), hold.reason, upstream.asked) == ("FAILED", "POLICY_DENIED", [])
    made = (await world.settled(2))[1]
    assert (made.record.rule, made.record.revision) == ("no-mail", 3)


async def test_a_call_of_an_agent_that_is_gone_is_not_made(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    hold_id = await desk.held()
    await world.publish(policy(upstream.address, agents=[agent_of("marketing-bot")]))
    await desk.decide(hold_id)
    hold = await desk.until(hold_id, "FAILED")
    assert (hold.reason, upstream.asked) == ("AGENT_UNAUTHENTICATED", [])
    made = (await world.settled(2))[1]
    assert (made.record.tenant, made.record.agent) == ("acme", "sales-bot")


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (grpc.StatusCode.NOT_FOUND, ("FAILED", "NOT_FOUND")),
        (grpc.StatusCode.INTERNAL, ("IN_DOUBT", "UNKNOWN")),
    ],
)
async def test_the_hold_says_how_the_upstream_failed(
    desk: Desk, upstream: FakeUpstream, code: grpc.StatusCode, wanted: tuple[str, str]
) -> None:
    world, (state, status) = desk.world, wanted
    upstream.behave = failing(code)
    request = send(request_id="k-1")
    hold_id = await desk.held(request=request)
    await desk.decide(hold_id)
    hold = await desk.ended(hold_id)
    assert (state_of(hold), hold.status, hold.HasField("response")) == (state, status, False)
    made = (await world.settled(2))[1].settlement
    assert made is not None
    assert (made.status, made.in_doubt) == (status, state == "IN_DOUBT")
    again = await told(desk.agent.messages.SendMessage(request, metadata=SALES))
    assert again.reason == ("UPSTREAM_IN_DOUBT" if state == "IN_DOUBT" else "APPROVAL_REQUIRED")
    assert len(upstream.asked) == 1


async def test_a_call_whose_upstream_is_down_is_tried_again(world: World, desk: Desk, upstream: FakeUpstream) -> None:
    data = policy(upstream.address, rules=[HOLD_CONTACTS])
    await world.publish(policy("127.0.0.1:1", rules=[HOLD_CONTACTS]))
    hold_id = await desk.held()
    await desk.decide(hold_id)
    waits = await desk.until(hold_id, "SCHEDULED")
    assert (waits.decider, upstream.asked) == ("zoe", [])
    await world.publish(data)
    world.ahead_ms = HOUR_MS
    assert (await desk.until(hold_id, "EXECUTED")).attempt >= 2
    assert len(upstream.asked) == 1


async def test_nothing_that_the_agent_or_the_upstream_said_lies_in_the_store_in_the_clear(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    secrets = ("ada@example.org", "Dear Ada", "secret-key-of", "contacts/ada")
    await world.publish(policy(upstream.address, rules=[{"name": "two-eyes", "effect": "hold"}]))
    create = CreateContactRequest(contact=Contact(display_name="Dear Ada", email="ada@example.org"), request_id="k-1")
    pending = hold_of(await told(desk.agent.contacts.CreateContact(create, metadata=SALES)))
    executed = await desk.held(request=send("contacts/ada", request_id="k-2"))
    assert await _in_the_clear(world, ("sales-bot",)) != []  # what is there is found
    assert await _in_the_clear(world, secrets) == []
    await desk.decide(executed)
    await desk.until(executed, "EXECUTED")
    assert await _in_the_clear(world, secrets) == []
    assert (await desk.store.request(await desk.read(pending))).request == create.SerializeToString()


async def _in_the_clear(world: World, secrets: tuple[str, ...]) -> list[str]:
    """Which of the secrets are anywhere in the store: in names, values, or what the stream holds."""
    found: list[str] = []
    async for key in world.redis.scan_iter("pilote:{acme*"):
        kind: Any = await world.redis.type(key)
        read: dict[bytes, Any] = {
            b"hash": world.redis.hgetall,
            b"stream": world.redis.xrange,
            b"string": world.redis.get,
            b"zset": lambda name: world.redis.zrange(name, 0, -1),
        }
        text = key + repr(await read[kind](key)).encode()
        found += [f"{secret} in {key!r}" for secret in secrets if secret.encode() in text]
    return found


async def test_what_was_changed_in_the_store_is_found_and_never_made(
    world: World, desk: Desk, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await desk.held(request=send("contacts/ada")), await desk.held(request=send("contacts/bob"))
    swapped: Any = await world.redis.hget(keys.hold(ACME, two), "request")
    await world.redis.hset(keys.hold(ACME, one), "request", swapped)
    await desk.decide(one)
    hold = await desk.ended(one)
    assert (state_of(hold), hold.status, hold.reason) == ("FAILED", "DATA_LOSS", "HOLD_DAMAGED")
    assert upstream.asked == []
    assert any("has been changed" in record.message and record.levelname == "ERROR" for record in caplog.records)
    assert (await world.settled(3))[2].record.reason == "HOLD_DAMAGED"


async def test_what_is_no_hold_any_more_is_left_alone_and_hinders_no_other(
    world: World, desk: Desk, upstream: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await desk.held(), await desk.held()
    await world.redis.hset(keys.hold(ACME, one), "state", "WHATEVER")
    await world.redis.zadd(keys.holds_due(ACME), {one: 0})
    await desk.decide(two)
    assert state_of(await desk.ended(two)) == "EXECUTED"
    damaged = await desk.get(one)
    assert (damaged.code, damaged.reason) == (grpc.StatusCode.DATA_LOSS, "HOLD_DAMAGED")
    assert [hold.id for hold in await desk.store.open(ACME)] == []

    async def set_aside() -> bool | None:
        return await world.redis.zscore(keys.holds_due(ACME), one) is None or None

    await eventually(set_aside, what="the hold is set aside")
    assert any("is left alone" in record.message and record.levelname == "ERROR" for record in caplog.records)


async def test_a_gateway_that_stops_lets_those_who_wait_go_and_ends_the_calls_it_makes(
    empty_world: World, upstream: FakeUpstream
) -> None:
    world = empty_world
    async with world.started():
        await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS]))
        desk = Desk(world)
        upstream.behave = upstream.hang
        making, pending = await desk.held(), await desk.held()
        waiting = asyncio.ensure_future(desk.wait(pending, seconds=600))
        await desk.decide(making)
        await asyncio.wait_for(upstream.arrived.wait(), 30)
        await desk.get(pending)  # the wait was sent before it over the same connection, so it is served by now
        asyncio.get_running_loop().call_later(0.3, upstream.let_go.set)
    assert state_of((await waiting).hold) == "PENDING"
    assert (await desk.read(making)).state == "EXECUTED"


async def test_the_language_and_the_lineage_of_a_call_are_kept_and_its_credential_is_not(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    metadata = credential("sales-bot", ("pilote-inference-id", "a" * 32), ("x-own", "1"), ("idempotency-key", "k-9"))
    hold_id = await desk.held(metadata)
    assert dict((await desk.store.request(await desk.read(hold_id))).metadata) == {
        "pilote-inference-id": "a" * 32,
        "idempotency-key": "k-9",
    }
    await desk.decide(hold_id)
    await desk.ended(hold_id)
    assert upstream.asked[0].values("idempotency-key") == ["k-9"]
    assert (await world.settled(2))[1].record.inference == "a" * 32


async def test_a_stream_that_needs_a_person_is_refused_and_says_why(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    refused = await told(desk.agent.messages.SendMessages(one_by_one([send_one()]), metadata=FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "APPROVAL_REQUIRED")
    assert "neither a stream" in refused.text
    assert "un flux" in refused.detail(error_details_pb2.LocalizedMessage).message
    assert "hold" not in refused.detail(error_details_pb2.ErrorInfo).metadata
    assert await desk.store.open(ACME) == ()
    (record,) = await world.settled(1)
    assert record.record.verdict is Verdict.DENY


async def test_an_evaluation_says_that_the_call_would_be_held_and_holds_nothing(world: World, desk: Desk) -> None:
    request = decision_service_pb2.EvaluateCallRequest(
        method="/pilote.crm.v1.MessageService/SendMessage", request=send().SerializeToString()
    )
    answer = await desk.stub.EvaluateCall(request, metadata=SALES)
    assert answer.decision.verdict == decision_pb2.VERDICT_HOLD
    assert (answer.decision.reason, answer.decision.hold) == ("APPROVAL_REQUIRED", "")
    assert "It needs a person first." in answer.explanation
    assert await desk.store.open(ACME) == ()
    assert await world.kept() == {}


async def test_a_hold_is_found_in_the_audit_with_who_decided(
    world: World, desk: Desk, upstream: FakeUpstream, auditor: Auditor
) -> None:
    hold_id = await desk.held()
    held = await auditor.decision(hold_id)
    assert (held.verdict, held.hold, held.status) == (
        decision_pb2.VERDICT_HOLD,
        f"holds/{hold_id}",
        "FAILED_PRECONDITION",
    )
    await desk.decide(hold_id)
    hold = await desk.ended(hold_id)
    made = await auditor.decision(hold.result.removeprefix("decisions/"))
    assert (made.verdict, made.status, made.parent) == (decision_pb2.VERDICT_ALLOW, "OK", f"decisions/{hold_id}")
    assert (made.hold, made.decider, made.hold_comment) == (f"holds/{hold_id}", "zoe", "fine by me")
    assert made.hold_decide_time == hold.decide_time


# -- autonomy ----------------------------------------------------------------------------------------------------------


async def test_each_agent_goes_as_far_by_itself_as_it_may(world: World, upstream: FakeUpstream) -> None:
    agents = [
        agent_of("sales-bot") | {"autonomy": {"DELETE": "approve", "READ": "observe"}},
        agent_of("marketing-bot"),
        agent_of("research-bot") | {"autonomy": {"CONTACT": "observe"}},
    ]
    await world.publish(
        policy(upstream.address, agents=agents, autonomy={"CONTACT": "suggest"}, caps=[cap(1, name="pressure")])
    )
    desk = Desk(world)

    observed = await told(desk.agent.messages.SendMessage(send(), metadata=credential("research-bot")))
    assert (observed.code, observed.reason) == (grpc.StatusCode.PERMISSION_DENIED, "AUTONOMY_OBSERVE")
    assert (upstream.asked, await world.taken()) == ([], 0)
    (record,) = await world.settled(1)
    assert (record.record.would, record.record.verdict) == ("OK", Verdict.DENY)

    suggested = await desk.held()
    assert (await desk.get(suggested)).response.hold.suggestion
    assert await desk.decide(suggested)
    hold = await desk.ended(suggested)
    assert (state_of(hold), upstream.asked) == ("ACCEPTED", [])
    assert (await world.settled(3))[2].record.decider == "zoe"

    delete = DeleteContactRequest(name="contacts/ada")
    approving = hold_of(await told(desk.agent.contacts.DeleteContact(delete, metadata=SALES)))
    assert await desk.decide(approving)
    assert state_of(await desk.ended(approving)) == "EXECUTED"
    assert (await told(desk.agent.contacts.DeleteContact(delete, metadata=credential("marketing-bot")))).reason == ""
    assert len(upstream.asked) == 2
    assert (await told(desk.agent.contacts.GetContact(get(), metadata=SALES))).reason == "AUTONOMY_OBSERVE"


async def test_an_agent_that_observes_learns_in_the_record_of_a_full_cap_too(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    agents = [agent_of("sales-bot"), agent_of("marketing-bot") | {"autonomy": {"CONTACT": "observe"}}]
    await world.publish(policy(upstream.address, agents=agents, caps=[cap(1)]))
    await agent.messages.SendMessage(send(), metadata=SALES)
    await told(agent.messages.SendMessage(send(), metadata=credential("marketing-bot")))
    observed = (await world.settled(2))[1]
    assert (observed.record.reason, observed.record.would) == ("AUTONOMY_OBSERVE", "CAP_EXCEEDED")


async def test_a_call_that_became_a_suggestion_meanwhile_waits_for_a_person_again(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    hold_id = await desk.held()
    await world.publish(policy(upstream.address, rules=[allow_all()], autonomy={"CONTACT": "suggest"}))
    await desk.decide(hold_id)

    async def asked_again() -> Hold | None:
        hold = await desk.read(hold_id)
        return hold if hold.level == "suggest" else None

    hold = await eventually(asked_again, what="it waits for a person again")
    assert (hold.state, hold.decider) == ("PENDING", "")
    await desk.decide(hold_id)
    assert state_of(await desk.ended(hold_id)) == "ACCEPTED"
    assert upstream.asked == []


async def test_too_many_that_wait_are_refused_and_told_when_to_come_back(
    world: World, desk: Desk, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS], holds={"max_open": 1}))
    await desk.held()
    refused = await told(desk.agent.messages.SendMessage(send(), metadata=FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert (refused.detail(error_details_pb2.RetryInfo).retry_delay.seconds, "holds" in refused.text) == (60, True)


async def test_a_call_that_was_kept_without_its_caller_being_told_is_given_up(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world = fragile_world
    await world.publish(policy(upstream.address, rules=[{"name": "two-eyes", "effect": "hold"}]))
    desk = Desk(world)
    freeze(own_redis)
    try:
        refused = await told(desk.agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    finally:
        thaw(own_redis)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")

    async def given_up() -> Hold | None:
        hold = await desk.store.read(ACME, refused.decision)
        return hold if hold is not None and hold.state == "EXPIRED" else None

    assert (await eventually(given_up, what="the hold is given up")).reason == "STORE_UNAVAILABLE"
    assert await desk.store.open(ACME) == ()


@contextlib.asynccontextmanager
async def _store_down(world: World) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(Redis.from_url(url)) for url in seeds(world.redis_url)]
        for server in servers:
            await server.config_set("maxmemory", "1")
            await server.config_set("maxmemory-policy", "noeviction")
        yield
        for server in servers:
            await server.config_set("maxmemory", "0")


async def test_a_call_that_cannot_be_kept_is_refused_and_not_lost(fragile_world: World, upstream: FakeUpstream) -> None:
    world = fragile_world
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS]))
    desk = Desk(world)
    async with _store_down(world):
        refused = await told(desk.agent.messages.SendMessage(send(), metadata=SALES))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    (record,) = await world.settled(1)
    assert record.record.reason == "STORE_UNAVAILABLE"
    assert await desk.store.open(ACME) == ()
    hold_of(await told(desk.agent.messages.SendMessage(send(), metadata=SALES)))
