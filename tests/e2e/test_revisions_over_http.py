"""People edit policies over HTTP: they sign on their own machine, and the same is checked as on the command line."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import requests

from gateway.adapters.revisions import RevisionStore
from gateway.core.authority import Statement, Vote
from gateway.loading import canonical, load
from services.control.asking import header, to_sign
from services.control.server import running
from tests.e2e.policy import Data, policy
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE, entry, published, signer

OTHERS: Data = {"description": "stricter", "rules": [{"name": "none", "effect": "deny"}]}


class Person:
    """Somebody with a key and an HTTP client."""

    def __init__(self, name: str, url: str, *, key: str = "") -> None:
        self.name = name
        self.url = url
        self.signer = signer(key or name)

    async def ask(
        self, method: str, target: str, body: Any = None, *, skew_ms: int = 0, lang: str = "en", signing: str = ""
    ) -> tuple[int, Any]:
        """Status and answer of a signed request."""
        sent = b"" if body is None else msgspec.json.encode(body)
        created = time.time_ns() // 1_000_000 + skew_ms
        signature = self.signer.sign(to_sign(method, signing or target, sent, created_ms=created))
        headers = {"authorization": header(self.name, signature, created_ms=created), "accept-language": lang}
        done = await asyncio.to_thread(
            lambda: requests.request(method, f"{self.url}{target}", data=sent, headers=headers, timeout=10)
        )
        return done.status_code, done.json()

    async def draft(self, document: Data, **more: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/v1/drafts", {"document": document, "reason": "why"} | more)

    async def propose(self, drafted: Any, *, key: str = "") -> tuple[int, Any]:
        """Sign a draft, having looked whether it is what one wrote, and send it."""
        statement = msgspec.convert(drafted["statement"], Statement)
        signature = (signer(key) if key else self.signer).sign(statement.signed)
        body = {"statement": drafted["statement"], "document": drafted["document"], "signature": signature}
        return await self.ask("POST", "/v1/proposals", body)

    async def vote(self, number: int, statement: Any, act: Any = "approve") -> tuple[int, Any]:
        said = Vote(
            act=act, statement=msgspec.convert(statement, Statement).sha256, person=self.name, comment="", created_ms=5
        )
        body = {"vote": said, "signature": self.signer.sign(said.signed)}
        return await self.ask("POST", f"/v1/proposals/{number}/votes", body)


class Office:
    """A control plane whose active policy names people."""

    def __init__(self, url: str, data: Data) -> None:
        self.url = url
        self.data = data

    def __getitem__(self, name: str) -> Person:
        return Person(name, self.url)

    async def follows(self, number: int) -> None:
        """Wait until the control plane goes by that revision."""

        async def look() -> bool | None:
            status, answer = await self["ada"].ask("GET", "/v1/workers")
            return True if status == 200 and answer["active"] == number else None

        await eventually(look, what=f"revision {number}", within=5)

    async def runs(self, number: int) -> None:
        """Wait until the control plane says that it goes by that revision."""

        async def look() -> bool | None:
            _, answer = await self["ada"].ask("GET", "/v1/workers")
            said = [(each["worker"].partition("-")[0], each["revision"]) for each in answer["workers"]]
            return ("control", number) in said or None

        await eventually(look, what=f"the control plane runs {number}", within=5)

    async def change(self, **sections: Any) -> int:
        """Have a change approved, all over HTTP; returns the revision."""
        _, drafted = await self["ada"].draft(self.data | sections)
        _, proposed = await self["ada"].propose(drafted)
        _, done = await self["bob"].vote(proposed["number"], proposed["statement"])
        return int(done["revision"])


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[Office]:
    """One whose first policy is active as revision 1."""
    data = policy(upstream.address, people=PEOPLE)
    first = published(canonical(load(data).document), author="ada")
    await RevisionStore(empty_world.redis).add(first, entry(first, "bob"))
    async with running(
        listen="127.0.0.1:0", redis_url=empty_world.redis_url, pseudonym_key=KEY, drain_seconds=0.5
    ) as port:
        office = Office(f"http://127.0.0.1:{port}", data)
        await office.follows(1)
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
    _, history = await office["ada"].ask("GET", "/v1/revisions?count=5")
    assert [(each["number"], each["entry"]["statement"]["author"]) for each in history] == [(2, "ada"), (1, "ada")]
    _, revision = await office["eve"].ask("GET", "/v1/revisions/2")
    assert revision["document"]["description"] == "stricter"


async def test_every_mistake_of_a_policy_is_told_as_on_the_command_line(office: Office) -> None:
    status, told = await office["ada"].draft(office.data | {"rules": [{"name": "A"}, {"effect": "alow", "name": "b"}]})
    assert (status, told["reason"]) == (422, "POLICY_INVALID")
    assert {each["path"] for each in told["mistakes"]} >= {"rules[0].name", "rules[1].effect"}
    assert any("did you mean 'allow'?" in each["fix"] for each in told["mistakes"])
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
        office["ada"].ask("GET", "/v1/revisions?count=9", signing="/v1/revisions?count=1"),
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
    _, his = await office["eve"].draft(office.data | OTHERS)
    assert await _refusal(office["eve"].propose(his)) == (403, "AUTHOR")
    forged = drafted | {"document": drafted["document"] | {"description": "else"}}
    assert await _refusal(office["ada"].propose(forged)) == (400, "NOT_DRAFTED")
    moving = drafted | {"statement": drafted["statement"] | {"how": "rollout"}}
    assert await _refusal(office["ada"].propose(moving)) == (400, "NOT_DRAFTED")
    french = await office["ada"].ask("GET", "/v1/proposals/99", lang="fr")
    assert french[1]["message"].startswith("Il n’y a pas de proposition 99")


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
        listen="127.0.0.1:0", redis_url=empty_world.redis_url, pseudonym_key=KEY, drain_seconds=0.5
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
