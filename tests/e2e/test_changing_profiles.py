"""Agents change profiles and tell consents through the gateway: rules say who may, and the next call goes by them."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core.errors import Reason
from gateway.core.fact_changes import Change
from gateway.core.record import subject_ref
from pilote.cdp.v1 import profile_pb2
from pilote.cdp.v1 import profile_service_pb2 as pb
from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceStub
from tests.e2e.intakes import route_to_intake
from tests.e2e.requests import ADA
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World, credential, told
from tests.e2e.world import Told as Ended

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceAsyncStub

SALES: Final = credential("sales-bot")
REF: Final = subject_ref(KEY, tenant="acme", subject=ADA)
GRANTED: Final = profile_pb2.Consent(
    purpose="news",
    channel="email",
    status=profile_pb2.CONSENT_STATUS_GRANTED,
    legal_basis=profile_pb2.LEGAL_BASIS_CONSENT,
    source="web_form",
)


async def changing(world: World, *rules: dict[str, Any], **sections: Any) -> "ProfileServiceAsyncStub":
    """A stub to a gateway that routes profiles to a real intake."""
    await route_to_intake(world, *rules, **sections)
    return ProfileServiceStub(world.channel())


async def update(
    profiles: "ProfileServiceAsyncStub", *mask: str, request_id: str = "", agent: str = "sales-bot", **fields: Any
) -> Ended:
    profile = profile_pb2.Profile(customer=ADA, **fields)
    request = pb.UpdateProfileRequest(profile=profile, update_mask=FieldMask(paths=mask), request_id=request_id)
    return await told(profiles.UpdateProfile(request, metadata=credential(agent)))


async def set_consents(profiles: "ProfileServiceAsyncStub", *consents: profile_pb2.Consent, **more: Any) -> Ended:
    request = pb.SetConsentsRequest(customer=ADA, consents=consents, **more)
    return await told(profiles.SetConsents(request, metadata=SALES))


async def test_a_profile_is_made_and_changed_by_its_mask_and_the_record_says_about_whom(world: World) -> None:
    profiles = await changing(world)
    made = await update(profiles, traits={"plan": "free", "city": "Lyon"}, time_zone="Europe/Paris")
    assert made.code is grpc.StatusCode.OK, made.text
    assert (made.response.profile.name, made.response.profile.customer) == (f"{ADA}/profile", ADA)
    changed = await update(profiles, "traits.plan", "segments", traits={"plan": "pro"}, segments=["new"])
    profile = changed.response.profile
    assert dict(profile.traits) == {"plan": "pro", "city": "Lyon"}
    assert (list(profile.segments), profile.time_zone, profile.HasField("update_time")) == (
        ["new"],
        "Europe/Paris",
        True,
    )
    found = await told(profiles.GetProfile(pb.GetProfileRequest(customer=ADA), metadata=SALES))
    assert found.response.profile == profile
    late = Told(REF, "late", (Change("traits.plan", 1_000, "free"), Change("traits.team", 1_000, "blue")))
    await FactChanges(world.redis).take("acme", [late])
    emptied = await update(profiles, "traits.team", "language", "time_zone")
    assert dict(emptied.response.profile.traits) == {"plan": "pro", "city": "Lyon"}
    assert emptied.response.profile.time_zone == ""
    kept = await world.settled(4)
    assert {each.record.subject_ref for each in kept} == {REF}


async def test_an_update_that_rests_on_what_has_changed_since_is_refused(world: World) -> None:
    profiles = await changing(world)
    nothing = await update(profiles, traits={"plan": "pro"}, etag="0" * 32)
    assert (nothing.code, nothing.reason) == (grpc.StatusCode.ABORTED, Reason.CONFLICT)
    etag = (await update(profiles, traits={"plan": "free"})).response.profile.etag
    both = await asyncio.gather(
        *(update(profiles, "traits.plan", traits={"plan": plan}, etag=etag) for plan in ("pro", "gold"))
    )
    assert sorted(str(each.reason) for each in both) == ["", Reason.CONFLICT]
    (won,) = (each.response.profile for each in both if not each.reason)
    assert (await update(profiles, "language", language="fr", etag=won.etag)).code is grpc.StatusCode.OK


async def test_a_repeat_gets_the_first_answer_and_ids_of_different_agents_never_meet(world: World) -> None:
    profiles = await changing(world)
    first = await update(profiles, traits={"plan": "pro"}, request_id="u-1")
    assert (await update(profiles, traits={"plan": "free"}, request_id="u-2")).code is grpc.StatusCode.OK
    again = await update(profiles, traits={"plan": "pro"}, request_id="u-1")
    assert again.response == first.response
    other = await update(profiles, traits={"plan": "gold"}, request_id="u-1")
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, Reason.IDEMPOTENCY_KEY_REUSED)
    research = await update(profiles, traits={"plan": "gold"}, request_id="u-1", agent="marketing-bot")
    assert dict(research.response.profile.traits) == {"plan": "gold"}


async def test_a_rule_says_who_may_change_what(world: World) -> None:
    plans = {
        "name": "plans-are-for-people",
        "effect": "deny",
        "methods": ["/pilote.cdp.v1.ProfileService/UpdateProfile"],
        "when": '"plan" in request.profile.traits',
    }
    consents = {
        "name": "no-consents",
        "effect": "deny",
        "methods": ["/pilote.cdp.v1.ProfileService/SetConsents"],
        "when": 'agent.name == "sales-bot"',
    }
    profiles = await changing(world, plans, consents)
    refused = await update(profiles, traits={"plan": "gold"})
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, Reason.POLICY_DENIED)
    assert (await set_consents(profiles, GRANTED)).reason == Reason.POLICY_DENIED
    assert await FactChanges(world.redis).read("acme", REF) is None, "nothing was written"
    assert (await update(profiles, traits={"city": "Lyon"})).code is grpc.StatusCode.OK


async def test_the_next_call_goes_by_what_an_agent_has_told(world: World) -> None:
    silent = {"name": "silent", "effect": "deny", "operations": ["READ"], "when": '"quiet" in facts.segments'}
    profiles = await changing(world, silent)
    ask = pb.GetProfileRequest(customer=ADA)
    assert (await update(profiles, traits={"plan": "pro"})).code is grpc.StatusCode.OK
    assert (await told(profiles.GetProfile(ask, metadata=SALES))).code is grpc.StatusCode.OK
    assert (await update(profiles, "segments", segments=["quiet"])).code is grpc.StatusCode.OK

    async def refused() -> bool | None:
        return (await told(profiles.GetProfile(ask, metadata=SALES))).reason == Reason.POLICY_DENIED or None

    await eventually(refused, what="the gateway to hear of it")


async def test_consents_are_added_as_statements_of_the_agent_and_the_last_word_stands(world: World) -> None:
    profiles = await changing(world)
    given = await set_consents(profiles, GRANTED, request_id="c-1")
    assert given.code is grpc.StatusCode.OK, given.text
    (consent,) = given.response.profile.consents
    assert (consent.purpose, consent.channel, consent.status) == ("news", "email", profile_pb2.CONSENT_STATUS_GRANTED)
    assert (consent.source, consent.HasField("capture_time")) == ("agent sales-bot: web_form", True)
    assert (await set_consents(profiles, GRANTED, request_id="c-1")).response == given.response
    no = profile_pb2.Consent(purpose="news", channel="email", status=profile_pb2.CONSENT_STATUS_WITHDRAWN)
    (withdrawn,) = (await set_consents(profiles, no)).response.profile.consents
    assert withdrawn.status == profile_pb2.CONSENT_STATUS_WITHDRAWN
    assert withdrawn.capture_time == consent.capture_time, "when the consent was given that is withdrawn"
    known = await FactChanges(world.redis).read("acme", REF)
    assert known is not None
    assert [each.status for each in known.facts.consent_records] == ["granted", "withdrawn"]


async def test_wrong_requests_are_refused_by_field_and_change_nothing(world: World) -> None:
    profiles = await changing(world, sources=[SOURCE])
    bad = [
        (await update(profiles, "nothing"), "update_mask"),
        (await update(profiles, "consents"), "update_mask"),
        (await update(profiles), "update_mask"),
        (await update(profiles, time_zone="Europe/Atlantis"), "profile.time_zone"),
        (await update(profiles, "segments", segments=["vip"]), "profile.segments"),
        (await update(profiles, language="fr", request_id="x" * 101), "request_id"),
        (await set_consents(profiles), "consents"),
        (await set_consents(profiles, profile_pb2.Consent(channel="*")), "consents[0].channel"),
    ]
    for name in ("", "contacts/", "deals/1", "contacts/a b"):
        request = pb.UpdateProfileRequest(profile=profile_pb2.Profile(customer=name, language="fr"))
        bad.append((await told(profiles.UpdateProfile(request, metadata=SALES)), "profile.customer"))
        asked = pb.SetConsentsRequest(customer=name, consents=[GRANTED])
        bad.append((await told(profiles.SetConsents(asked, metadata=SALES)), "customer"))
    for ended, field in bad:
        assert ended.code is grpc.StatusCode.INVALID_ARGUMENT, (field, ended.text)
        violations = ended.detail(error_details_pb2.BadRequest).field_violations
        assert field in {each.field for each in violations}, ended.text
    assert await FactChanges(world.redis).read("acme", REF) is None


SOURCE: Final = {"name": "cdp", "tenant": "acme", "keys": [{"id": "k", "sha256": "a" * 64}], "audiences": ["vip"]}
