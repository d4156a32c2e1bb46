"""Agents make audiences and say who belongs to them through the gateway, and rules go by what they have said."""

import base64
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

import grpc
from google.rpc import error_details_pb2

from gateway.core import keys
from gateway.core.errors import Reason
from pilote.dmp.v1 import audience_service_pb2 as pb
from pilote.dmp.v1.audience_pb2 import Audience
from pilote.dmp.v1.audience_service_pb2_grpc import AudienceServiceStub
from tests.e2e.intakes import route_to_intake
from tests.e2e.requests import ADA
from tests.e2e.waiting import eventually
from tests.e2e.world import Told as Ended
from tests.e2e.world import World, credential, told

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.dmp.v1.audience_service_pb2_grpc import AudienceServiceAsyncStub

SALES: Final = credential("sales-bot")
BOB: Final = "contacts/cnt_000043"
EVE: Final = "contacts/cnt_000044"
VIP: Final = "audiences/vip"


async def serving(world: World, **sections: object) -> "AudienceServiceAsyncStub":
    """A stub to a gateway that routes audiences to a real intake."""
    await route_to_intake(world, **sections)
    return AudienceServiceStub(world.channel())


async def made(audiences: "AudienceServiceAsyncStub", name: str = "vip", *, purpose: str = "") -> Audience:
    request = pb.CreateAudienceRequest(audience=Audience(display_name=name.upper(), purpose=purpose), audience_id=name)
    ended = await told(audiences.CreateAudience(request, metadata=SALES))
    assert ended.code is grpc.StatusCode.OK, ended.text
    audience: Audience = ended.response.audience
    return audience


async def members(audiences: "AudienceServiceAsyncStub", audience: str = VIP) -> set[str]:
    found = set()
    for customer in (ADA, BOB, EVE):
        request = pb.CheckMembershipRequest(audience=audience, customer=customer)
        if (await told(audiences.CheckMembership(request, metadata=SALES))).response.belongs:
            found.add(customer)
    return found


async def streamed(*messages: pb.SyncMembersRequest) -> AsyncIterator[pb.SyncMembersRequest]:
    for message in messages:
        yield message


def whole(*customers: str) -> pb.SyncMembersRequest:
    return pb.SyncMembersRequest(audience=VIP, complete=True, customers=customers)


async def test_an_audience_is_made_once_filled_emptied_and_deleted(world: World) -> None:
    audiences = await serving(world)
    first = await made(audiences)
    assert (first.name, first.member_count, first.HasField("create_time")) == (VIP, 0, True)
    add = pb.AddMembersRequest(audience=VIP, customers=[ADA, BOB, ADA], request_id="add-1")
    for again in ((), (("x-again", "1"),)):
        answer = (await told(audiences.AddMembers(add, metadata=SALES + again))).response
        assert (answer.added_count, answer.audience.member_count) == (2, 2)
    remove = pb.RemoveMembersRequest(audience=VIP, customers=[BOB, EVE])
    assert (await told(audiences.RemoveMembers(remove, metadata=SALES))).response.removed_count == 1
    assert await members(audiences) == {ADA}
    stale = await told(audiences.DeleteAudience(pb.DeleteAudienceRequest(name=VIP, etag=first.etag), metadata=SALES))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, Reason.CONFLICT)
    found = (await told(audiences.GetAudience(pb.GetAudienceRequest(name=VIP), metadata=SALES))).response.audience
    gone = await told(audiences.DeleteAudience(pb.DeleteAudienceRequest(name=VIP, etag=found.etag), metadata=SALES))
    assert gone.code is grpc.StatusCode.OK, gone.text
    missing = await told(audiences.GetAudience(pb.GetAudienceRequest(name=VIP), metadata=SALES))
    assert missing.code is grpc.StatusCode.NOT_FOUND
    await made(audiences)
    assert await members(audiences) == set()


async def test_a_rule_goes_by_who_was_put_into_an_audience_at_the_next_call(world: World) -> None:
    no_suppressed = {
        "name": "no-suppressed",
        "effect": "deny",
        "methods": ["/pilote.dmp.v1.AudienceService/CheckMembership"],
        "when": '"suppressed" in facts.segments',
    }
    await route_to_intake(world, no_suppressed)
    audiences: AudienceServiceAsyncStub = AudienceServiceStub(world.channel())
    await made(audiences, "suppressed")
    check = pb.CheckMembershipRequest(audience="audiences/suppressed", customer=ADA)
    assert (await told(audiences.CheckMembership(check, metadata=SALES))).response.belongs is False
    add = pb.AddMembersRequest(audience="audiences/suppressed", customers=[ADA])
    assert (await told(audiences.AddMembers(add, metadata=SALES))).code is grpc.StatusCode.OK

    async def refused() -> bool | None:
        return (await told(audiences.CheckMembership(check, metadata=SALES))).reason == Reason.POLICY_DENIED or None

    await eventually(refused, what="the gateway to hear of it")


