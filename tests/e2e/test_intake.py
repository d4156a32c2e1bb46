"""What a customer data platform tells of a customer counts at the next call, on every gateway."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import msgspec
from segment.analytics.client import Client as SegmentClient

from gateway.core import keys
from gateway.core.errors import Reason
from gateway.core.record import CustomerOutcome
from pilote.audit.v1 import audit_service_pb2, explaining_pb2
from services.intake.server import Options, running
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream

SALES: Final = credential("sales-bot")
WRITE_KEY: Final = "pilote_cdp_key"
SOURCE: Final[dict[str, Any]] = {
    "name": "cdp",
    "tenant": "acme",
    "keys": [{"id": "one", "sha256": hashlib.sha256(WRITE_KEY.encode()).hexdigest()}],
    "facts": {"traits.plan": "traits.plan", "traits.vip": "segments.vip"},
}
NO_FREE: Final = {
    "name": "no-free",
    "effect": "deny",
    "when": '"plan" in facts.traits && facts.traits["plan"] == "free"',
}


async def test_what_segments_own_client_tells_counts_at_the_next_call_on_every_gateway(
    world: World, upstream: FakeUpstream
) -> None:
    await world.gateway()
    await world.publish(policy(upstream.address, sources=[SOURCE], rules=[{"name": "all", "effect": "allow"}, NO_FREE]))
    agents = [world.agent(each) for each in world.gateways]
    for agent in agents:  # whoever is asked has the old facts in its cache
        assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    failures: list[object] = []
    async with running(_options(world)) as ports:
        port = ports.http
        await _live(port)
        segment = SegmentClient(
            WRITE_KEY, host=f"http://127.0.0.1:{port}", gzip=True, on_error=lambda *error: failures.append(error)
        )
        segment.identify(ADA.removeprefix("contacts/"), {"plan": "free", "vip": True})
        segment.track(ADA.removeprefix("contacts/"), "Order Completed", {"revenue": 10})
        await asyncio.to_thread(segment.shutdown)
    assert failures == []

    for agent in agents:

        async def refused(agent: Any = agent) -> bool | None:
            called = await told(agent.messages.SendMessage(send(), metadata=SALES))
            return called.reason == Reason.POLICY_DENIED or None

        await eventually(refused, what="a refusal", within=1.0)


async def test_what_customers_did_is_kept_of_the_contact_that_it_is_about_once(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    outcomes = [
        {"event": "Email Clicked", "type": "clicked"},
        {"event": "Order Completed", "type": "converted", "channel": "email", "revenue": "properties.revenue"},
        {"event": "Email Opened", "type": "opened", "consent": "email/tracking"},
        {"event": "Call Answered", "type": "replied", "channel": "phone"},
    ]
    await world.publish(policy(upstream.address, sources=[SOURCE | {"outcomes": outcomes}]))
    stream = keys.outcomes(keys.cell("acme"))
    await world.redis.xgroup_create(stream, "test", id="0", mkstream=True)  # so that nobody trims it
    first = await told(world.agent().messages.SendMessage(send(channel="email"), metadata=SALES))
    contact = await told(world.agent().messages.SendMessage(send(channel="email"), metadata=SALES))
    await world.settled(2)

    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        await auditor.decision(contact.decision)
        async with running(_options(world, audit=auditor.address)) as ports:
            port = ports.http
            await _live(port)
            batch = [
                _track("Email Clicked", "m-1", decision_id=first.decision),
                _track("Order Completed", "m-2", revenue=19.9, currency="EUR"),
                _track("Email Opened", "m-3", decision_id=first.decision),
                _track("Call Answered", "m-4"),
                _track("Email Clicked", "m-5", decision_id="none"),
                _track("Order Completed", "m-6", revenue="much", currency="EUR"),
            ]
            answer = await _sent(port, batch)
            assert (answer["accepted"], answer["repeated"]) == (6, 0)
            left_out = [(each["messageId"], each["reason"]) for each in answer["ignored"]]
            wanted = [("m-3", "UNCONSENTED"), ("m-4", "UNATTRIBUTED"), ("m-5", "UNFIT"), ("m-6", "UNFIT")]
            assert left_out == wanted
            assert (await _sent(port, batch))["repeated"] == 2

    entries: Any = await world.redis.xrange(stream)
    kept = [msgspec.json.decode(entry[b"r"], type=CustomerOutcome) for _, entry in entries]
    found = {(each.decision, each.type, each.revenue_cents, each.currency, each.reporter) for each in kept}
    assert found == {
        (first.decision, "clicked", 0, "", "cdp"),
        (contact.decision, "converted", 1_990, "EUR", "cdp"),
    }
    assert len(kept) == 2


async def test_what_those_do_who_are_held_out_is_kept_of_the_contact_that_they_did_not_get(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    outcomes = [{"event": "Order Completed", "type": "converted", "channel": "email", "revenue": "properties.revenue"}]
    everybody = {"name": "left-alone", "share": 10_000}
    sections: dict[str, Any] = {"sources": [SOURCE | {"outcomes": outcomes}], "holdouts": [everybody]}
    await world.publish(policy(upstream.address, **sections))
    held = await told(world.agent().messages.SendMessage(send(channel="email"), metadata=SALES))
    assert held.reason == Reason.HELD_OUT
    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        await auditor.decision(held.decision)
        async with running(_options(world, audit=auditor.address)) as ports:
            await _live(ports.http)
            answer = await _sent(ports.http, [_track("Order Completed", "m-1", revenue=19.9, currency="EUR")])
            assert (answer["accepted"], answer.get("ignored", [])) == (1, [])

        async def kept() -> int | None:
            asking = audit_service_pb2.GetDecisionRequest(name=f"decisions/{held.decision}")
            found = (await auditor.stub.GetDecision(asking)).outcomes
            return sum(each.revenue_cents for each in found) or None

        assert await eventually(kept, what="the order") == 1_990


async def test_the_answers_of_a_survey_are_kept_of_the_contact_in_words_that_the_policy_names(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    asked = {"event": "Survey Answered", "type": "answered", "channel": "email"}
    outcomes = [
        asked | {"question": "nps", "answer": "properties.nps"},
        asked
        | {
            "question": "pressure",
            "answer": "properties.pressure",
            "answers": {"Beaucoup trop": "much_too_much", "Pas sollicité": "not_solicited"},
        },
    ]
    await world.publish(policy(upstream.address, sources=[SOURCE | {"outcomes": outcomes}]))
    contact = await told(world.agent().messages.SendMessage(send(channel="email"), metadata=SALES))
    await world.settled(1)

    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        await auditor.decision(contact.decision)
        async with running(_options(world, audit=auditor.address)) as ports:
            await _live(ports.http)
            batch = [
                _track("Survey Answered", "m-1", nps=9.0, pressure="Beaucoup trop"),
                _track("Survey Answered", "m-2", nps="très bien", pressure="Trop de mails, ada@example.org"),
                _track("Survey Answered", "m-3", nps=True, pressure=["Beaucoup trop"]),
            ]
            answer = await _sent(ports.http, batch)
            assert [(each["messageId"], each["field"]) for each in answer["ignored"]] == [
                (f"m-{number}", f"properties.{place}") for number in (2, 3) for place in ("nps", "pressure")
            ]

        async def kept() -> set[tuple[str, str, str, str]] | None:
            asking = audit_service_pb2.GetDecisionRequest(name=f"decisions/{contact.decision}")
            found = (await auditor.stub.GetDecision(asking)).outcomes
            return {(each.decision, each.type, each.question, each.answer) for each in found} or None

        of = f"decisions/{contact.decision}"
        assert await eventually(kept, what="the answers") == {
            (of, "answered", "nps", "9"),
            (of, "answered", "pressure", "much_too_much"),
        }
        said = await auditor.stub.ExplainDecision(explaining_pb2.ExplainDecisionRequest(name=of, language_code="fr"))
        assert [text.rpartition(": ")[2] for text in said.sentences if "a répondu" in text] == [
            "à « nps », le client a répondu 9.",
            "à « pressure », le client a répondu much_too_much.",
        ]


async def test_an_outcome_whose_contact_nobody_can_look_up_now_is_to_be_sent_again(
    world: World, upstream: FakeUpstream
) -> None:
    outcomes = [{"event": "Order Completed", "type": "converted"}]
    await world.publish(policy(upstream.address, sources=[SOURCE | {"outcomes": outcomes}]))
    async with running(_options(world)) as ports:
        port = ports.http
        await _live(port)
        answer = await _sent(port, [_track("Order Completed", "m-1")], status=503)
        assert answer["reason"] == "AUDIT_DOWN"


def _options(world: World, *, audit: str = "127.0.0.1:1") -> Options:
    return Options(
        listen="127.0.0.1:0",
        grpc_listen="127.0.0.1:0",
        redis_url=world.redis_url,
        pseudonym_key=KEY,
        drain_seconds=1,
        audit=audit,
        home=world.home / "intake",
    )


def _track(event: str, message: str, **properties: object) -> dict[str, Any]:
    user = ADA.removeprefix("contacts/")
    return {"type": "track", "event": event, "messageId": message, "userId": user, "properties": properties}


async def _sent(port: int, batch: list[dict[str, Any]], *, status: int = 200) -> dict[str, Any]:
    body = msgspec.json.encode({"batch": batch})
    headers = {"authorization": aiohttp.encode_basic_auth(WRITE_KEY, "")}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"http://127.0.0.1:{port}/v1/batch", data=body) as response,
    ):
        assert response.status == status
        return cast("dict[str, Any]", await response.json())


async def _live(port: int) -> None:
    """Wait until the intake goes by the policy."""
    async with aiohttp.ClientSession(headers={"authorization": aiohttp.encode_basic_auth(WRITE_KEY, "")}) as http:

        async def look() -> bool | None:
            body = msgspec.json.encode({"batch": []})
            async with http.post(f"http://127.0.0.1:{port}/v1/batch", data=body) as response:
                return response.status == 200 or None

        await eventually(look, what="the policy")
