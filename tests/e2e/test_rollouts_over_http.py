"""Rollouts are moved by who may, only as they were seen, and each move is a revision that real calls follow."""

from collections.abc import AsyncIterator

import pytest

from gateway.adapters.revisions import RevisionStore
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from tests.e2e.policy import Data, policy
from tests.e2e.requests import get
from tests.e2e.steering import Steering, steering
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.signatures import PEOPLE, entry, published, signer

OFFICER = {"*": [Role.OFFICER]}
UP = "/v1/rollouts/up"
WHY = {"reason": "let us see"}


@pytest.fixture
async def new(world: World, upstream: FakeUpstream) -> AsyncIterator[FakeUpstream]:
    """A second version of the upstream, that a rollout leads to."""
    async with fake_upstream() as fake:
        await world.publish(ramp(upstream, fake))
        yield fake


def ramp(old: FakeUpstream, new: FakeUpstream) -> Data:
    """A policy with a rollout that lets everybody go to the new upstream at once."""
    arms = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm-2", "weight": 0}]
    measured = {"success": [{"measure": "error_rate", "margin": 0.3}], "guardrails": [{"measure": "error_rate"}]}
    steps = [{"share": 10_000, "hold": "1h"}]
    data = policy(
        old.address,
        routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}],
        rollouts=[{"name": "up", "route": "crm", "arm": "new", "against": "old", "steps": steps, **measured}],
    )
    data["upstreams"].append({"name": "crm-2", "address": new.address, "timeout": "10s"})
    return data


@pytest.fixture
async def people(new: FakeUpstream, world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def test_an_officer_starts_a_rollout_and_calls_follow_until_it_is_taken_back(
    people: Steering, world: World, upstream: FakeUpstream, new: FakeUpstream, auditor: Auditor
) -> None:
    _, listed = await people.ask("GET", "/v1/rollouts")
    (pending,) = listed["rollouts"]
    assert (pending["name"], pending["state"], pending["share"], pending["acts"]) == ("up", "pending", 0.0, ["start"])

    status, moved = await people.ask("POST", f"{UP}:start", WHY, roles=OFFICER)
    assert (status, moved["rollout"]["state"], moved["rollout"]["share"]) == (200, "running", 1.0)
    await world.wait_for(moved["revision"])
    await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))
    assert (len(upstream.asked), len(new.asked)) == (0, 1)

    _, standing = await people.ask("GET", UP, accept_language="fr")
    assert (standing["waits"], standing["problem"]) == ("hold", "")
    assert standing["stateText"] == "en cours"
    status, back = await people.ask("POST", f"{UP}:abort", WHY, roles=OFFICER)
    await world.wait_for(back["revision"])
    await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))
    assert (len(upstream.asked), len(new.asked)) == (1, 1)

    notes = (await auditor.stub.ListNotes(ListNotesRequest())).notes
    assert {(each.person, each.resource) for each in notes} == {("zoe", "rollouts/up")}


async def test_a_rollout_is_moved_only_as_it_was_seen(people: Steering) -> None:
    seen = (await people.ask("GET", UP))[1]["etag"]
    first = await people.ask("POST", f"{UP}:start", WHY, roles=OFFICER, if_match=f'"{seen}"')
    assert first[0] == 200
    status, refused = await people.ask("POST", f"{UP}:pause", WHY, roles=OFFICER, if_match=f'"{seen}"')
    assert (status, refused["reason"]) == (412, "ROLLOUT_MOVED")
    assert (await people.ask("GET", UP))[1]["state"] == "running"


async def test_what_cannot_be_done_is_said_with_its_reason(people: Steering) -> None:
    status, refused = await people.ask("POST", f"{UP}:approve", WHY, roles=OFFICER)
    assert (status, refused["reason"]) == (409, "CONFLICT")
    assert "only one that is ready can be approved" in refused["detail"]
    assert (await people.ask("POST", f"{UP}:start", {"reason": ""}, roles=OFFICER))[0] == 400
    assert (await people.ask("POST", "/v1/rollouts/down:start", WHY, roles=OFFICER))[0] == 404
    assert (await people.ask("GET", "/v1/rollouts/down"))[0] == 404


async def test_a_rollout_is_for_all_tenants_so_who_may_in_one_only_moves_nothing(people: Steering) -> None:
    for roles in ({"acme": [Role.OFFICER]}, {"*": [Role.COPILOT]}):
        status, refused = await people.ask("POST", f"{UP}:start", WHY, roles=roles)
        assert (status, refused["right"]) == (403, "rollouts.move")


async def test_where_the_policy_names_people_only_one_of_them_moves_it_and_signs(
    world: World, new: FakeUpstream, upstream: FakeUpstream, auditor: Auditor
) -> None:
    store = RevisionStore(world.redis)
    before = await store.active()
    signed = published(world.document(ramp(upstream, new) | {"people": PEOPLE}), author="ada")
    who = entry(signed, "bob", base=before, before=await store.entry(before))
    await world.wait_for(await store.add(signed, who, replacing=before))

    async with steering(world, audit=auditor.address, signers={"ada": signer("ada"), "zoe": signer("zoe")}) as people:
        for name, said in (("zoe", "you are not among them"), ("dan", "must sign"), ("eve", "you are not among them")):
            status, refused = await people.ask("POST", f"{UP}:start", WHY, who=name, roles=OFFICER)
            assert (status, refused["reason"], said in refused["detail"]) == (403, "POLICY_DENIED", True)
        status, moved = await people.ask("POST", f"{UP}:start", WHY, who="ada", roles=OFFICER)
        assert (status, moved["rollout"]["state"]) == (200, "running")
        await world.wait_for(moved["revision"])
