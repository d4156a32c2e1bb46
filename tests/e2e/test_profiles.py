"""What systems tell of customers is looked up by agents through the gateway, under the rules and recorded."""

from typing import TYPE_CHECKING, Any, Final

import grpc
from google.rpc import error_details_pb2

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core import keys
from gateway.core.consents import Consent
from gateway.core.errors import Reason
from gateway.core.fact_changes import Change
from gateway.core.record import subject_ref
from pilote.cdp.v1 import profile_pb2
from pilote.cdp.v1 import profile_service_pb2 as pb
from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceStub
from tests.e2e.intakes import route_to_intake
from tests.e2e.requests import ADA
from tests.e2e.world import KEY, World, credential, told

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceAsyncStub

SALES: Final = credential("sales-bot")
REF: Final = subject_ref(KEY, tenant="acme", subject=ADA)
ASK: Final = pb.GetProfileRequest(customer=ADA)
METHOD: Final = "/pilote.cdp.v1.ProfileService/GetProfile"


async def looking(world: World, *rules: dict[str, Any]) -> "ProfileServiceAsyncStub":
    """A stub to a gateway that routes profiles to a real intake."""
    await route_to_intake(world, *rules)
    return ProfileServiceStub(world.channel())


async def know_ada(world: World) -> None:
    """What events have told of her."""
    changes = (
        Change("traits.plan", 1_000, "pro"),
        Change("scores.churn", 2_000, 0.25),
        Change("segments.vip", 3_000, word=True),
        Change("time_zone", 1_000, "Europe/Paris"),
        Change("language", 1_000, "fr"),
    )
    statements = (
        Consent(channel="email", status="granted", captured_ms=4_000, purpose="news", proof="form-7"),
        Consent(channel="email", status="withdrawn", captured_ms=4_000, withdrawn_ms=9_000, proof="call-8"),
        Consent(channel="sms", status="granted", captured_ms=5_000, legal_basis="contract"),
    )
    await FactChanges(world.redis).take("acme", [Told(REF, "m", changes, statements)])


async def test_an_agent_reads_what_systems_have_told_and_the_gateway_records_that_it_did(world: World) -> None:
    profiles = await looking(world)
    await know_ada(world)
    found = await told(profiles.GetProfile(ASK, metadata=SALES))
    assert found.code is grpc.StatusCode.OK, found.text
    profile: profile_pb2.Profile = found.response.profile
    assert (profile.name, profile.customer) == (f"{ADA}/profile", ADA)
    assert (dict(profile.traits), dict(profile.scores)) == ({"plan": "pro"}, {"churn": 0.25})
    assert (list(profile.segments), profile.time_zone, profile.language) == (["vip"], "Europe/Paris", "fr")
    assert profile.update_time.ToMilliseconds() == 9_000
    said = {(each.channel, each.purpose): each for each in profile.consents}
    assert {name: profile_pb2.ConsentStatus.Name(each.status) for name, each in said.items()} == {
        ("email", "news"): "CONSENT_STATUS_WITHDRAWN",
        ("email", "*"): "CONSENT_STATUS_WITHDRAWN",
        ("sms", "*"): "CONSENT_STATUS_GRANTED",
    }
    assert said["sms", "*"].legal_basis == profile_pb2.LEGAL_BASIS_CONTRACT
    assert (said["email", "*"].source, said["email", "*"].withdrawal_time.ToMilliseconds()) == ("call-8", 9_000)
    (kept,) = await world.settled(1)
    assert (kept.record.method, kept.record.subject_ref, kept.record.upstream) == (METHOD, REF, "intake")


async def test_rules_and_redaction_hold_for_profiles(world: World) -> None:
    hidden = {
        "name": "no-scores",
        "effect": "redact",
        "methods": [METHOD],
        "when": 'agent.name == "sales-bot"',
        "fields": ["profile.scores"],
    }
    no_vips = {"name": "no-vips", "effect": "deny", "when": '"vip" in facts.segments && agent.name != "sales-bot"'}
    profiles = await looking(world, hidden, no_vips)
    await know_ada(world)
    profile = (await told(profiles.GetProfile(ASK, metadata=SALES))).response.profile
    assert (dict(profile.scores), dict(profile.traits)) == ({}, {"plan": "pro"})
    refused = await told(profiles.GetProfile(ASK, metadata=credential("marketing-bot")))
    assert refused.reason == Reason.POLICY_DENIED


async def test_nobody_is_invented(world: World) -> None:
    profiles = await looking(world)
    unknown = await told(profiles.GetProfile(pb.GetProfileRequest(customer="contacts/nobody"), metadata=SALES))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, Reason.NOT_FOUND)
    for name in ("contacts/", "deals/1", "contacts/a b", f"contacts/{'a' * 300}"):
        wrong = await told(profiles.GetProfile(pb.GetProfileRequest(customer=name), metadata=SALES))
        assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT, name
    assert await FactChanges(world.redis).read("acme", REF) is None


async def test_damaged_facts_are_told_with_what_to_do(world: World) -> None:
    profiles = await looking(world)
    await world.redis.set(keys.facts(keys.cell("acme"), REF), b"{")
    ended = await told(profiles.GetProfile(ASK, metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.FAILED_PRECONDITION, Reason.FACTS_DAMAGED)
    assert "pilote facts import --replace-damaged" in ended.text


async def test_a_rule_that_needs_facts_that_are_damaged_says_so_in_the_callers_language(world: World) -> None:
    profiles = await looking(world, {"name": "no-vips", "effect": "deny", "when": '"vip" in facts.segments'})
    await world.redis.set(keys.facts(keys.cell("acme"), REF), b"{")
    french = await told(profiles.GetProfile(ASK, metadata=(*SALES, ("accept-language", "fr"))))
    assert (french.code, french.reason) == (grpc.StatusCode.FAILED_PRECONDITION, Reason.FACTS_DAMAGED)
    said = french.detail(error_details_pb2.LocalizedMessage)
    assert "est endommagé" in said.message
    assert "pilote facts import --replace-damaged" in said.message
