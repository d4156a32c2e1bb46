"""Records say in which circumstances a call was made: for whom, in which conversation, on which basis, how long."""

import time
from typing import Any

import grpc
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2 as details
from jwt.algorithms import ECAlgorithm

from gateway.adapters.consents import ConsentStore
from gateway.core.consents import Consent
from gateway.core.explain import explain
from gateway.core.record import person_ref, subject_ref
from gateway.wire.reading import entries_in
from pilote.decision.v1 import decision_pb2
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import agent, allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.test_values import SENDING, opened, written
from tests.e2e.world import KEY, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

CONVERSATION = "conv_689667905b048191b4740501625afd94"
SALES = credential("sales-bot", ("pilote-conversation", CONVERSATION))
SIGNING = ec.generate_private_key(ec.SECP256R1())
JWK = {**ECAlgorithm.to_jwk(SIGNING.public_key(), as_dict=True), "kid": "e1"}
MASKING = {
    "name": "no-people",
    "effect": "redact",
    "operations": ["READ"],
    "methods": ["/pilote.crm.v1.ContactService/GetContact"],
    "sensitivity": "PERSONAL",
    "fields": ["contact.attributes.score"],
}


def bearer(**claims: Any) -> tuple[tuple[str, str], ...]:
    payload = {"iss": "https://sso.example", "aud": "pilote", "exp": time.time() + 60, **claims}
    token = jwt.encode(payload, key=SIGNING, algorithm="ES256", headers={"kid": "e1"})
    return (("authorization", f"Bearer {token}"),)


def delegated(crm: str, agent_claim: str) -> dict[str, Any]:
    bot = agent("sales-bot") | {"tokens": [{"issuer": "sso", "subject": "bot-7"}]}
    sso = {"name": "sso", "issuer": "https://sso.example", "audience": "pilote", "jwks": {"keys": [JWK]}}
    return policy(crm, agents=[bot], issuers=[sso | {"agent_claim": agent_claim}])


async def test_a_contact_says_its_conversation_its_legal_basis_and_its_holdouts(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    wanted = [{"name": "mailing", "channels": ["email"], "bases": ["existing_customer"]}]
    holdouts = [{"name": "left-alone", "share": 1}]
    classes = [{"name": "contacts", "operations": ["CONTACT"], "keep": "730d"}]
    await world.publish(policy(upstream.address, consents=wanted, holdouts=holdouts, retention=classes))
    said = {"channel": "email", "status": "granted", "captured_ms": 1_767_225_600_000, "proof": "form 12, line 3"}
    statement = msgspec.convert(said | {"legal_basis": "existing_customer", "purpose": "renewal"}, Consent)
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await ConsentStore(world.redis).say("acme", ref, statements=(statement,), now_ms=1_767_225_600_000)
    called = await told(world.agent().messages.SendMessage(send(purpose="renewal"), metadata=SALES))
    assert called.code is grpc.StatusCode.OK

    found = await auditor.decision(called.decision)
    assert (found.conversation, found.purpose, found.legal_basis) == (CONVERSATION, "renewal", "existing_customer")
    assert list(found.holdouts) == ["left-alone"]
    assert (found.retention_class, found.retention_days) == ("contacts", 730)
    (look,) = [each for each in found.rules if each.rule == "mailing"]
    assert (look.legal_basis, look.consent_purpose, look.consent_proof) == (
        "existing_customer",
        "renewal",
        "form 12, line 3",
    )
    assert look.since_time.ToMilliseconds() == 1_767_225_600_000
    record, outcome, settlement = entries_in(found)
    words = " ".join(explain(record, outcome, settlement=settlement))
    for part in (CONVERSATION, "legal basis: existing customer", "form 12, line 3", "class contacts", "left-alone"):
        assert part in words
    assert (await world.settled(1))[0].record == msgspec.structs.replace(
        record, request_bytes=found.request_bytes, expires_ms=(await world.settled(1))[0].record.expires_ms
    )


async def test_what_was_masked_is_on_record(world: World, upstream: FakeUpstream, auditor: Auditor) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), MASKING]))
    called = await told(world.agent().contacts.GetContact(get(), metadata=SALES))
    found = await auditor.decision(called.decision)
    assert list(found.obligations) == [
        decision_pb2.Obligation(
            rule="no-people", of="reply", sensitivity="PERSONAL", fields=["contact.attributes.score"]
        )
    ]
    record, outcome, settlement = entries_in(found)
    english = explain(record, outcome, settlement=settlement)
    french = explain(record, outcome, settlement=settlement, language="fr")
    everything = "contact.attributes.score, everything annotated PERSONAL or above."
    assert f"Out of the reply the rule no-people takes: {everything}" in english
    assert "De la réponse, la règle no-people retire : contact.attributes.score, tout ce qui" in " ".join(french)


