"""People with accounts make a policy active, two at a time: from a draft to what the next call comes to."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.adapters.revisions import RevisionStore
from services.control.access.rights import Role
from services.control.drafts.rendering import block
from tests.e2e.insiders import Browser, Inside, inside
from tests.e2e.policy import cap, policy
from tests.e2e.test_simulating import sent
from tests.e2e.waiting import eventually
from tests.e2e.world import World, auditing
from tests.fakes.upstream import FakeUpstream


@dataclass
class Company:
    """A control plane with accounts, and a gateway; no policy is active yet."""

    house: Inside
    world: World
    text: str

    async def begin(self, who: Browser, text: str | None = None, **more: Any) -> tuple[str, dict[str, str]]:
        """A new draft's path, and what a change of it must say."""
        asked = {"title": "t", **({} if text is None else {"text": text}), **more}
        done = await who.ask("POST", "/v1/policy-drafts", asked)
        assert done.status_code == 201, done.text
        return f"/v1/{done.json()['name']}", {"if-match": done.headers["etag"]}

    async def submit(self, who: Browser, text: str | None = None, **more: Any) -> int:
        """A proposal's number, of a draft with that text."""
        path, seen = await self.begin(who, text, **more)
        await who.confirm()
        done = await who.ask("POST", f"{path}:submit", {"reason": "why"}, headers=seen)
        assert done.status_code == 201, done.text
        return int(done.json()["name"].partition("/")[2])

    async def approve(self, who: Browser, number: int) -> int:
        """The revision that a proposal becomes."""
        await who.confirm()
        done = await who.ask("POST", f"/v1/proposals/{number}:approve", {"comment": "looked at"})
        assert done.status_code == 200, done.text
        revision = int(done.json()["revision"])
        await self.runs(revision)
        return revision

    async def runs(self, number: int) -> None:
        """Wait until gateway and control plane go by that revision."""
        await self.world.wait_for(number)

        async def look() -> bool | None:
            told = (await self.house.browser().ask("GET", "/healthz")).ok and await self.world.redis.get(
                "pilote:{revisions}:active"
            )
            return True if told == str(number).encode() else None

        await eventually(look, what=f"revision {number}")


@pytest.fixture
async def company(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Company]:
    async with contextlib.AsyncExitStack() as stack:
        auditor = await stack.enter_async_context(auditing(empty_world.redis_url, tmp_path / "audit"))
        house = await stack.enter_async_context(inside(empty_world.redis, empty_world.redis_url, audit=auditor.address))
        await empty_world.gateway()
        yield Company(house, empty_world, block(policy(upstream.address, replay={"share": 10_000})))


async def test_two_people_with_accounts_make_the_first_policy_active(company: Company) -> None:
    ann = await company.house.somebody("ann", Role.OFFICER)
    path, seen = await company.begin(ann, company.text)
    asked: dict[str, Any] = {"reason": "The first one"}
    unsure = await ann.ask("POST", f"{path}:submit", asked, headers=seen)
    assert unsure.json()["reason"] == "CONFIRMATION_NEEDED"
    await ann.confirm()
    alone = await ann.ask("POST", f"{path}:submit", asked, headers=seen, lang="fr")
    assert (alone.status_code, alone.json()["reason"]) == (409, "PEOPLE_ALONE")
    assert "Personne d’autre que vous" in alone.json()["detail"]
    assert await RevisionStore(company.world.redis).active() == 0
    ben = await company.house.somebody("ben", Role.COPILOT)
    compared = (await ann.ask("POST", f"{path}:compare", {})).json()
    assert [line for line in compared["lines"] if line.startswith("+  - name: ")][-2:] == [
        "+  - name: ann",
        "+  - name: ben",
    ]
    proposed = await ann.ask("POST", f"{path}:submit", asked, headers=seen)
    assert (proposed.status_code, proposed.json()["state"], proposed.json()["more"]) == (201, "waiting", 1)
    number = int(proposed.json()["name"].partition("/")[2])
    own = await ann.ask("POST", f"/v1/proposals/{number}:approve", {})
    assert (own.status_code, own.json()["reason"]) == (403, "SELF")
    assert await company.approve(ben, number) == 1
    assert (await sent(company.world.agent(), 1)).reason == ""
    shown = (await ann.ask("GET", "/v1/revisions/1")).json()
    assert [each["name"] for each in shown["document"]["people"]] == ["ann", "ben"]
    draft = (await ann.ask("GET", path)).json()
    assert draft["proposal"] == f"proposals/{number}"


