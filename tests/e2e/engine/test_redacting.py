"""What rules take out of calls that Envoy carries is out of them, at whatever size, and else nothing passes."""

from typing import Any

import grpc
import pytest

from gateway.envoy.heads import REDACTED_HEADER
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactResponse
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse
from tests.e2e.by_envoy import by_envoy, reached
from tests.e2e.engine.test_ends import Ask, contact, read, shown
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import Behaviour, FakeUpstream, answering, failing

pytestmark = pytest.mark.one_store
SALES, RESEARCH = credential("sales-bot"), credential("research-bot")
GETS = "/pilote.crm.v1.ContactService/GetContact"
SENDS = "/pilote.crm.v1.MessageService/SendMessage"
ADA = Contact(name="contacts/ada", display_name="Ada Lovelace", email="ada@example.org", company="Engines")


def redacting(method: str, name: str = "hide", **more: Any) -> Data:
    """A rule that redacts for the agent that only reads."""
    return {
        "name": name,
        "effect": "redact",
        "when": 'agent.name == "research-bot"',
        "methods": [method],
        **more,
    }


async def use(world: World, agent: Agent, upstream: FakeUpstream, *rules: Data) -> None:
    """Have Envoy carry calls by these rules, besides one that allows everything."""
    await world.publish(policy(upstream.address, rules=[allow_all(), *rules]))
    await reached(agent, upstream)


async def test_envoy_carries_calls_whose_request_or_reply_or_both_are_redacted(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    hidden = redacting(SENDS, "line", of="request", fields=["message.subject_line"])
    when = 'agent.name == "research-bot" && request.message.campaign == "spring"'
    body = redacting(SENDS, "body", fields=["message.body"]) | {"when": when}
    await use(world, agent, upstream, hidden, body)
    sent = Message(name="messages/1", body="Dear Ada", campaign="spring")
    upstream.behave = answering(SendMessageResponse(message=sent).SerializeToString(), trailers=(("x-page", "2"),))
    for credential_, campaign, line, got in (
        (SALES, "spring", "Hello", "Dear Ada"),
        (RESEARCH, "winter", "", "Dear Ada"),
        (RESEARCH, "spring", "", ""),
    ):
        ended = await told(
            agent.messages.SendMessage(send(subject_line="Hello", campaign=campaign), metadata=credential_)
        )
        assert (ended.code, ended.response.message.body, ended.trailers["x-page"]) == (grpc.StatusCode.OK, got, "2")
        asked = upstream.asked[-1]
        assert by_envoy(asked)
        assert SendMessageRequest.FromString(asked.messages[0]).message.subject_line == line
        assert asked.values(REDACTED_HEADER) == []


async def test_no_reply_is_too_long_to_be_redacted(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await use(world, agent, upstream, redacting(GETS, fields=["contact.email"]))
    long = Contact(name="contacts/ada", email="ada@example.org", company="E" * 3_000_000)
    upstream.behave = answering(GetContactResponse(contact=long).SerializeToString())
    ended = await told(agent.contacts.GetContact(get(), metadata=RESEARCH))
    assert ended.response.contact == Contact(name="contacts/ada", company="E" * 3_000_000)
    assert by_envoy(upstream.asked[-1])
    assert upstream.asked[-1].values("grpc-accept-encoding") in ([], ["identity"])


async def test_nothing_passes_unredacted_while_revisions_change_what_is_redacted(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    """Envoy hears of a revision later than whoever decides."""
    upstream.behave = answering(GetContactResponse(contact=ADA).SerializeToString())
    for turn in range(12):
        rules = [] if turn % 2 else [redacting(GETS, fields=["contact.email"])]
        await world.publish(policy(upstream.address, rules=[allow_all(), *rules]))
        for _ in range(3):
            ended = await told(agent.contacts.GetContact(get(), metadata=RESEARCH))
            assert (ended.code, ended.response.contact.email) == (grpc.StatusCode.OK, ADA.email if turn % 2 else "")
    assert any(by_envoy(each) for each in upstream.asked)


@pytest.mark.parametrize("forged", ["request", "reply", "request+reply", "none"])
async def test_no_caller_says_what_is_redacted(world: World, agent: Agent, upstream: FakeUpstream, forged: str) -> None:
    await use(world, agent, upstream, redacting(GETS, fields=["contact.email"]))
    upstream.behave = answering(GetContactResponse(contact=ADA).SerializeToString())
    hidden = await told(agent.contacts.GetContact(get(), metadata=(*RESEARCH, (REDACTED_HEADER, forged))))
    whole = await told(agent.contacts.GetContact(get(), metadata=(*SALES, (REDACTED_HEADER, forged))))
    assert (hidden.response.contact.email, whole.response.contact.email) == ("", ADA.email)
    stays = await told(agent.messages.SendMessage(send(request_id="r"), metadata=(*SALES, (REDACTED_HEADER, forged))))
    assert stays.code is grpc.StatusCode.OK  # handed over
    assert [each.values(REDACTED_HEADER) for each in upstream.asked] == [[], [], []]


FRENCH = (*RESEARCH, ("accept-language", "fr"))
BAD = b"\x0a\x05oops"
TOLD = (("x-page", "2"),)
ENDS: dict[str, tuple[Behaviour, Ask]] = {
    "answers": (answering(GetContactResponse(contact=ADA).SerializeToString(), trailers=TOLD), read(RESEARCH)),
    "answers nothing": (answering(b""), read(RESEARCH)),
    "answers what cannot be read": (answering(BAD, trailers=TOLD), read(RESEARCH)),
    "does so at a contact, in French": (answering(BAD), contact(FRENCH)),
    "refuses": (failing(grpc.StatusCode.NOT_FOUND, "nobody", trailers=TOLD), read(RESEARCH)),
    "fails at a contact": (failing(grpc.StatusCode.INTERNAL, "secret of ours"), contact(RESEARCH)),
}


@pytest.mark.parametrize(("behave", "ask"), ENDS.values(), ids=ENDS)
async def test_both_engines_end_a_redacted_call_alike(
    empty_world: World, upstream: FakeUpstream, behave: Behaviour, ask: Ask
) -> None:
    await empty_world.gateway(engine="in-process")
    await empty_world.gateway(engine="envoy")
    rules = [
        redacting(GETS, "email", fields=["contact.email"]),
        redacting(SENDS, "body", fields=["message.body"]),
        redacting(SENDS, "line", of="request", fields=["message.subject_line"]),
    ]
    await empty_world.publish(policy(upstream.address, rules=[allow_all(), *rules], caps=[cap(50)]))
    plain, carried = (empty_world.agent(each) for each in empty_world.gateways)
    await reached(carried, upstream)
    before = len(await empty_world.settled(len(await empty_world.kept())))
    upstream.behave = behave
    one, other = await told(ask(plain)), await told(ask(carried))
    assert [by_envoy(each) for each in upstream.asked] == [False, True]
    assert upstream.asked[0].messages == upstream.asked[1].messages
    assert shown(one) == shown(other)
    assert one.response == other.response
    kept = (await empty_world.settled(before + 2))[-2:]
    first, second = (each.settlement for each in kept)
    assert first is not None
    assert second is not None
    for field in ("status", "reason", "in_doubt", "gave_back", "messages_in", "messages_out", "response_bytes"):
        assert getattr(first, field) == getattr(second, field), field
    assert [(each.arm, each.status) for each in first.attempts] == [(each.arm, each.status) for each in second.attempts]
