"""A rule that redacts: callers and upstreams do not get to see it, and everything else is as ever."""

from typing import Any

import grpc
import pytest

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactResponse, StreamContactsRequest, StreamContactsResponse
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import (
    SendMessageRequest,
    SendMessageResponse,
    SendMessagesRequest,
    SendMessagesResponse,
)
from tests.e2e.policy import Data, allow_all, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import Asked, FakeUpstream, answering

SALES, RESEARCH = credential("sales-bot"), credential("research-bot")
ADA = Contact(name="contacts/ada", display_name="Ada Lovelace", email="ada@example.org", company="Engines")
READS = ["/pilote.crm.v1.ContactService/GetContact", "/pilote.crm.v1.ContactService/StreamContacts"]
SENDS = ["/pilote.crm.v1.MessageService/SendMessage"]
BAD = b"\x0a\x05oops"


def redacting(*methods: str, **more: Any) -> Data:
    """A rule that redacts for the agent that only reads."""
    when = 'agent.name == "research-bot"'
    return {"name": "hide", "effect": "redact", "when": when, "methods": list(methods)} | more


async def use(world: World, upstream: FakeUpstream, *rules: Data) -> None:
    """Answer by these rules, besides one that allows everything."""
    await world.publish(policy(upstream.address, rules=[allow_all(), *rules]))


async def test_a_reply_is_redacted_for_those_whom_the_rule_is_about(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*READS, sensitivity="PERSONAL"))
    raw = GetContactResponse(contact=ADA).SerializeToString()
    upstream.behave = answering(raw)
    whole = await told(agent.contacts.GetContact(get(), metadata=SALES))
    hidden = await told(agent.contacts.GetContact(get(), metadata=RESEARCH))

    assert whole.response.contact == ADA
    assert hidden.response.contact == Contact(name="contacts/ada", company="Engines")
    one, other = await world.settled(2)
    assert [(look.rule, look.effect) for look in one.record.rules] == [("allow-all", "allow")]
    assert [(look.rule, look.effect) for look in other.record.rules] == [("allow-all", "allow"), ("hide", "redact")]
    assert one.settlement is not None
    assert one.settlement.response_bytes == len(raw)


async def test_every_message_of_a_stream_is_redacted(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await use(world, upstream, redacting(*READS, fields=["contact.email"], **{"with": "[hidden]"}))
    upstream.behave = answering(StreamContactsResponse(contact=ADA).SerializeToString())
    ended = await told(agent.contacts.StreamContacts(StreamContactsRequest(), metadata=RESEARCH))
    assert [each.contact.email for each in ended.response] == ["[hidden]"]
    assert ended.response[0].contact.display_name == "Ada Lovelace"


async def test_all_rules_that_apply_redact_together(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    more = redacting(*READS, fields=["contact.company"]) | {"name": "hide-company"}
    await use(world, upstream, redacting(*READS, fields=["contact.email"]), more)
    upstream.behave = answering(GetContactResponse(contact=ADA).SerializeToString())
    hidden = await told(agent.contacts.GetContact(get(), metadata=RESEARCH))
    assert hidden.response.contact == Contact(name="contacts/ada", display_name="Ada Lovelace")


async def test_the_upstream_gets_a_redacted_request_that_was_decided_about_as_a_whole(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    rule = redacting(
        *SENDS, of="request", fields=["message.subject_line"], when='request.message.subject_line == "spring"'
    )
    await use(world, upstream, rule)
    await told(agent.messages.SendMessage(send(subject_line="spring"), metadata=RESEARCH))
    await told(agent.messages.SendMessage(send(subject_line="autumn"), metadata=RESEARCH))
    lines = [SendMessageRequest.FromString(each).message.subject_line for each in upstream.messages]
    assert lines == ["", "autumn"]
    hidden, _ = await world.settled(2)
    assert hidden.record.request_bytes == len(send(subject_line="spring").SerializeToString())


async def test_each_message_of_a_stream_is_redacted_by_what_was_decided_of_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    rule = redacting(of="request", fields=["message.subject_line"], when='request.message.subject_line == "spring"')
    await use(world, upstream, rule | {"methods": ["/pilote.crm.v1.MessageService/SendMessages"]})
    sent = [send_one(subject_line=each) for each in ("autumn", "spring", "winter")]
    await told(agent.messages.SendMessages(one_by_one(sent), metadata=RESEARCH))
    lines = [SendMessagesRequest.FromString(each).message.subject_line for each in upstream.messages]
    assert lines == ["autumn", "", "winter"]


async def test_a_stream_is_redacted_by_every_revision_that_decided_about_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    method = "/pilote.crm.v1.MessageService/SendMessages"
    await use(world, upstream, redacting(method, fields=["message.body"]))
    sent = Message(name="messages/1", body="Dear Ada", campaign="spring")
    upstream.behave = answering(SendMessagesResponse(message=sent).SerializeToString())
    call: Any = agent.messages.SendMessages(metadata=RESEARCH)
    await call.write(send_one())
    first = await call.read()
    await use(world, upstream, redacting(method, fields=["message.campaign"]))
    await call.write(send_one())
    second = await call.read()
    await call.done_writing()
    assert (await told(call)).reason == ""

    assert first.message == Message(name="messages/1", campaign="spring")
    assert second.message == Message(name="messages/1")


async def test_a_repeat_gets_the_answer_that_the_first_caller_saw_and_less_where_a_rule_came_since(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*SENDS, fields=["message.body"]))
    sent = Message(name="messages/1", body="Dear Ada", campaign="spring")
    upstream.behave = answering(SendMessageResponse(message=sent).SerializeToString())
    first = await told(agent.messages.SendMessage(send(request_id="k"), metadata=RESEARCH))
    await use(world, upstream, redacting(*SENDS, fields=["message.campaign"]))
    again = await told(agent.messages.SendMessage(send(request_id="k"), metadata=RESEARCH))

    assert first.response.message == Message(name="messages/1", campaign="spring")
    assert again.response.message == Message(name="messages/1")
    assert len(upstream.asked) == 1


async def test_a_request_that_was_redacted_is_told_apart_by_what_the_caller_sent(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*SENDS, of="request", fields=["message.subject_line"]))
    await told(agent.messages.SendMessage(send(request_id="k", subject_line="one"), metadata=RESEARCH))
    other = await told(agent.messages.SendMessage(send(request_id="k", subject_line="two"), metadata=RESEARCH))
    assert other.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_reply_that_cannot_be_redacted_is_withheld_and_the_call_has_acted(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*SENDS, sensitivity="PERSONAL"))
    upstream.behave = answering(BAD)
    french = (*RESEARCH, ("accept-language", "fr"))
    ended = await told(agent.messages.SendMessage(send(request_id="k"), metadata=french))
    again = await told(agent.messages.SendMessage(send(request_id="k"), metadata=RESEARCH))

    assert (ended.code, ended.reason) == (grpc.StatusCode.INTERNAL, "REPLY_WITHHELD")
    assert "retenue" in str(ended.status)
    assert "oops" not in str(ended.status)
    assert again.reason == "UPSTREAM_IN_DOUBT"
    assert len(upstream.asked) == 1
    first, _ = await world.settled(2)
    assert first.settlement is not None
    assert (first.settlement.in_doubt, first.settlement.gave_back) == (False, False)
    assert first.settlement.reason == "REPLY_WITHHELD"


