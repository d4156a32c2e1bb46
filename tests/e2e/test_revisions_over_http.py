"""People edit policies over HTTP: they sign on their own machine, and the same is checked as on the command line."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import requests

from gateway.activation.loading import canonical, load
from services.control.options import Options
from services.control.server import running
from tests.e2e.office import Office, Person, opened
from tests.e2e.policy import Data, policy
from tests.e2e.world import KEY, World
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

OTHERS: Data = {"description": "stricter", "rules": [{"name": "none", "effect": "deny"}]}


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[Office]:
    """One whose first policy is active as revision 1."""
    async with opened(empty_world, policy(upstream.address, people=PEOPLE)) as office:
        yield office


async def test_two_people_change_a_policy(office: Office) -> None:
    status, drafted = await office["ada"].draft(office.data | OTHERS)
    assert status == 200, drafted
    document = msgspec.json.encode(drafted["document"], order="sorted")
    assert drafted["statement"]["document"] == hashlib.sha256(document).hexdigest()
    assert any("none" in line for line in drafted["changes"])
    status, proposed = await office["ada"].propose(drafted)
    assert (status, proposed["state"], proposed["more"]) == (201, "waiting", 1)
    number = proposed["number"]
    _, shown = await office["bob"].ask("GET", f"/v1/proposals/{number}")
    assert (shown["changes"], shown["document"]) == (drafted["changes"], drafted["document"])
    status, done = await office["bob"].vote(number, shown["statement"])
    assert (status, done["state"], done["revision"]) == (200, "active", 2)
    await office.runs(2)
    _, history = await office["ada"].ask("GET", "/v1/revisions?pageSize=5")
    listed = [(each["number"], each["entry"]["statement"]["author"]) for each in history["revisions"]]
    assert listed == [(2, "ada"), (1, "ada")]
    _, revision = await office["eve"].ask("GET", "/v1/revisions/2")
    assert revision["document"]["description"] == "stricter"


async def test_every_mistake_of_a_policy_is_told_as_on_the_command_line(office: Office) -> None:
    status, told = await office["ada"].draft(office.data | {"rules": [{"name": "A"}, {"effect": "alow", "name": "b"}]})
    assert (status, told["reason"]) == (422, "POLICY_INVALID")
    assert {each["path"] for each in told["mistakes"]} >= {"rules[0].name", "rules[1].effect"}
    assert any("did you mean 'allow'?" in each["fix"] for each in told["mistakes"])
    asked = {"document": office.data | {"rules": [{"effect": "alow", "name": "b"}]}, "reason": "x"}
    _, french = await office["ada"].ask("POST", "/v1/drafts", asked, lang="fr")
    (mistake,) = french["mistakes"]
    assert (mistake["path"], mistake["code"]) == ("rules[0].effect", "choice-unknown")
    assert mistake["problem"].replace("\N{NARROW NO-BREAK SPACE}", " ").startswith("« alow » ne fait pas partie")
    assert "vouliez-vous dire" in mistake["fix"]
    bodies: list[Any] = [{"document": {}}, {"reason": "x"}, {"document": {}, "restores": 1, "reason": "x"}, [1]]
    for body in bodies:
        status, told = await office["ada"].ask("POST", "/v1/drafts", body)
        assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")


async def test_nobody_is_let_in_who_has_not_signed_just_this_just_now(office: Office) -> None:
    asked = [
        office["mallory"].ask("GET", "/v1/revisions"),
        Person("ada", office.url, key="mallory").ask("GET", "/v1/revisions"),
        office["ada"].ask("GET", "/v1/revisions", skew_ms=-120_000),
        office["ada"].ask("GET", "/v1/revisions", skew_ms=120_000),
        office["ada"].ask("GET", "/v1/revisions?pageSize=9", signing="/v1/revisions?pageSize=1"),
        office["ada"].ask("GET", "/v1/revisions/1", signing="/v1/workers"),
    ]
    for status, told in await asyncio.gather(*asked):
        assert (status, told["reason"]) == (401, "PERSON_UNAUTHENTICATED")
    for headers in ({}, {"authorization": "Bearer x"}, {"x-api-key": "secret-key-of-sales-bot"}):
        bare = await asyncio.to_thread(requests.get, f"{office.url}/v1/revisions", headers=headers, timeout=5)
        assert bare.status_code == 401


async def test_who_may_not_is_told_so(office: Office) -> None:
    _, drafted = await office["ada"].draft(office.data | OTHERS)
    _, proposed = await office["ada"].propose(drafted)
    number, statement = proposed["number"], proposed["statement"]
    for name, status, reason in (("ada", 403, "SELF"), ("dan", 403, "RIGHT")):
        assert await _refusal(office[name].vote(number, statement)) == (status, reason)
    assert await _refusal(office["bob"].vote(99, statement)) == (404, "UNKNOWN")
    assert await _refusal(office["ada"].propose(drafted, key="bob")) == (403, "KEY")
    assert await _refusal(office["eve"].draft(office.data | OTHERS)) == (403, "RIGHT_MISSING")
    assert await _refusal(office["eve"].propose(drafted)) == (403, "RIGHT_MISSING")
    forged = drafted | {"document": drafted["document"] | {"description": "else"}}
    assert await _refusal(office["ada"].propose(forged)) == (400, "NOT_DRAFTED")
    moving = drafted | {"statement": drafted["statement"] | {"how": "rollout"}}
    assert await _refusal(office["ada"].propose(moving)) == (400, "NOT_DRAFTED")
    french = await office["ada"].ask("GET", "/v1/proposals/99", lang="fr")
    assert french[1]["detail"].startswith("Il n’y a pas de proposition 99")


async def _refusal(asked: Any) -> tuple[int, str]:
    status, told = await asked
    return status, told["reason"]


async def test_two_at_once_get_a_conflict_with_both_changes(office: Office) -> None:
    _, late = await office["ada"].draft(office.data | {"description": "mine"})
    _, proposed = await office["ada"].propose(late)
    assert await office.change(description="theirs", rules=OTHERS["rules"]) == 2
    status, told = await office["bob"].vote(proposed["number"], proposed["statement"])
    assert (status, told["reason"], told["active"], told["both"]) == (409, "CONFLICT", 2, ["description"])
    assert len(told["theirs"]) > len(told["yours"]) >= 1
    status, told = await office["ada"].draft(office.data | {"description": "mine"}, base=1)
    assert (status, told["reason"]) == (409, "CONFLICT")


async def test_going_back_is_one_signed_step(office: Office) -> None:
    assert await office.change(**OTHERS) == 2
    status, drafted = await office["bob"].ask("POST", "/v1/drafts", {"restores": 0, "reason": "wrong"})
    assert (status, drafted["statement"]["restores"]) == (200, 1)
    status, done = await office["bob"].propose(drafted)
    assert (status, done["state"], done["revision"]) == (201, "active", 3)


async def test_without_people_nobody_is_let_in(empty_world: World, upstream: FakeUpstream) -> None:
    await empty_world.publish_raw(canonical(load(policy(upstream.address)).document))
    async with running(
        Options(
            listen="127.0.0.1:0",
            redis_url=empty_world.redis_url,
            audit="127.0.0.1:1",
            pseudonym_key=KEY,
            drain_seconds=0.5,
        )
    ) as port:
        status, told = await Person("ada", f"http://127.0.0.1:{port}").ask("GET", "/v1/revisions")
        assert (status, told["reason"]) == (401, "PERSON_UNAUTHENTICATED")


async def test_the_description_of_the_interface_knows_it_all(office: Office) -> None:
    found = await asyncio.to_thread(requests.get, f"{office.url}/schema/openapi.json", timeout=10)
    described = json.loads(found.text)
    assert {"/v1/drafts", "/v1/proposals", "/v1/proposals/{number}/votes", "/v1/revisions", "/v1/workers"} <= set(
        described["paths"]
    )
    body = described["paths"]["/v1/proposals/{number}/votes"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["vote"]["properties"]["act"]["enum"] == ["approve", "refuse", "withdraw"]
    names = " ".join(described["components"]["schemas"])
    for name in ("Document", "Statement", "Proposed", "Report"):
        assert name in names
