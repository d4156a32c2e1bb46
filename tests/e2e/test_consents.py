"""What a customer says counts at the next call, on every gateway; refusals say which consent, and nothing personal."""

import time

import grpc
import msgspec
import pytest
from google.rpc import error_details_pb2 as details

from gateway.adapters.consents import ConsentStore
from gateway.core import keys
from gateway.core.consents import Consent
from gateway.core.explain import explain
from gateway.core.record import contact_ref, subject_ref
from gateway.wire.reading import entries_in
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, one_by_one, send, send_one
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
FRENCH = credential("sales-bot", ("accept-language", "fr"))
ACME = keys.cell("acme")
REF = subject_ref(KEY, tenant="acme", subject=ADA)
LAW = "Code de la consommation, art. L. 223-1"
CALLS = {"name": "calls", "channels": ["phone"], "categories": ["marketing"], "citation": LAW}
DAY_MS = 86_400_000


def statement(status: str = "granted", **more: object) -> Consent:
    return msgspec.convert({"channel": "phone", "status": status, "captured_ms": 0} | more, Consent)


async def say(world: World, *statements: Consent, now_ms: int | None = None) -> None:
    at_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    await ConsentStore(world.redis).say("acme", REF, statements=statements, now_ms=at_ms)


async def until_told(agent: Agent, reason: str) -> None:
    """Call until the answer is for that reason, a second at most."""

    async def look() -> bool | None:
        called = await told(agent.messages.SendMessage(send(channel="phone"), metadata=SALES))
        return called.reason == reason or None

    await eventually(look, what=f"an answer for {reason!r}", within=1.0)


@pytest.mark.parametrize("status", ["withdrawn", "refused"])
async def test_a_withdrawal_is_met_by_every_gateway_within_a_second(
    world: World, upstream: FakeUpstream, status: str
) -> None:
    await world.gateway()
    await world.publish(policy(upstream.address, consents=[CALLS]))
    await say(world, statement())
    agents = [world.agent(each) for each in world.gateways]
    for agent in agents:
        await until_told(agent, "")
    for running in world.gateways:
        cached = running.pipeline._facts._cache
        assert keys.facts(ACME, REF) in cached, "the facts are not cached, so this would prove nothing"

    await say(world, statement(status))
    for agent in agents:
        await until_told(agent, "CONSENT_MISSING")


async def test_a_missing_consent_says_which_and_since_when_and_what_it_rests_on(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, consents=[CALLS]))
    agent = world.agent()
    request = send(channel="phone", purpose="renewal", contact_point="+33 6 12 34 56 78")
    point = contact_ref(KEY, tenant="acme", contact_point="+33612345678")
    await say(world, statement("refused", contact_point=point), now_ms=1_767_225_600_000)

    refused = await told(agent.messages.SendMessage(request, metadata=FRENCH))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CONSENT_MISSING")
    assert refused.kinds == ["ErrorInfo", "PreconditionFailure", "LocalizedMessage"]
    metadata = dict(refused.detail(details.ErrorInfo).metadata)
    assert metadata | {"revision": "", "method": ""} == {
        "agent": "sales-bot",
        "rule": "calls",
        "revision": "",
        "method": "",
        "channel": "phone",
        "purpose": "renewal",
        "status": "refused",
        "since": "2026-01-01T00:00:00Z",
        "citation": LAW,
    }
    (violation,) = refused.detail(details.PreconditionFailure).violations
    assert (violation.type, violation.subject, violation.description) == ("CONSENT_MISSING", "calls", refused.text)
    assert refused.text == f"The customer refused renewal by phone on 2026-01-01. ({LAW})"
    french = refused.detail(details.LocalizedMessage).message
    assert french == f"Le client a refusé le 01/01/2026 d’être sollicité par phone (objet : renewal). ({LAW})"
    (kept,) = await world.settled(1)
    assert (kept.record.contact_ref, kept.record.purpose, kept.record.citation) == (point, "renewal", LAW)
    assert "612345678" not in str(kept.record) + str(refused.status)
    decision = await auditor.decision(refused.decision)
    assert (decision.citation, decision.message) == (LAW, refused.text)
    assert [(look.rule, look.effect) for look in decision.rules] == [("allow-all", "allow"), ("calls", "deny")]
    sentences = explain(*entries_in(decision)[:2], settlement=None, language="fr")
    assert "Le client avait refusé le consentement calls le 01/01/2026." in sentences
    assert f"Le refus repose sur {LAW}." in sentences
    assert upstream.asked == []


async def test_a_silence_that_ends_says_when(world: World, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, consents=[CALLS | {"silence_after_refusal": "60d"}]))
    now_ms = time.time_ns() // 1_000_000
    await say(world, statement("refused"), now_ms=now_ms - 59 * DAY_MS)
    await say(world, statement(), now_ms=now_ms - 30 * DAY_MS)

    refused = await told(world.agent().messages.SendMessage(send(channel="phone"), metadata=SALES))

    assert refused.reason == "CONSENT_MISSING"
    wait_ms = refused.detail(details.RetryInfo).retry_delay.ToMilliseconds()
    assert DAY_MS - 60_000 < wait_ms <= DAY_MS


async def test_a_consent_is_asked_for_each_message_of_a_stream(world: World, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, consents=[CALLS]))
    point = contact_ref(KEY, tenant="acme", contact_point="+33612345678")
    await say(world, statement(contact_point=point))
    sent = [send_one(channel="phone", contact_point=each) for each in ("+33612345678", "+33612345679")]

    ended = await told(world.agent().messages.SendMessages(one_by_one(sent), metadata=SALES))

    assert ended.reason == "CONSENT_MISSING"
    first, second = await world.settled(2)
    assert (first.outcome.granted, second.outcome.granted) == (True, False)


async def test_a_number_without_its_country_is_refused_with_the_field(world: World) -> None:
    request = send(channel="phone", contact_point="06 12 34 56 78")
    refused = await told(world.agent().messages.SendMessage(request, metadata=SALES))
    assert refused.reason == "ARGUMENT_INVALID"
    assert dict(refused.detail(details.ErrorInfo).metadata) == {"field": "message.contact_point"}
    assert "12 34" not in str(refused.status)