async def test_a_copilot_adds_a_cap_and_the_next_message_is_refused_until_it_is_taken_back(company: Company) -> None:
    ann = await company.house.somebody("ann", Role.OFFICER)
    ben = await company.house.somebody("ben", Role.COPILOT)
    await company.approve(ben, await company.submit(ann, company.text))
    agent = company.world.agent()
    assert (await sent(agent, 1)).reason == ""
    path, seen = await company.begin(ben)
    edits = {"edits": [{"kind": "add", "section": "caps", "value": cap(1, name="once")}]}
    edited = await ben.ask("PATCH", path, edits, headers=seen)
    await ben.confirm()
    done = await ben.ask("POST", f"{path}:submit", {"reason": "too many"}, headers={"if-match": edited.headers["etag"]})
    assert await company.approve(ann, int(done.json()["name"].partition("/")[2])) == 2
    assert (await sent(agent, 2)).reason == ""
    assert (await sent(agent, 2)).reason == "CAP_EXCEEDED"
    back = await ann.ask("POST", "/v1/revisions:rollback", {"reason": "customers miss us"})
    assert (back.json()["revision"], back.json()["restores"]) == (3, 1), back.text
    await company.runs(3)
    assert (await sent(agent, 2)).reason == ""
    assert (await ann.ask("GET", "/v1/revisions/0:compare?base=1")).status_code == 404
    between = (await ann.ask("GET", "/v1/revisions/2:compare?base=1")).json()
    assert any("once" in line for line in between["words"]["en"])
    notes = (await ann.ask("GET", "/v1/notes?kind=change&pageSize=200")).json()
    noted = msgspec.json.encode(notes).decode()
    assert all(
        word in noted for word in ("propose", "approve", "roll-back", path.removeprefix("/v1/"), "customers miss us")
    )


async def test_a_proposal_is_refused_or_withdrawn_with_a_reason(company: Company) -> None:
    ann = await company.house.somebody("ann", Role.OFFICER)
    ben = await company.house.somebody("ben", Role.COPILOT)
    await company.approve(ben, await company.submit(ann, company.text))
    first, second = await company.submit(ann, draft_text(company)), await company.submit(ann, draft_text(company))
    await ben.confirm()
    refused = await ben.ask("POST", f"/v1/proposals/{first}:refuse", {"comment": "not now"})
    assert refused.json()["state"] == "refused"
    taken = await ben.ask("POST", f"/v1/proposals/{second}:withdraw", {})
    assert (taken.status_code, taken.json()["reason"]) == (403, "WITHDRAW")
    withdrawn = await ann.ask("POST", f"/v1/proposals/{second}:withdraw", {"comment": "mine"})
    assert withdrawn.json()["state"] == "withdrawn"


async def test_a_draft_follows_what_has_become_active_meanwhile_and_keeps_its_comments(company: Company) -> None:
    ann = await company.house.somebody("ann", Role.OFFICER)
    ben = await company.house.somebody("ben", Role.COPILOT)
    await company.approve(ben, await company.submit(ann, company.text))
    slow, seen = await company.begin(ben)
    text = (await ben.ask("GET", slow)).json()["text"]
    mine = text.replace("rules:\n", "rules:\n  # mine\n  - {name: mine, effect: deny, when: 'false'}\n")
    saved = await ben.ask("PUT", slow, {"text": mine}, headers=seen)
    await company.approve(ben, await company.submit(ann, text + "caps: [{name: theirs, max: 9, window: 7d}]\n"))
    await ben.confirm()
    late = await ben.ask("POST", f"{slow}:submit", {"reason": "x"}, headers={"if-match": saved.headers["etag"]})
    assert (late.status_code, late.json()["reason"]) == (409, "CONFLICT")
    rebased = await ben.ask("POST", f"{slow}:rebase", headers={"if-match": saved.headers["etag"]})
    assert rebased.status_code == 200, rebased.text
    assert "# mine" in rebased.json()["text"]
    assert "name: theirs" in rebased.json()["text"]
    assert rebased.json()["base"] == 2
    seen = {"if-match": rebased.headers["etag"]}
    assert (await ben.ask("POST", f"{slow}:submit", {"reason": "x"}, headers=seen)).status_code == 201


def draft_text(company: Company) -> str:
    """Another policy than the active one."""
    return company.text + "description: another\n"


async def test_whoever_may_not_approve_is_no_person_of_the_policy(company: Company) -> None:
    ann = await company.house.somebody("ann", Role.OFFICER)
    ben = await company.house.somebody("ben", Role.COPILOT)
    sue = await company.house.somebody("sue", Role.SRE)
    number = await company.submit(ann, company.text)
    refused = await sue.ask("POST", f"/v1/proposals/{number}:approve", {})
    assert (refused.status_code, refused.json()["right"]) == (403, "policy.approve")
    await company.approve(ben, number)
    shown = (await sue.ask("GET", "/v1/revisions/1")).json()
    assert [each["name"] for each in shown["document"]["people"]] == ["ann", "ben"]