async def test_every_step_of_a_call_has_a_time_and_together_they_are_the_whole(world: World, auditor: Auditor) -> None:
    called = await told(world.agent().messages.SendMessage(send(), metadata=SALES))
    found = await auditor.decision(called.decision)
    steps = [field.name for field, _ in found.steps.ListFields()]
    assert {"identify", "describe", "facts", "decide", "admit"} <= set(steps)
    in_steps = sum(getattr(found.steps, name).ToMicroseconds() for name in steps)
    # Each step is rounded down to a microsecond.
    assert 0 <= found.overhead_duration.ToMicroseconds() - in_steps <= 8


async def test_a_refused_call_has_the_steps_that_it_reached(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    stranger = await told(world.agent().messages.SendMessage(send(), metadata=()))
    malformed = await told(world.agent().messages.SendMessage(send(channel="e mail"), metadata=SALES))
    denying = {"name": "never", "effect": "deny", "operations": ["CONTACT"]}
    await world.publish(policy(upstream.address, rules=[allow_all(), denying]))
    refused = await told(world.agent().messages.SendMessage(send(), metadata=SALES))
    reached = []
    for ended in (stranger, malformed, refused):
        found = await auditor.decision(ended.decision)
        reached.append({field.name for field, _ in found.steps.ListFields()} - {"wait"})
    assert reached == [set(), {"identify"}, {"identify", "describe", "facts", "decide"}]


@pytest.mark.parametrize(
    ("agent_claim", "claims"),
    [
        ("act.sub", {"sub": "ada@corp.example", "act": {"sub": "bot-7"}}),
        ("azp", {"sub": "ada@corp.example", "azp": "bot-7"}),
    ],
)
async def test_the_person_on_whose_behalf_an_agent_calls_is_on_record_as_a_pseudonym(
    world: World, upstream: FakeUpstream, auditor: Auditor, agent_claim: str, claims: dict[str, Any]
) -> None:
    await world.publish(delegated(upstream.address, agent_claim))
    called = await told(world.agent().messages.SendMessage(send(), metadata=bearer(**claims)))
    found = await auditor.decision(called.decision)
    ref = person_ref(KEY, tenant="acme", issuer="sso", person="ada@corp.example")
    assert (found.agent, found.person_ref) == ("sales-bot", ref)
    record, outcome, settlement = entries_in(found)
    assert f"The agent called on behalf of a person, recorded under the pseudonym {ref}." in explain(
        record, outcome, settlement=settlement
    )
    assert "ada@corp.example" not in str(await world.entries())


@pytest.mark.parametrize(
    "claims", [{"sub": "bot-7", "azp": "bot-7"}, {"azp": "bot-7"}, {"sub": {"a": 1}, "azp": "bot-7"}]
)
async def test_a_token_of_the_agent_alone_names_nobody(
    world: World, upstream: FakeUpstream, auditor: Auditor, claims: dict[str, Any]
) -> None:
    await world.publish(delegated(upstream.address, "azp"))
    called = await told(world.agent().messages.SendMessage(send(), metadata=bearer(**claims)))
    if not isinstance(claims.get("sub", ""), str):  # PyJWT takes no token whose subject is no text
        assert called.code is grpc.StatusCode.UNAUTHENTICATED
        return
    assert (await auditor.decision(called.decision)).person_ref == ""


async def test_whoever_acts_within_an_act_claim_that_is_no_object_is_nobody(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(delegated(upstream.address, "act.sub"))
    for act in ("bot-7", ["bot-7"], {"sub": {"sub": "bot-7"}}, None, {}):
        called = await told(world.agent().messages.SendMessage(send(), metadata=bearer(sub="ada", act=act)))
        assert called.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("name", ["ada@example.org", "+33612345678", "0612345678", "short", "x" * 129, "with space"])
async def test_a_conversation_that_might_be_an_address_or_a_number_is_refused(world: World, name: str) -> None:
    metadata = credential("sales-bot", ("pilote-conversation", name))
    called = await told(world.agent().messages.SendMessage(send(), metadata=metadata))
    assert called.code is grpc.StatusCode.INVALID_ARGUMENT
    assert called.detail(details.BadRequest).field_violations[0].field == "pilote-conversation"
    assert name not in called.text


async def test_a_call_that_was_held_keeps_its_person_its_conversation_and_its_values(
    world: World, upstream: FakeUpstream
) -> None:
    reading = {"name": "vip", "effect": "deny", "methods": SENDING, "when": 'request.message.subject_line == "x"'}
    document = delegated(upstream.address, "azp")
    await world.publish(document | {"rules": [HOLD_CONTACTS, allow_all(), reading]})
    desk = Desk(world)
    metadata = (*bearer(sub="ada@corp.example", azp="bot-7"), ("pilote-conversation", CONVERSATION))
    made, refused = await desk.held(metadata), await desk.held(metadata)
    assert await desk.decide(made)
    result = (await desk.until(made, "EXECUTED")).result
    assert await desk.decide(refused, approve=False)
    ref = person_ref(KEY, tenant="acme", issuer="sso", person="ada@corp.example")
    found = await written(world)
    for decision in (made, refused, result, "f" * 32):
        assert found[decision][0].person == ref, decision
    for decision in (made, refused, result):
        record, key = found[decision]
        assert record.conversation == CONVERSATION
        assert dict(opened(record, key).values) == {"request.message.subject_line": "News"}
