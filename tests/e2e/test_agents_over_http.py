"""Agents are seen with what they did lately; a new key is told once, and counts beside the old one until it is gone."""

from collections.abc import AsyncIterator

import pytest
import yaml

from services.control.access.rights import Role
from tests.e2e.requests import get, send
from tests.e2e.steering import Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

OFFICER = {"*": [Role.OFFICER]}


@pytest.fixture
async def people(world: World, auditor: Auditor) -> AsyncIterator[Steering]:
    async with steering(world, audit=auditor.address) as found:
        yield found


async def test_an_agent_is_seen_with_what_it_did_lately(people: Steering, world: World) -> None:
    agent = world.agent()
    for _ in range(2):
        await told(agent.messages.SendMessage(send(), metadata=credential("sales-bot")))
    await told(agent.contacts.GetContact(get(), metadata=credential("sales-bot")))

    async def seen() -> bool | None:
        _, shown = await people.ask("GET", "/v1/agents/sales-bot")
        lately = shown["lately"]
        return (lately["calls"], lately["refusals"], lately["contacts"]) == (3, 0, 2) or None

    await eventually(seen, what="three calls")
    _, shown = await people.ask("GET", "/v1/agents/sales-bot")
    assert (shown["name"], shown["tenant"], shown["version"]) == ("agents/sales-bot", "acme", "3.1")
    assert shown["autonomy"]["CONTACT"] == "autonomous"
    assert shown["lately"]["lastCallTime"].endswith("Z")
    (key,) = shown["keys"]
    assert (key["id"], len(key["fingerprint"])) == ("e2e", 16)
    assert (await people.ask("GET", "/v1/agents/research-bot"))[1]["lately"]["lastCallTime"] is None


async def test_agents_come_page_by_page_and_only_those_of_ones_tenants(people: Steering) -> None:
    _, first = await people.ask("GET", "/v1/agents?pageSize=2")
    _, second = await people.ask("GET", f"/v1/agents?pageSize=2&pageToken={first['nextPageToken']}")
    names = [each["name"] for page in (first, second) for each in page["agents"]]
    assert names == ["agents/marketing-bot", "agents/research-bot", "agents/sales-bot"]
    assert second["nextPageToken"] == ""
    assert (await people.ask("GET", "/v1/agents/globex-bot"))[0] == 404
    assert (await people.ask("GET", "/v1/agents/globex-bot", roles=OFFICER))[0] == 200


async def test_a_new_key_counts_beside_the_old_one_once_a_revision_has_its_hash(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    status, made = await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=OFFICER)
    assert (status, made["agent"]) == (200, "agents/sales-bot")
    new, agent = (("x-api-key", made["key"]),), world.agent()
    assert (await told(agent.contacts.GetContact(get(), metadata=new))).reason == "AGENT_UNAUTHENTICATED"

    status, draft = await people.ask("GET", f"/v1/{made['draft']}", roles=OFFICER)
    assert (status, draft["title"]) == (200, f"New key {made['id']} of sales-bot")
    drafted = yaml.safe_load(draft["text"])
    assert yaml.safe_load(made["lines"])["agents"][0]["keys"][0] == {"id": made["id"], "sha256": made["sha256"]}
    await world.publish(drafted)  # as it is once somebody else has approved it
    await people.follow()
    for metadata in (new, credential("sales-bot")):
        assert (await told(agent.contacts.GetContact(get(), metadata=metadata))).reason == ""
    _, shown = await people.ask("GET", "/v1/agents/sales-bot")
    assert [(key["id"], key["fingerprint"]) for key in shown["keys"]][1] == (made["id"], made["sha256"][:16])
    assert (await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=OFFICER))[1]["id"] != made["id"]


async def test_who_may_make_keys_but_not_write_the_policy_gets_lines_and_no_draft(people: Steering) -> None:
    here = {"acme": [Role.OFFICER]}  # the policy is one for all tenants
    status, made = await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=here)
    assert (status, made["draft"]) == (200, "")
    assert made["sha256"] in made["lines"]
    _, drafts = await people.ask("GET", "/v1/policy-drafts", roles=OFFICER)
    assert drafts["policyDrafts"] == []


async def test_who_may_not_makes_no_key(people: Steering) -> None:
    assert (await people.ask("POST", "/v1/agents/sales-bot:newKey"))[0] == 403
    assert (await people.ask("POST", "/v1/agents/nobody:newKey", roles=OFFICER))[0] == 404
    elsewhere = {"acme": [Role.MODERATOR], "globex": [Role.OFFICER]}
    assert (await people.ask("POST", "/v1/agents/sales-bot:newKey", roles=elsewhere))[0] == 404


async def test_without_the_audit_service_it_is_only_unknown_what_they_did(world: World) -> None:
    async with steering(world) as people:
        _, listed = await people.ask("GET", "/v1/agents")
        assert [each["lately"] for each in listed["agents"]] == [None] * 3
