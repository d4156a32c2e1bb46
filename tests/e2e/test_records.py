"""Every call leaves exactly one record, however it ended, and no personal data anywhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.core.keys import NOBODY
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, StreamContactsRequest
from pilote.crm.v1.message_service_pb2 import SendMessagesRequest
from pilote.decision.v1 import decision_pb2
from services.crm.server import running as crm_running
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.requests import ADA, get, one_by_one, send, send_one
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, Auditor, Kept, World, auditing, credential, told
from tests.fakes.collector import collecting
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = credential("sales-bot")
ALLOW, DENY = decision_pb2.VERDICT_ALLOW, decision_pb2.VERDICT_DENY
SETTLED, IN_DOUBT = decision_pb2.DECISION_STATE_SETTLED, decision_pb2.DECISION_STATE_IN_DOUBT


async def test_every_end_of_a_call_leaves_one_record_that_an_auditor_finds(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rules = [
        allow_all(),
        {"name": "no-phone", "effect": "deny", "operations": ["CONTACT"], "when": 'call.channel == "phone"'},
    ]
    await world.publish(policy(upstream.address, rules=rules, caps=[cap(1, channels=["sms"])]))
    messages = agent.messages
    ended = {"allowed": await told(messages.SendMessage(send(), metadata=SALES))}
    ended["rule"] = await told(messages.SendMessage(send(channel="phone"), metadata=SALES))
    await messages.SendMessage(send(channel="sms"), metadata=SALES)
    ended["cap"] = await told(messages.SendMessage(send(channel="sms"), metadata=SALES))
    ended["shape"] = await told(messages.SendMessage(send(channel="e mail"), metadata=SALES))
    ended["stranger"] = await told(messages.SendMessage(send(), metadata=()))
    ended["unknown"] = await told(world.raw().unary_unary("/vendor.Crm/Wipe")(b"", metadata=SALES))
    upstream.behave = failing(grpc.StatusCode.NOT_FOUND)
    ended["refused"] = await told(messages.SendMessage(send(), metadata=SALES))
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    ended["doubt"] = await told(messages.SendMessage(send(), metadata=SALES))
    ended["failed"] = await told(agent.contacts.GetContact(get(), metadata=SALES))

    wanted = {
        "allowed": (ALLOW, "", "OK", SETTLED, "allow-all"),
        "rule": (DENY, "POLICY_DENIED", "PERMISSION_DENIED", SETTLED, "no-phone"),
        "cap": (DENY, "CAP_EXCEEDED", "RESOURCE_EXHAUSTED", SETTLED, "pressure"),
        "shape": (DENY, "ARGUMENT_INVALID", "INVALID_ARGUMENT", SETTLED, ""),
        "stranger": (DENY, "AGENT_UNAUTHENTICATED", "UNAUTHENTICATED", SETTLED, ""),
        "unknown": (DENY, "METHOD_UNDESCRIBED", "PERMISSION_DENIED", SETTLED, ""),
        "refused": (ALLOW, "", "NOT_FOUND", SETTLED, "allow-all"),
        "doubt": (ALLOW, "UPSTREAM_IN_DOUBT", "UNKNOWN", IN_DOUBT, "allow-all"),
        "failed": (ALLOW, "UPSTREAM_FAILED", "INTERNAL", SETTLED, "allow-all"),
    }
    for name, each in ended.items():
        found = await auditor.decision(each.decision)
        assert (found.verdict, found.reason, found.status, found.state, found.rule) == wanted[name], name
        assert found.agent == ("" if name == "stranger" else "sales-bot")
    assert ended["refused"].code is grpc.StatusCode.NOT_FOUND
    names = [f"decisions/{each.decision}" for each in ended.values()]

    async def names_of(text: str) -> set[str]:
        return {each.name for each in await auditor.listed(text)}

    assert await names_of("verdict = DENY") == {names[n] for n in (1, 2, 3, 4, 5)}
    # A refusal took its time as well, up to when it was said.
    assert await names_of(f'verdict = DENY AND rule:"no-phone" AND latency > 1us AND subject = "{ADA}"') == {names[1]}
    assert await names_of('rule = "no-phone" AND latency > 1h') == set()
    assert await names_of('rule = "no-phone"') == {names[1]}
    assert await names_of("rule = pressure") == {names[2]}
    assert len(await names_of('agent = "sales-bot"')) == 9
    assert len(await names_of(f'subject = "{ADA}"')) == 7
    assert len(await names_of(f'receive_time >= "{since}"')) == 10
    assert await names_of('model_version = "3.1" AND status = NOT_FOUND') == {names[6]}


async def _one(world: World, *, tenant: str = "acme") -> Kept:
    (kept,) = await world.settled(1, tenant=tenant)
    assert kept.times == 1
    return kept


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_caller_that_cancels_leaves_one_record_in_doubt(
    world: World, agent: Agent, upstream: FakeUpstream, *, streaming: bool
) -> None:
    upstream.behave = upstream.hang
    call: Any = (
        agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES)
        if streaming
        else agent.messages.SendMessage(send(), metadata=SALES)
    )
    running = asyncio.ensure_future(told(call))
    await asyncio.wait_for(upstream.arrived.wait(), 30)
    call.cancel()
    await asyncio.wait([running])
    kept = await _one(world)
    assert kept.settlement is not None
    assert (kept.settlement.status, kept.settlement.reason) == ("CANCELLED", "CANCELLED")
    assert kept.settlement.in_doubt
    await until(lambda: upstream.ended != [], what="the upstream's call is cancelled too")


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_deadline_that_passes_leaves_one_record(
    world: World, agent: Agent, upstream: FakeUpstream, *, streaming: bool
) -> None:
    upstream.behave = upstream.hang
    call: Any = (
        agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES, timeout=1)
        if streaming
        else agent.messages.SendMessage(send(), metadata=SALES, timeout=1)
    )
    assert (await told(call)).code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN)
    kept = await _one(world)
    assert kept.settlement is not None
    assert kept.settlement.in_doubt


async def test_a_read_whose_deadline_passes_is_not_in_doubt(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES, timeout=1))
    assert ended.code is grpc.StatusCode.DEADLINE_EXCEEDED
    kept = await _one(world)
    assert kept.settlement is not None
    assert not kept.settlement.in_doubt


async def test_an_upstreams_own_limit_ends_a_call_that_has_no_deadline(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    crm = {"name": "crm", "address": upstream.address, "timeout": "300ms"}
    await world.publish(policy(upstream.address, upstreams=[crm]))
    read = await told(agent.contacts.GetContact(get(), metadata=SALES))
    contact = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert (read.code, read.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert (contact.code, contact.reason) == (grpc.StatusCode.UNKNOWN, "UPSTREAM_IN_DOUBT")


async def test_a_stream_that_is_cancelled_before_its_first_message_leaves_one_record(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    silent = asyncio.Event()

    async def nothing() -> AsyncIterator[SendMessagesRequest]:
        await silent.wait()
        yield send_one()

    call = agent.messages.SendMessages(nothing(), metadata=SALES)
    running = asyncio.ensure_future(told(call))
    # A second call over the same connection: once it is answered, the first one has reached the gateway.
    await agent.contacts.GetContact(get(), metadata=SALES)
    call.cancel()
    await asyncio.wait([running])
    _, kept = sorted(await world.settled(2), key=lambda each: each.outcome.granted, reverse=True)
    assert (kept.record.agent, kept.reason) == ("sales-bot", "CANCELLED")
    silent.set()


async def test_a_message_larger_than_the_connection_takes_leaves_one_record(
    world: World, upstream: FakeUpstream
) -> None:
    tight = await world.gateway(max_message_bytes=10_000)
    await world.wait_for(1)
    agent = world.agent(tight)
    ended = await told(agent.messages.SendMessage(send(body="x" * 20_000), metadata=SALES))
    assert ended.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in ended.text
    kept = await _one(world)
    assert (kept.record.agent, kept.record.method) == ("sales-bot", "/pilote.crm.v1.MessageService/SendMessage")
    assert kept.reason == "CANCELLED"
    assert "larger than a connection takes" in kept.record.message
    assert upstream.asked == []


async def test_a_first_stream_message_larger_than_the_connection_takes_leaves_one_record(
    world: World, upstream: FakeUpstream
) -> None:
    tight = await world.gateway(max_message_bytes=10_000)
    await world.wait_for(1)
    agent = world.agent(tight)
    ended = await told(agent.messages.SendMessages(one_by_one([send_one(body="x" * 20_000)]), metadata=SALES))
    assert ended.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    kept = await _one(world)
    assert (kept.outcome.granted, kept.reason) == (False, "CANCELLED")
    assert upstream.messages == []


async def test_a_call_with_more_metadata_than_a_connection_takes_leaves_one_record(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    huge = credential("sales-bot", ("x-huge", "x" * 20_000))
    ended = await told(agent.contacts.GetContact(get(), metadata=huge))
    assert ended.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert upstream.asked == []

    async def written() -> bool | None:
        return len(await world.kept()) + len(await world.kept(NOBODY)) == 1 or None

    await eventually(written, what="one record")


async def test_nothing_personal_is_kept_logged_or_traced(
    empty_world: World, tmp_path: Path, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ("Lovelace", "ada-lovelace", "ada@example.org", "+33612345678", "Dear Ada", key_of("sales-bot"))
    async with (
        collecting() as collector,
        auditing(redis_url, tmp_path / "audit") as auditor,
        crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as port,
        # Last, so that its end sends the last spans while the collector still listens.
        empty_world.started(otlp_endpoint=collector.endpoint, call_log="all"),
    ):
        await empty_world.publish(policy(f"127.0.0.1:{port}", caps=[cap(1)]))
        agent = empty_world.agent()
        wanted = Contact(display_name="Ada Lovelace", email="ada@example.org", phone="+33612345678")
        create = CreateContactRequest(contact=wanted, contact_id="ada-lovelace")
        ended = [await told(agent.contacts.CreateContact(create, metadata=SALES))]
        ended.append(await told(agent.messages.SendMessage(send(), metadata=SALES)))
        ended.append(await told(agent.messages.SendMessage(send(), metadata=SALES)))
        ended.append(await told(agent.messages.SendMessage(send(" contacts/ada-lovelace"), metadata=SALES)))
        ended.append(await told(agent.contacts.StreamContacts(StreamContactsRequest(), metadata=SALES)))
        for each in ended:
            await auditor.decision(each.decision)
    assert [each.reason for each in ended] == ["", "", "CAP_EXCEEDED", "ARGUMENT_INVALID", ""]
    assert len(collector.spans) == 5
    everything = {"log": caplog.text.encode() + repr([vars(each) for each in caplog.records]).encode()}
    everything["spans"] = b"".join(collector.raw)
    for file in [*(tmp_path / "audit").rglob("*"), *(tmp_path / "gateway-0").rglob("*")]:
        if file.is_file():
            everything[file.name] = file.read_bytes()
    async for key in empty_world.redis.scan_iter("*"):
        name = key.decode()
        everything[name] = key + await empty_world.redis.dump(key)
        if name.endswith(":decisions"):
            everything[name] += repr(await empty_world.redis.xrange(key)).encode()
    found = [(where, secret) for where, data in everything.items() for secret in secrets if secret.encode() in data]
    assert found == []


async def test_each_of_two_hundred_decisions_is_found(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    upstream.behave = answering(b"")
    calls = [told(agent.messages.SendMessage(send(f"contacts/c-{n}"), metadata=SALES)) for n in range(200)]
    ended = await asyncio.gather(*calls)

    async def all_found() -> bool | None:
        return len(await auditor.listed("state = SETTLED")) == len(ended) or None

    assert await eventually(all_found, what="all decisions are found")