async def test_members_are_said_whole_or_by_difference_in_one_stream(world: World) -> None:
    audiences = await serving(world)
    await made(audiences)

    async def synced(*messages: pb.SyncMembersRequest) -> Sequence[int]:
        ended = await told(audiences.SyncMembers(streamed(*messages), metadata=SALES))
        assert ended.code is grpc.StatusCode.OK, ended.text
        answer = ended.response
        return answer.joined_count, answer.left_count, answer.audience.member_count

    assert await synced(whole(ADA), pb.SyncMembersRequest(customers=[BOB])) == (2, 0, 2)
    assert await synced(whole(BOB), pb.SyncMembersRequest(audience=VIP, customers=[EVE])) == (1, 1, 2)
    assert await members(audiences) == {BOB, EVE}
    changes = pb.SyncMembersRequest(audience=VIP, customers=[ADA], removed_customers=[EVE])
    assert await synced(changes) == (1, 1, 2)
    assert await members(audiences) == {ADA, BOB}


async def test_a_stream_with_one_bad_message_changes_nothing(world: World) -> None:
    audiences = await serving(world)
    await made(audiences)
    await told(audiences.AddMembers(pb.AddMembersRequest(audience=VIP, customers=[ADA]), metadata=SALES))
    bad = (
        pb.SyncMembersRequest(customers=["nobody"]),
        pb.SyncMembersRequest(audience="audiences/others", customers=[EVE]),
        pb.SyncMembersRequest(customers=[EVE] * 1_001),
    )
    for message in bad:
        ended = await told(audiences.SyncMembers(streamed(whole(BOB), message), metadata=SALES))
        assert ended.code is grpc.StatusCode.INVALID_ARGUMENT, ended.text
    assert (await told(audiences.SyncMembers(streamed(), metadata=SALES))).code is not grpc.StatusCode.OK
    assert await members(audiences) == {ADA}


async def test_whoever_comes_while_it_is_synchronised_is_told_to_wait(world: World) -> None:
    audiences = await serving(world)
    await made(audiences)
    await world.redis.set(f"{keys.audience('acme', 'vip')}:lease", "somebody")
    busy = await told(audiences.SyncMembers(streamed(whole(ADA)), metadata=SALES))
    assert (busy.code, busy.reason) == (grpc.StatusCode.ABORTED, Reason.CONFLICT)
    found = (await told(audiences.GetAudience(pb.GetAudienceRequest(name=VIP), metadata=SALES))).response.audience
    assert found.synchronisation.running


async def test_audiences_are_listed_page_by_page_for_a_tenant_a_purpose_and_a_member(world: World) -> None:
    audiences = await serving(world)
    for name, purpose in (("b", "news"), ("a", "news"), ("c", "")):
        await made(audiences, name, purpose=purpose)
        await told(
            audiences.AddMembers(pb.AddMembersRequest(audience=f"audiences/{name}", customers=[ADA]), metadata=SALES)
        )

    async def listed(**asked: object) -> list[str]:
        found, token = list[str](), ""
        while True:
            request = pb.ListAudiencesRequest(page_size=1, page_token=token, **asked)  # type: ignore[arg-type]
            answer = (await told(audiences.ListAudiences(request, metadata=SALES))).response
            assert len(answer.audiences) <= 1
            found += [each.display_name for each in answer.audiences]
            token = answer.next_page_token
            if not token:
                return found

    assert await listed() == ["B", "A", "C"], "oldest first"
    assert await listed(purpose="news") == ["B", "A"]
    assert await listed(member=ADA) == ["B", "A", "C"]
    assert await listed(member=BOB) == []
    first = (await told(audiences.ListAudiences(pb.ListAudiencesRequest(page_size=1), metadata=SALES))).response
    other = pb.ListAudiencesRequest(page_token=first.next_page_token, purpose="news")
    assert (await told(audiences.ListAudiences(other, metadata=SALES))).code is grpc.StatusCode.INVALID_ARGUMENT
    foreign = await told(audiences.ListAudiences(pb.ListAudiencesRequest(), metadata=credential("globex-bot")))
    assert list(foreign.response.audiences) == []


