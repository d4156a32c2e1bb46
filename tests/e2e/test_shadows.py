"""Copies of calls: the candidate's answer is compared and recorded, delays nobody, and never writes anything real."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from redis.exceptions import RedisError

from gateway.adapters.failures import failures
from gateway.adapters.stops import StopStore
from gateway.copies.shadowing import MOST_RUNNING, MOST_WAITING
from gateway.core import keys
from gateway.core.assignment import point
from gateway.core.call import Operation
from gateway.core.failures import RuleFailure
from gateway.core.shadows import HARMLESS, CopyEnd, Difference
from gateway.core.stops import Stop
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactResponse, ListContactsRequest, StreamContactsRequest
from pilote.decision.v1.decision_service_pb2 import EvaluateCallRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import Data, allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, Auditor, World, credential, together, told
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream, answering, failing, fake_upstream
from tests.stores import Store

SALES = credential("sales-bot")
LOVELACE = Contact(name=ADA, email="ada@example.org", display_name="Ada Lovelace")


@pytest.fixture
async def candidate() -> AsyncIterator[FakeUpstream]:
    """The upstream that copies go to."""
    async with fake_upstream() as fake:
        yield fake


def copying(upstream: FakeUpstream, candidate: FakeUpstream, *, rules: tuple[Data, ...] = (), **copies: Any) -> Data:
    """A policy whose one route copies its calls to the arm "next"."""
    return policy(
        upstream.address,
        upstreams=[
            {"name": "crm", "address": upstream.address, "timeout": "10s"},
            {"name": "next-crm", "address": candidate.address, "timeout": "10s", "sandbox": "mirror" in copies},
        ],
        routes=[
            {
                "name": "crm",
                "methods": ["/pilote.crm.v1.*"],
                "arms": [{"name": "now", "upstream": "crm"}, {"name": "next", "upstream": "next-crm", "weight": 0}],
            }
            | copies
        ],
        rules=[allow_all(), *rules],
    )


def found(**fields: str) -> bytes:
    contact = Contact()
    contact.CopyFrom(LOVELACE)
    for name, value in fields.items():
        setattr(contact, name, value)
    return GetContactResponse(contact=contact).SerializeToString()


async def test_the_candidates_answer_is_compared_and_recorded_and_the_caller_gets_the_other_one(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream, auditor: Auditor
) -> None:
    upstream.behave = answering(found())
    candidate.behave = answering(found(company="Analytical Engines", email="ada@engines.example"))
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert ended.response.contact == LOVELACE
    (copy,) = await world.copied(1)
    assert (copy.id, copy.end, copy.arm, copy.sent, copy.status) == (
        *(ended.decision, CopyEnd.DIFFERED, "next", True, "OK"),
    )
    assert set(copy.differences) == {Difference("contact.email", "changed"), Difference("contact.company", "added")}
    assert copy.took_us > 0
    assert copy.served_us > 0
    assert all(b"engines" not in entry[b"r"] for entry in await world.entries())

    decision = await auditor.decision(ended.decision)
    await until(lambda: candidate.asked != [], what="the copy")
    look = (await auditor.with_copies(ended.decision)).copies[0]
    assert (look.kind, look.end, look.arm, look.verdict) == ("shadow", "DIFFERED", "next", "ALLOW")
    assert {each.path for each in look.differences} == {"contact.email", "contact.company"}
    assert decision.arm == "now"


async def test_a_copy_says_that_it_is_one_and_carries_no_credential(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    metadata = credential("sales-bot", ("x-more", "1"), ("pilote-shadow", "0"))
    ended = await told(agent.contacts.GetContact(get(), metadata=metadata))
    (copy,) = await world.copied(1)
    assert copy.end is CopyEnd.AGREED
    (asked,) = candidate.asked
    assert asked.values("pilote-shadow") == ["1"]
    assert asked.values("x-more") == ["1"]
    assert asked.values("x-api-key") == []
    assert asked.values("pilote-decision-id") == [ended.decision]
    assert asked.messages == upstream.asked[0].messages
    assert upstream.asked[0].values("pilote-shadow") == []


async def test_nothing_that_writes_deletes_or_contacts_reaches_the_candidate_whatever_it_is(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    revision = world.gateways[0].pipeline.revision
    assert revision is not None
    written = {}
    for method, policy_of in sorted(revision.methods.items()):
        contract = policy_of.contract
        one_reply = not (contract.client_streaming or contract.server_streaming)
        if not method.startswith("/pilote.crm.v1.") or not one_reply or contract.operation in HARMLESS:
            continue
        request = send().SerializeToString() if contract.operation is Operation.CONTACT else b""
        await told(world.raw().unary_unary(method)(request, metadata=SALES))
        written[method] = contract.operation
    copies = await world.copied(len(written))
    assert {copy.operation for copy in copies} == {"WRITE", "DELETE", "CONTACT"}
    assert len(written) > 8
    assert not any(copy.sent for copy in copies)
    assert len(upstream.asked) == len(written)
    assert candidate.asked == []


async def test_what_writes_or_contacts_is_decided_about_and_reaches_no_other_upstream(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    rule = {"name": "canary-reads", "effect": "deny", "operations": ["CONTACT"], "when": 'route.arm == "next"'}
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    for number in range(5):
        assert (await told(agent.messages.SendMessage(send(f"contacts/c{number}"), metadata=SALES))).reason == ""
    assert {(copy.end, copy.sent, copy.verdict) for copy in await world.copied(5)} == {
        (CopyEnd.AGREED, False, "ALLOW"),
    }
    await world.publish(copying(upstream, candidate, rules=(rule,), shadow={"arm": "next"}))
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""
    copy = (await world.copied(6))[-1]
    assert (copy.end, copy.verdict, copy.reason, copy.rule) == (
        *(CopyEnd.DIFFERED, "DENY", "POLICY_DENIED", "canary-reads"),
    )
    assert copy.rules_added == ("canary-reads",)
    assert len(upstream.asked) == 6
    assert candidate.asked == []


async def test_the_candidate_gets_the_request_as_the_rules_redact_it_for_its_arm(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    hide = {
        "name": "next-gets-no-token",
        "effect": "redact",
        "of": "request",
        "fields": ["page_token"],
        "methods": ["/pilote.crm.v1.ContactService/ListContacts"],
        "when": 'route.arm == "next"',
    }
    await world.publish(copying(upstream, candidate, rules=(hide,), shadow={"arm": "next"}))
    request = ListContactsRequest(page_token="t", page_size=3)
    await told(agent.contacts.ListContacts(request, metadata=SALES))
    (copy,) = await world.copied(1)
    assert copy.rules_added == ("next-gets-no-token",)
    assert ListContactsRequest.FromString(candidate.messages[0]) == ListContactsRequest(page_size=3)
    assert ListContactsRequest.FromString(upstream.messages[0]) == request


async def test_refusals_are_answers_and_agree_where_they_are_the_same(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    gone = failing(grpc.StatusCode.NOT_FOUND, "no such contact")
    wanted = []
    for ours, theirs, end in (
        (gone, gone, ()),
        (answering(found()), gone, (Difference("", "missing"),)),
        (gone, answering(found()), (Difference("", "added"),)),
        (gone, failing(grpc.StatusCode.OUT_OF_RANGE), (Difference("", "changed"),)),
    ):
        upstream.behave, candidate.behave = ours, theirs
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        wanted.append(end)
        copies = await world.copied(len(wanted))
    assert [copy.differences for copy in copies] == wanted
    assert [copy.end for copy in copies] == [CopyEnd.AGREED, *[CopyEnd.DIFFERED] * 3]


async def test_a_candidate_that_fails_or_is_dead_is_no_disagreement_and_delays_nobody(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    candidate.behave = failing(grpc.StatusCode.INTERNAL)
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    (copy,) = await world.copied(1)
    assert (copy.end, copy.status, copy.compared) == (CopyEnd.FAILED, "INTERNAL", False)

    dead = copying(upstream, candidate, shadow={"arm": "next"})
    dead["upstreams"][1]["address"] = "127.0.0.1:1"
    await world.publish(dead)
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
    copy = (await world.copied(2))[-1]
    assert (copy.end, copy.status) == (CopyEnd.FAILED, "UNAVAILABLE")


async def test_behind_a_candidate_that_hangs_copies_wait_and_then_are_dropped_and_counted(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    candidate.behave = candidate.hang
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    too_many = 7
    calls = MOST_RUNNING + MOST_WAITING + too_many
    ended = await together(*(agent.contacts.GetContact(get(), metadata=SALES) for _ in range(calls)))
    assert {each.code for each in ended} == {grpc.StatusCode.OK}
    dropped = await world.copied(too_many)
    assert {(copy.end, copy.sent) for copy in dropped} == {(CopyEnd.DROPPED, False)}
    assert len(candidate.asked) <= MOST_RUNNING
    candidate.let_go.set()
    ends = [copy.end for copy in await world.copied(calls)]
    assert world.gateways[0].pipeline._shadowing._bytes == 0
    assert ends.count(CopyEnd.DROPPED) == too_many
    assert len(candidate.asked) == MOST_RUNNING + MOST_WAITING


async def test_a_gateway_that_stops_ends_its_copies_and_says_so(
    empty_world: World, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    world = empty_world
    candidate.behave = candidate.hang
    async with world.started() as gateway:
        await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
        agent = world.agent(gateway)
        for _ in range(MOST_RUNNING + 2):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        await until(lambda: len(candidate.asked) == MOST_RUNNING, what="running copies")
    copies = await world.copied(MOST_RUNNING + 2)
    assert {copy.end for copy in copies} == {CopyEnd.DROPPED}
    assert sum(copy.sent for copy in copies) == MOST_RUNNING


@pytest.mark.every_store
async def test_a_stop_halts_copies_too(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    upstream.behave = upstream.hang
    call = asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES)))
    await until(lambda: bool(upstream.asked), what="the call")
    await StopStore(world.redis).stop("acme", Stop(what="route=crm", reason="it drifts", since_ms=0))
    upstream.let_go.set()
    assert (await call).code is grpc.StatusCode.OK  # it was admitted before
    (copy,) = await world.copied(1)
    assert (copy.end, copy.stop, copy.sent) == (CopyEnd.STOPPED, "route=crm", False)
    assert candidate.asked == []


async def test_without_the_store_nobody_knows_of_stops_so_a_copy_is_dropped_and_told_of_later(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    world, agent = fragile_world, fragile_world.agent()
    await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
    upstream.behave = upstream.hang
    call = asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES)))
    await until(lambda: bool(upstream.asked), what="the call")
    own_redis.kill()
    upstream.let_go.set()
    assert (await call).code is grpc.StatusCode.OK
    own_redis.start()

    async def look() -> bool:
        try:
            return bool([entry for entry in await world.entries() if entry[b"k"] == b"copy"])
        except (RedisError, OSError):
            return False

    await eventually(look, what="the store, and the copy")
    (copy,) = await world.copied(1)
    assert (copy.end, copy.sent) == (CopyEnd.DROPPED, False)
    assert candidate.asked == []


async def test_a_call_that_was_kept_is_copied_when_it_is_made(
    world: World, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    upstream.behave = answering(b"")
    await world.publish(copying(upstream, candidate, rules=(HOLD_CONTACTS,), shadow={"arm": "next"}))
    desk = Desk(world)
    hold_id = await desk.held()
    assert await desk.decide(hold_id)
    hold = await desk.ended(hold_id)
    (copy,) = await world.copied(1)
    assert (copy.id, copy.end, copy.verdict, copy.sent) == (
        *(hold.result.removeprefix("decisions/"), CopyEnd.AGREED, "ALLOW", False),
    )
    assert candidate.asked == []


async def test_a_rule_that_fails_for_the_candidate_only_is_a_finding_and_one_that_fails_for_both_counts_once(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    watching = {"effect": "deny", "mode": "monitor"}
    both = watching | {"name": "both", "when": 'facts.scores["none"] > 1.0'}
    next_only = watching | {"name": "next-only", "when": 'route.arm == "next" && facts.scores["none"] > 1.0'}
    await world.publish(copying(upstream, candidate, rules=(both, next_only), shadow={"arm": "next"}))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    (copy,) = await world.copied(1)
    assert (copy.end, copy.rules_added) == (CopyEnd.AGREED, ("next-only",))

    async def look() -> list[RuleFailure] | None:
        found = await failures(world.redis, "acme")
        return list(found) if len(found) == 2 else None

    found = await eventually(look, what="findings")
    assert {(each.rule, each.count, each.decision) for each in found} == {
        *((rule, 1, ended.decision) for rule in ("both", "next-only")),
    }


async def test_of_a_tenant_with_several_cells_each_copy_is_kept_where_its_call_is(
    empty_world: World, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    world = empty_world
    await world.gateway()
    await world.publish(
        copying(upstream, candidate, shadow={"arm": "next"}) | {"tenants": [{"name": "acme", "cells": 4}]}
    )
    agent = world.agent()
    for number in range(12):
        assert (await told(agent.messages.SendMessage(send(f"contacts/c{number}"), metadata=SALES))).reason == ""
    kept = await world.settled(12)
    assert len({each.record.cell for each in kept}) > 1
    await world.copied(12)
    for cell in range(4):
        stream: Any = await world.redis.xrange(keys.decisions(keys.cell("acme", cell)))
        found = [json.loads(entry[b"r"])["id"] for _, entry in stream if entry[b"k"] == b"copy"]
        assert sorted(found) == sorted(each.record.id for each in kept if each.record.cell == cell)


async def test_of_several_addresses_each_gets_copies_in_its_turn(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    async with fake_upstream() as second:
        data = copying(upstream, candidate, shadow={"arm": "next"})
        data["upstreams"][1] |= {"addresses": [candidate.address, second.address]}
        del data["upstreams"][1]["address"]
        await world.publish(data)
        for _ in range(6):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert {copy.end for copy in await world.copied(6)} == {CopyEnd.AGREED}
        assert (len(candidate.asked), len(second.asked)) == (3, 3)


async def test_a_copy_is_a_span_in_a_trace_of_its_own_linked_to_the_calls_and_counted(
    empty_world: World, upstream: FakeUpstream, candidate: FakeUpstream, collector: Collector
) -> None:
    world = empty_world
    async with world.started(otlp_endpoint=collector.endpoint):
        await world.publish(copying(upstream, candidate, shadow={"arm": "next"}))
        await told(world.agent().contacts.GetContact(get(), metadata=SALES))
        await world.copied(1)
    spans = {span.name: span for span in collector.spans}
    call = spans["pilote.crm.v1.ContactService/GetContact"]
    copy = spans["copy pilote.crm.v1.ContactService/GetContact"]
    assert [(link.trace_id, link.span_id) for link in copy.links] == [(call.trace_id, call.span_id)]
    assert copy.trace_id != call.trace_id
    assert copy.kind == Span.SPAN_KIND_CLIENT
    said = attributes(copy)
    assert (said["pilote.copy"], said["pilote.copy.end"], said["pilote.arm"]) == ("shadow", "AGREED", "next")
    assert said["pilote.decision"] == attributes(call)["pilote.decision"]
    assert candidate.asked[0].values("traceparent") == [f"00-{copy.trace_id.hex()}-{copy.span_id.hex()}-01"]
    wanted = {"kind": "shadow", "route": "crm", "arm": "next", "end": "AGREED"}
    assert collector.metrics.named("pilote.copies") == [
        ({f"pilote.copy.{name}": value for name, value in wanted.items()}, 1),
    ]


async def test_a_mirror_sends_writes_to_a_sandbox_and_nobody_looks_at_the_answer(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, mirror={"arm": "next"}))
    candidate.behave = answering(b"\xff")
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK
    (copy,) = await world.copied(1)
    assert (copy.kind, copy.end, copy.sent, copy.compared) == ("mirror", CopyEnd.SENT, True, False)
    assert candidate.messages == upstream.messages
    rule = {"name": "keep", "effect": "deny", "operations": ["CONTACT"], "when": 'route.arm == "next"'}
    await world.publish(copying(upstream, candidate, rules=(rule,), mirror={"arm": "next"}))
    await told(agent.messages.SendMessage(send(), metadata=SALES))
    copy = (await world.copied(2))[-1]
    assert (copy.end, copy.sent, copy.rule) == (CopyEnd.REFUSED, False, "keep")
    assert len(candidate.asked) == 1


async def test_calls_that_are_refused_fail_or_repeat_are_not_copied(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    rule = {"name": "no-sms", "effect": "deny", "operations": ["CONTACT"], "when": 'call.channel == "sms"'}
    await world.publish(copying(upstream, candidate, rules=(rule,), shadow={"arm": "next"}))
    await told(agent.messages.SendMessage(send(channel="sms"), metadata=SALES))
    for _ in range(3):
        await told(agent.messages.SendMessage(send(request_id="once"), metadata=SALES))
    upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    upstream.behave = answering(b"")
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    evaluated = EvaluateCallRequest(method="/pilote.crm.v1.ContactService/GetContact")
    await told(DecisionServiceStub(agent.channel).EvaluateCall(evaluated, metadata=SALES))
    streamed = agent.contacts.StreamContacts(StreamContactsRequest(), metadata=SALES)
    await told(streamed)
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert [copy.operation for copy in await world.copied(3)] == ["CONTACT", "READ", "READ"]


async def test_a_share_of_the_customers_is_copied_always_the_same(
    world: World, agent: Agent, upstream: FakeUpstream, candidate: FakeUpstream
) -> None:
    await world.publish(copying(upstream, candidate, shadow={"arm": "next", "share": 5_000}))
    for _ in range(2):
        for number in range(40):
            await told(agent.messages.SendMessage(send(f"contacts/c{number}"), metadata=SALES))
    kept = await world.settled(80)
    wanted = {each.record.id for each in kept if point("shadow:crm", each.record.subject_ref) < 5_000}
    assert 16 < len(wanted) < 64
    assert {copy.id for copy in await world.copied(len(wanted))} == wanted
