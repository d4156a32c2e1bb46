"""A repeat gets the first answer, and the upstream has acted once."""

import asyncio

import grpc
import pytest

from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from tests.e2e.policy import cap, policy
from tests.e2e.requests import one_by_one, send, send_one
from tests.e2e.world import Agent, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering, echo, failing

SALES = credential("sales-bot")


def _sent(name: str) -> bytes:
    return SendMessageResponse(message=Message(name=name)).SerializeToString()


@pytest.mark.parametrize("by_header", [False, True])
async def test_a_repeat_gets_the_first_answer_and_takes_nothing(
    world: World, agent: Agent, upstream: FakeUpstream, *, by_header: bool
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(2)]))
    metadata = credential("sales-bot", ("idempotency-key", "k-1")) if by_header else SALES
    request = send() if by_header else send(request_id="k-1")
    upstream.behave = answering(_sent("messages/first"))
    first = await told(agent.messages.SendMessage(request, metadata=metadata))
    upstream.behave = answering(_sent("messages/second"))
    again = await told(agent.messages.SendMessage(request, metadata=metadata))

    assert again.response == first.response
    assert len(upstream.asked) == 1
    assert again.decision != first.decision
    _, repeat = await world.settled(2)
    assert (repeat.outcome.granted, repeat.outcome.first) == (True, first.decision)
    assert await world.taken() == 1


async def test_fifty_repeats_at_once_let_the_upstream_act_once(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    calls = [asyncio.ensure_future(told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES)))]
    await asyncio.wait_for(upstream.arrived.wait(), 30)
    others = await together(*(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES) for _ in range(50)))
    upstream.let_go.set()
    assert (await calls[0]).code is grpc.StatusCode.OK
    assert {each.reason for each in others} == {"IDEMPOTENCY_KEY_RUNNING"}
    assert len(upstream.asked) == 1


async def test_repeats_over_several_gateways_act_once_and_find_the_answer_when_the_first_is_gone(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(_sent("messages/first"))
    request = send(request_id="k-1")
    async with world.started() as mortal:
        await world.publish(policy(upstream.address, caps=[cap(2)]))
        there = world.agent(mortal)
        both = [(agent, there)[n % 2] for n in range(50)]
        ended = await together(*(each.messages.SendMessage(request, metadata=SALES) for each in both))
        assert {each.reason for each in ended} <= {"", "IDEMPOTENCY_KEY_RUNNING"}
        assert len(upstream.asked) == 1
        reused = await told(there.messages.SendMessage(send(request_id="k-1", body="other"), metadata=SALES))
        assert reused.reason == "IDEMPOTENCY_KEY_REUSED"
    again = await told(agent.messages.SendMessage(request, metadata=SALES))
    assert (again.response.message.name, len(upstream.asked)) == ("messages/first", 1)
    assert await world.taken() == 1


async def test_keys_of_different_agents_never_meet(agent: Agent, upstream: FakeUpstream) -> None:
    for name in ("sales-bot", "marketing-bot", "globex-bot"):
        await agent.messages.SendMessage(send(request_id="k-1"), metadata=credential(name))
    assert len(upstream.asked) == 3


async def test_a_call_that_the_upstream_refused_may_be_repeated(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(grpc.StatusCode.FAILED_PRECONDITION)
    assert (await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))).code is not None
    await world.settled(1)
    upstream.behave = answering(_sent("messages/second"))
    again = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    assert again.response.message.name == "messages/second"


async def test_a_repeat_of_a_call_in_doubt_is_in_doubt(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    await world.settled(1)
    again = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    assert (again.code, again.reason) == (grpc.StatusCode.UNKNOWN, "UPSTREAM_IN_DOUBT")
    assert len(upstream.asked) == 1


async def test_an_answer_too_large_to_keep_is_never_repeated_as_an_empty_one(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    large = SendMessageResponse(message=Message(body="x" * 1_100_000)).SerializeToString()
    upstream.behave = answering(large)
    first = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    await world.settled(1)
    again = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
    assert first.code is grpc.StatusCode.OK
    assert again.code is not grpc.StatusCode.OK
    assert again.reason == "UPSTREAM_IN_DOUBT"
    assert len(upstream.asked) == 1


async def test_a_repeated_message_of_a_stream_takes_from_the_cap_like_any_other(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    """A stream's answers cannot be given again, so its keys are the upstream's business; a cap is never passed by."""
    await world.publish(policy(upstream.address, caps=[cap(3)]))
    seen = 0
    for _ in range(3):
        call = agent.messages.SendMessages(
            one_by_one([send_one(request_id="k-1"), send_one(request_id="k-2")]), metadata=SALES
        )
        await told(call)
        seen += 1
    assert seen == 3
    assert len(upstream.messages) == 3
    assert await world.taken() == 3


async def test_the_first_answer_survives_byte_for_byte(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = echo
    call = world.raw().unary_unary("/pilote.crm.v1.MessageService/SendMessage")
    request = send(request_id="k-1").SerializeToString() + b"\xf2\x3f\x05extra"
    first = await call(request, metadata=SALES)
    await world.settled(1)
    assert await call(request, metadata=SALES) == first == request