async def test_an_audience_that_the_policy_names_is_there_and_stays(world: World) -> None:
    source = {"name": "cdp", "tenant": "acme", "keys": [{"id": "k", "sha256": "a" * 64}], "audiences": ["vip"]}
    audiences = await serving(world, sources=[source])
    found = (await told(audiences.ListAudiences(pb.ListAudiencesRequest(), metadata=SALES))).response.audiences
    assert [(each.name, each.HasField("create_time")) for each in found] == [(VIP, False)]
    await told(audiences.AddMembers(pb.AddMembersRequest(audience=VIP, customers=[ADA]), metadata=SALES))
    assert await members(audiences) == {ADA}
    kept = await told(audiences.DeleteAudience(pb.DeleteAudienceRequest(name=VIP), metadata=SALES))
    assert (kept.reason, "policy" in kept.text) == (Reason.CONFLICT, True)
    again = pb.CreateAudienceRequest(audience=Audience(display_name="VIP"), audience_id="vip")
    assert (await told(audiences.CreateAudience(again, metadata=SALES))).reason == Reason.ALREADY_EXISTS


async def listed_members(audiences: "AudienceServiceAsyncStub", *, size: int, agent: str = "sales-bot") -> list[str]:
    found, token = list[str](), ""
    while True:
        request = pb.ListMembersRequest(audience=VIP, page_size=size, page_token=token)
        ended = await told(audiences.ListMembers(request, metadata=credential(agent)))
        assert ended.code is grpc.StatusCode.OK, ended.text
        assert len(ended.response.members) <= size
        assert all(each.HasField("add_time") for each in ended.response.members)
        found += [each.customer for each in ended.response.members]
        token = ended.response.next_page_token
        if not token:
            return found


async def test_members_are_listed_page_by_page_in_the_order_in_which_they_were_added(world: World) -> None:
    no_lists = {
        "name": "no-lists",
        "effect": "deny",
        "methods": ["/pilote.dmp.v1.AudienceService/ListMembers"],
        "when": 'agent.name == "marketing-bot"',
    }
    await route_to_intake(world, no_lists)
    audiences: AudienceServiceAsyncStub = AudienceServiceStub(world.channel())
    await made(audiences)
    assert await listed_members(audiences, size=1) == []
    for customer in (EVE, ADA, BOB):
        await told(audiences.AddMembers(pb.AddMembersRequest(audience=VIP, customers=[customer]), metadata=SALES))
    assert await listed_members(audiences, size=2) == [EVE, ADA, BOB]
    await told(audiences.SyncMembers(streamed(whole(BOB, EVE, "contacts/new")), metadata=SALES))
    for size in (1, 3):
        assert await listed_members(audiences, size=size) == [EVE, BOB, "contacts/new"]
    request = pb.ListMembersRequest(audience=VIP)
    refused = await told(audiences.ListMembers(request, metadata=credential("marketing-bot")))
    assert refused.reason == Reason.POLICY_DENIED
    await told(audiences.DeleteAudience(pb.DeleteAudienceRequest(name=VIP), metadata=SALES))
    assert (await told(audiences.ListMembers(request, metadata=SALES))).reason == Reason.NOT_FOUND


async def test_a_token_of_members_is_good_for_its_own_audience_only(world: World) -> None:
    audiences = await serving(world)
    for name in ("vip", "others"):
        await made(audiences, name)
        add = pb.AddMembersRequest(audience=f"audiences/{name}", customers=[ADA, BOB])
        await told(audiences.AddMembers(add, metadata=SALES))
    await made(audiences, "third")

    async def listed(**asked: object) -> Ended:
        return await told(audiences.ListMembers(pb.ListMembersRequest(**asked), metadata=SALES))  # type: ignore[arg-type]

    token = (await listed(audience=VIP, page_size=1)).response.next_page_token
    page = await told(audiences.ListAudiences(pb.ListAudiencesRequest(page_size=1), metadata=SALES))
    forged = [base64.urlsafe_b64encode(raw).decode().rstrip("=") for raw in (b"[]", b'["x",[1,"zz"]]', b"\xff")]
    bad = [
        await listed(audience="audiences/others", page_token=token),
        *[await listed(audience=VIP, page_token=each) for each in (page.response.next_page_token, "!", *forged)],
        await listed(audience=VIP, page_size=-1),
        await listed(audience="vip"),
        await listed(),
    ]
    for ended in bad:
        assert ended.code is grpc.StatusCode.INVALID_ARGUMENT, ended.text
        assert ended.detail(error_details_pb2.BadRequest).field_violations[0].field in (
            "page_token",
            "page_size",
            "audience",
        )
    assert (await listed(audience="audiences/nobodys")).reason == Reason.NOT_FOUND
    assert len((await listed(audience=VIP, page_token=token, page_size=5_000)).response.members) == 1
