"""Plain HTTP through a real Envoy, governed by the same policy as gRPC."""

import asyncio

from gateway.core.record import Verdict
from tests.e2e.envoy.front import CONTACT, GET_METHOD, SEND_METHOD, Front, with_api
from tests.e2e.policy import cap, key_of
from tests.e2e.requests import ADA, send
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import breaking_off, saying


async def test_an_allowed_request_reaches_the_vendor_without_our_key_and_is_settled(
    http_world: World, through: Front
) -> None:
    reply = await through.ask("GET", f"{CONTACT}?properties=email")
    assert reply.status == 200
    (received,) = through.vendor.received
    assert (received.verb, received.path) == ("GET", f"{CONTACT}?properties=email")
    assert received.headers["pilote-decision-id"] == reply.headers["pilote-decision-id"]
    assert key_of("sales-bot") not in str(received.headers)
    (kept,) = await http_world.settled(1)
    assert (kept.record.method, kept.record.agent, kept.record.upstream) == (GET_METHOD, "sales-bot", "vendor")
    assert kept.record.id == reply.headers["pilote-decision-id"]
    assert kept.settlement is not None
    assert (kept.settlement.status, kept.settlement.gave_back) == ("OK", False)


async def test_a_denied_request_gets_the_status_and_its_details_and_never_reaches_the_vendor(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    rule = {
        "name": "no-shouting",
        "effect": "deny",
        "methods": ["rest/vendor/messages.send"],
        "when": 'request.body.text == "NEWS"',
        "message": {"en": "No shouting, {agent}.", "fr": "Pas de cris, {agent}."},
    }
    allow = {"name": "allow-all", "effect": "allow"}
    await http_world.publish(with_api(upstream.address, rules=[rule, allow]))
    body = {"to": "ada-lovelace", "category": "marketing", "text": "NEWS"}
    reply = await through.ask("POST", "/v1/messages", body=body, headers={"accept-language": "fr"})
    assert (reply.status, reply.reason) == (403, "POLICY_DENIED")
    assert reply.headers["content-type"] == "application/json"
    assert (reply.told["code"], reply.told["message"]) == (7, "No shouting, sales-bot.")
    assert "Pas de cris, sales-bot." in reply.body.decode()
    assert through.vendor.received == []
    (kept,) = await http_world.settled(1)
    assert (kept.record.verdict, kept.record.rule, kept.record.method) == (Verdict.DENY, "no-shouting", SEND_METHOD)


async def test_a_cap_holds_across_grpc_and_plain_http_together(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(with_api(upstream.address, caps=[cap(2)]))
    agent = http_world.agent()
    assert (await told(agent.messages.SendMessage(send(ADA), metadata=credential("marketing-bot")))).reason == ""
    assert (await through.send()).status == 200
    refused = await through.send()
    assert (refused.status, refused.reason) == (429, "CAP_EXCEEDED")
    assert int(refused.headers["retry-after"]) > 6 * 86_400
    over_grpc = await told(agent.messages.SendMessage(send(ADA), metadata=credential("marketing-bot")))
    assert over_grpc.reason == "CAP_EXCEEDED"
    assert len(through.vendor.received) == 1
    await http_world.settled(4)


async def test_whatever_the_vendor_surely_has_not_done_gives_its_slot_back(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(with_api(upstream.address, caps=[cap(1)]))
    for status in (400, 503, 429):
        through.vendor.behave = saying(status)
        assert (await through.send()).status == status
        kept = await http_world.settled(len(through.vendor.received))
        assert kept[-1].settlement is not None
        assert kept[-1].settlement.gave_back
        assert await http_world.taken() == 0
    through.vendor.behave = saying(200)
    assert (await through.send()).status == 200


async def test_what_the_vendor_may_have_done_stays_taken_in_doubt(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(with_api(upstream.address, caps=[cap(2)]))
    for behave in (saying(500), breaking_off):
        through.vendor.behave = behave
        assert (await through.send()).status >= 500
    for kept in await http_world.settled(2):
        assert kept.settlement is not None
        assert (kept.settlement.in_doubt, kept.settlement.gave_back) == (True, False)
    assert (await through.send()).reason == "CAP_EXCEEDED"
    await http_world.settled(3)


async def test_an_answer_that_the_caller_never_got_leaves_the_request_in_doubt(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(with_api(upstream.address, caps=[cap(1)]))
    through.vendor.behave = through.vendor.hang
    asking = asyncio.ensure_future(through.send())
    await through.vendor.arrived.wait()
    asking.cancel()
    (kept,) = await http_world.settled(1)
    assert kept.settlement is not None
    assert kept.settlement.in_doubt
    assert await http_world.taken() == 1


async def test_a_path_that_nobody_has_described_is_refused(http_world: World, through: Front) -> None:
    for verb, path in (("GET", "/crm/v3/deals/1"), ("DELETE", CONTACT), ("GET", "/CRM/v3/contacts/ada-lovelace")):
        reply = await through.ask(verb, path)
        assert (reply.status, reply.reason) == (403, "METHOD_UNDESCRIBED")
    reply = await through.ask("GET", CONTACT, host="elsewhere.example")
    assert (reply.status, reply.reason) == (403, "METHOD_UNDESCRIBED")
    assert through.vendor.received == []
    names = {kept.record.method for kept in await http_world.settled(4)}
    assert names == {"/rest/vendor/-", "/rest/-/-"}


async def test_who_does_not_say_who_they_are_is_refused(http_world: World, through: Front) -> None:
    for headers in ({}, {"x-api-key": "unknown"}, {"authorization": "Bearer x.y.z"}):
        reply = await through.ask("GET", CONTACT, agent="", headers=headers)
        assert (reply.status, reply.reason) == (401, "AGENT_UNAUTHENTICATED")
    assert through.vendor.received == []


async def test_a_request_with_a_known_idempotency_key_is_not_made_again(http_world: World, through: Front) -> None:
    key = {"idempotency-key": "once-only-1"}
    assert (await through.send(headers=key)).status == 200
    await http_world.settled(1)
    again = await through.send(headers=key)
    assert (again.status, again.reason) == (409, "ALREADY_EXISTS")
    assert len(through.vendor.received) == 1
    await http_world.settled(2)
