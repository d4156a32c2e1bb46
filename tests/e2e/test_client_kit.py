"""The client kit before a real gateway: every refusal is an exception of its own, and no retry acts twice."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop
from pilote import client as pilote
from pilote.crm.v1.activity_pb2 import Activity
from pilote.crm.v1.activity_service_pb2 import ImportActivitiesRequest
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse, SendMessagesRequest
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from pilote.decision.v1.decision_pb2 import Verdict
from pilote.decision.v1.decision_service_pb2 import HoldState
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.kits import KINDS, Kit
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.world import World
from tests.fakes.link import link_to
from tests.fakes.upstream import FakeUpstream, answering, echo, failing, first

SENT = SendMessageResponse(message=Message(name="messages/m-1"))
SLOW = {"name": "slow", "by": ["agent"], "rate": 1, "per": "1h", "burst": 1}


@pytest.fixture(params=KINDS)
def kit(request: pytest.FixtureRequest, world: World) -> Kit:
    return Kit(request.param, world)


def deny(reason: str, **more: Any) -> Data:
    return {"name": "no", "effect": "deny", "operations": ["CONTACT"], "reason": reason} | more


def sending(client: Any, request: SendMessageRequest | None = None, **more: Any) -> Any:
    return lambda: client.stub(MessageServiceStub).SendMessage(request or send(), **more)


async def test_a_call_goes_through_and_its_decision_can_be_told(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = answering(SENT.SerializeToString())
    client = kit.client()
    with pilote.noting() as noted:
        answer = await kit.ask(sending(client))
        await kit.ask(lambda: client.stub(ContactServiceStub).GetContact(get()))
    assert answer == SENT
    sent, read = await kit.world.settled(2)
    assert noted.decisions == [sent.record.id, read.record.id]
    assert client.last_decision_id == noted.last == read.record.id


async def test_a_request_id_is_filled_in_once_a_call_and_the_callers_own_is_kept(
    kit: Kit, upstream: FakeUpstream
) -> None:
    client, request = kit.client(), send()
    for each in (request, request, send(request_id="mine")):
        await kit.ask(sending(client, each))
    one, two, mine = (SendMessageRequest.FromString(each).request_id for each in upstream.messages)
    assert one
    assert two not in {"", one}
    assert mine == "mine"
    assert request == send()


@pytest.mark.parametrize(
    ("sections", "kind", "rule"),
    [
        ({"rules": [allow_all(), deny("POLICY_DENIED")]}, pilote.Denied, "no"),
        ({"rules": [allow_all(), deny("CONSENT_MISSING")]}, pilote.ConsentMissing, "no"),
        ({"rules": [allow_all(), deny("QUIET_HOURS", retry_after="8h")]}, pilote.QuietHours, "no"),
        ({"rules": [allow_all(), HOLD_CONTACTS]}, pilote.Held, "two-eyes"),
        ({"caps": [cap(0)]}, pilote.CapExceeded, "pressure"),
        ({"limits": [SLOW | {"rate": 0, "burst": 0}]}, pilote.LimitExceeded, "slow"),
        ({"routes": []}, pilote.NotFound, ""),
    ],
)
async def test_what_the_policy_refuses_is_an_exception_that_says_what_to_do(
    kit: Kit, upstream: FakeUpstream, sections: Data, kind: type[pilote.CallEnded], rule: str
) -> None:
    await kit.world.publish(policy(upstream.address, **sections))
    refused = await kit.refused(sending(kit.client(language="fr")))
    assert type(refused) is kind
    assert (refused.rule, refused.language) == (rule, "fr")
    assert refused.message in refused.advice
    assert len(refused.advice) > len(refused.message)
    assert refused.decision_id in str(refused)
    assert not refused.may_have_acted
    assert isinstance(refused, grpc.aio.AioRpcError)
    assert upstream.asked == []
    assert kit.paused == []


async def test_a_refusal_tells_the_earliest_time_the_limit_and_the_hold(kit: Kit, upstream: FakeUpstream) -> None:
    await kit.world.publish(policy(upstream.address, caps=[cap(1)]))
    client = kit.client()
    await kit.ask(sending(client))
    capped = await kit.refused(sending(client))
    assert dt.timedelta(days=6) < capped.earliest_time - dt.datetime.now(dt.UTC) <= dt.timedelta(days=7)
    assert [each.subject for each in capped.violations] == ["pressure"]
    assert f"{capped.earliest_time:%Y-%m-%dT%H:%M:%SZ}" in capped.advice
    await kit.world.publish(policy(upstream.address, rules=[allow_all(), HOLD_CONTACTS]))
    held = await kit.refused(sending(client))
    assert held.hold.startswith("holds/")
    assert held.hold in held.advice


async def test_who_still_sends_when_a_stream_is_refused_is_told_why(kit: Kit) -> None:
    stub = kit.client().stub(ActivityServiceStub)
    wrong = ImportActivitiesRequest(activity=Activity(contact="\x07"))
    messages = kit.client().stub(MessageServiceStub)
    for _ in range(10):
        refusal = await kit.refused(lambda: stub.ImportActivities(iter([wrong] * 200)))
        assert (refusal.reason, refusal.code()) == ("ARGUMENT_INVALID", grpc.StatusCode.INVALID_ARGUMENT)
        with pytest.raises(pilote.CallEnded) as told:
            await kit.read(lambda: messages.SendMessages(iter([send_one("\x07")] * 200)))
        assert told.value.reason == "ARGUMENT_INVALID"


async def test_requests_that_fail_end_their_stream(kit: Kit) -> None:
    def requests() -> Iterator[SendMessagesRequest]:
        yield send_one()
        raise ValueError

    stub = kit.client().stub(MessageServiceStub)
    with pytest.raises((grpc.RpcError, asyncio.CancelledError)):
        await kit.read(lambda: stub.SendMessages(requests()))


async def test_a_wrong_credential_a_wrong_request_and_a_stop_are_told_apart(kit: Kit, upstream: FakeUpstream) -> None:
    assert type(await kit.refused(sending(kit.client(key="guessed")))) is pilote.Unauthenticated
    wrong = await kit.refused(sending(kit.client(), SendMessageRequest(message=Message(channel="email"))))
    assert type(wrong) is pilote.InvalidArgument
    assert [each.subject for each in wrong.violations] == ["message.customer"]
    await StopStore(kit.world.redis).stop("acme", Stop(what="channel=email", reason="it drifts", since_ms=0))
    assert type(await kit.refused(sending(kit.client()))) is pilote.Stopped
    assert upstream.asked == []


async def test_a_rate_limit_is_waited_for_and_the_call_then_made(kit: Kit, upstream: FakeUpstream) -> None:
    await kit.world.publish(policy(upstream.address, limits=[SLOW | {"per": "3s"}]))
    client = kit.client()
    with pilote.noting() as noted:
        for _ in range(2):
            await kit.ask(sending(client))
    (waited,) = kit.paused
    assert 0 < waited <= 3.3
    assert len(upstream.asked) == 2
    assert len(set(noted.decisions)) == 3


async def test_no_retry_goes_past_the_callers_deadline(kit: Kit, upstream: FakeUpstream) -> None:
    await kit.world.publish(policy(upstream.address, limits=[SLOW]))
    client = kit.client()
    await kit.ask(sending(client))
    assert type(await kit.refused(sending(client, timeout=3))) is pilote.LimitExceeded
    assert kit.paused == []


async def test_an_upstream_that_is_down_is_tried_again_with_the_same_key(kit: Kit, upstream: FakeUpstream) -> None:
    told_no = failing(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-status-details-bin", b""),))
    upstream.behave = first(2, told_no, then=echo)
    await kit.ask(sending(kit.client()))
    assert len(kit.paused) == 2
    assert len({SendMessageRequest.FromString(each).request_id for each in upstream.messages}) == 1


async def test_what_may_have_acted_is_never_tried_again(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = failing(grpc.StatusCode.UNKNOWN)
    client = kit.client()
    doubtful = await kit.refused(sending(client, send(request_id="k-1")))
    assert type(doubtful) is pilote.InDoubt
    assert doubtful.may_have_acted
    assert len(upstream.asked) == 1
    assert kit.paused == []


async def test_a_connection_that_breaks_is_met_with_the_same_key_and_the_upstream_acts_once(
    kit: Kit, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    async with link_to(kit.world.gateways[0].port) as link:
        client = kit.client(port=link.port)
        calling = asyncio.ensure_future(kit.refused(sending(client)))
        await asyncio.wait_for(upstream.arrived.wait(), 30)
        link.reset()
        refused = await calling
    assert type(refused) is pilote.InDoubt
    assert kit.paused
    assert len(upstream.asked) == 1


async def test_a_gateway_that_is_not_there_has_not_acted(kit: Kit) -> None:
    async with link_to(1) as link:
        client = kit.client(port=link.port)
    refused = await kit.refused(sending(client))
    assert type(refused) is pilote.Unavailable
    assert not refused.may_have_acted
    assert len(kit.paused) == 4


async def test_a_deadline_leaves_open_whether_a_change_was_made_and_a_read_has_changed_nothing(
    kit: Kit, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    client = kit.client()
    late = await kit.refused(sending(client, timeout=1))
    assert late.may_have_acted
    read = await kit.refused(lambda: client.stub(ContactServiceStub).GetContact(get(), timeout=1))
    assert type(read) is pilote.DeadlineExceeded
    assert not read.may_have_acted


async def test_a_hold_that_is_approved_meanwhile_has_the_calls_answer(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = answering(SENT.SerializeToString())
    await kit.world.publish(policy(upstream.address, rules=[allow_all(), HOLD_CONTACTS]))
    client = kit.client()
    held = await kit.refused(sending(client))
    still = await kit.ask(lambda: client.wait_for_hold(held, 0.05))
    assert still.state == HoldState.HOLD_STATE_PENDING
    waiting = asyncio.ensure_future(kit.ask(lambda: client.wait_for_hold(held.hold, 20)))
    assert await Desk(kit.world).decide(held.hold.removeprefix("holds/"))
    hold = await waiting
    assert pilote.is_over(hold)
    assert pilote.answer_of(hold, SendMessageResponse) == SENT
    assert len(upstream.asked) == 1


async def test_a_hold_of_others_is_not_found(kit: Kit, upstream: FakeUpstream) -> None:
    client = kit.client()
    assert type(await kit.refused(lambda: client.wait_for_hold("holds/" + "0" * 32, 1))) is pilote.NotFound


async def test_a_call_can_be_evaluated_and_is_not_made(kit: Kit, upstream: FakeUpstream) -> None:
    await kit.world.publish(policy(upstream.address, rules=[allow_all(), deny("POLICY_DENIED")]))
    client = kit.client(language="fr")
    method = "/pilote.crm.v1.MessageService/SendMessage"
    found = await kit.ask(lambda: client.evaluate(method, send()))
    assert found.decision.verdict == Verdict.VERDICT_DENY
    assert found.explanation
    assert upstream.asked == []


async def test_an_action_names_the_inference_that_led_to_it(kit: Kit, upstream: FakeUpstream) -> None:
    client = kit.client()
    with pilote.lineage("not-a-decision-id"):
        refused = await kit.refused(sending(client))
    assert [each.subject for each in refused.violations] == ["pilote-inference-id"]
    await kit.ask(sending(client))


async def test_a_token_is_fetched_for_each_call(kit: Kit, upstream: FakeUpstream) -> None:
    fetched: list[str] = []

    def token() -> str:
        fetched.append("no-token")
        return fetched[-1]

    client = kit.client(key="", token=token)
    for _ in range(2):
        refused = await kit.refused(sending(client))
        assert type(refused) is pilote.Unauthenticated
    assert len(fetched) == 2


async def test_a_stream_ends_with_the_refusal_and_gives_each_message_a_key(kit: Kit, upstream: FakeUpstream) -> None:
    await kit.world.publish(policy(upstream.address, caps=[cap(1)]))
    client = kit.client()
    requests = [send_one("contacts/a"), send_one("contacts/b"), send_one("contacts/a")]

    def begin() -> Any:
        asked = iter(requests) if kit.kind == "sync" else one_by_one(requests)
        return client.stub(MessageServiceStub).SendMessages(asked)

    with pytest.raises(pilote.CapExceeded) as refused, pilote.noting() as noted:
        await kit.read(begin)
    assert noted.last == refused.value.decision_id
    ids = [SendMessageRequest.FromString(each).request_id for each in upstream.messages]
    assert len(set(ids)) == len(ids) == 2
    assert "" not in ids