async def test_of_a_stream_nothing_passes_from_the_first_reply_on_that_cannot_be_redacted(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting("/pilote.crm.v1.MessageService/SendMessages", sensitivity="PERSONAL"))

    async def worse(asked: Asked, _context: object) -> bytes:
        return b"" if len(asked.messages) == 1 else BAD

    upstream.behave = worse
    ended = await told(agent.messages.SendMessages(one_by_one([send_one()] * 3), metadata=RESEARCH))
    assert ended.reason == "REPLY_WITHHELD"
    kept = await world.settled(len(await world.kept()))
    acted = kept[: len(upstream.messages)]
    assert [each.settlement.gave_back for each in acted if each.settlement] == [False] * len(acted)
    assert len(acted) >= 2


async def test_a_rule_that_watches_changes_nothing_and_is_recorded(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*READS, sensitivity="PERSONAL", mode="monitor"))
    upstream.behave = answering(BAD + b"not even a contact")
    ended = await told(world.raw().unary_unary(READS[0])(get().SerializeToString(), metadata=RESEARCH))
    assert ended.response == BAD + b"not even a contact"
    (kept,) = await world.settled(1)
    assert [(look.rule, look.effect, look.mode) for look in kept.record.rules][1] == ("hide", "redact", "monitor")


@pytest.mark.parametrize(
    ("on_error", "hidden"), [({}, True), ({"on_error": "redact"}, True), ({"on_error": "allow"}, False)]
)
async def test_a_rule_that_fails_redacts_unless_it_says_otherwise(
    world: World, agent: Agent, upstream: FakeUpstream, on_error: Data, *, hidden: bool
) -> None:
    await use(world, upstream, redacting(*READS, sensitivity="PERSONAL", when='facts.consents["email"]', **on_error))
    upstream.behave = answering(GetContactResponse(contact=ADA).SerializeToString())
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (ended.response.contact.email == "") is hidden


async def test_a_rule_that_fails_denies_where_it_says_so(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await use(
        world, upstream, redacting(*READS, sensitivity="PERSONAL", when='facts.consents["email"]', on_error="deny")
    )
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert ended.reason == "POLICY_DENIED"
    assert upstream.asked == []


async def test_a_call_without_a_redaction_keeps_its_very_bytes(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await use(world, upstream, redacting(*READS, sensitivity="PERSONAL"))
    odd = b"\xfa\x3e\x01x" + GetContactResponse(contact=ADA).SerializeToString()
    upstream.behave = answering(odd)
    ended = await told(world.raw().unary_unary(READS[0])(get().SerializeToString(), metadata=SALES))
    assert ended.response == odd
