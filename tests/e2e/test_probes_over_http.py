"""Suites of probes over HTTP: kept, checked, run as jobs, and what passes lets a policy become active."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import yaml

from gateway.activation.loading import load
from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from services.probes.store import SuiteStore
from services.revisions.revising import Revising, RevisionProblem
from tests.e2e.policy import allow_all, policy
from tests.e2e.steering import EVERYWHERE, Steering, steering
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.one_store
PATH = "/v1/probes/acme/contacts"
ALLOWS = {"name": "is-allowed", "kind": "expect", "base": "offer", "expect": {"verdict": "ALLOW"}}
DENIES = ALLOWS | {"name": "is-refused", "expect": {"verdict": "DENY"}}
BASE = {
    "name": "offer",
    "agent": "marketing-bot",
    "method": "/pilote.crm.v1.MessageService/SendMessage",
    "request": {"message": {"customer": "contacts/cnt_000001", "channel": "email", "category": "marketing"}},
}
GATED = {"approvals": {"probes": ["acme/contacts"]}}


@pytest.fixture
async def people(world: World, upstream: FakeUpstream, auditor: Auditor) -> AsyncIterator[Steering]:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    async with steering(world, audit=auditor.address) as found:
        yield found


def text(*probes: dict[str, Any], suite: str = "contacts", **more: Any) -> str:
    return yaml.safe_dump({"suite": suite, "bases": [BASE], "probes": list(probes), **more}, sort_keys=False)


async def saved(people: Steering, *probes: dict[str, Any], **headers: Any) -> dict[str, Any]:
    status, told = await people.ask("PUT", PATH, {"text": text(*probes)}, **headers)
    assert status == 200, told
    return told  # type: ignore[no-any-return]


async def ran(people: Steering, **what: Any) -> dict[str, Any]:
    """What a run's job gives."""
    status, begun = await people.ask("POST", f"{PATH}:run", what, roles=EVERYWHERE)
    assert status == 202, begun
    assert begun["about"] == "probes/acme/contacts"

    async def over() -> Any:
        _, job = await people.ask("GET", f"/v1/{begun['name']}", roles=EVERYWHERE)
        return job if job["state"] in ("succeeded", "failed", "cancelled") else None

    job: dict[str, Any] = await eventually(over, what="the job's end", within=120)
    assert job["state"] == "succeeded", job
    return job["result"]  # type: ignore[no-any-return]


async def test_a_suite_is_kept_listed_in_pages_changed_only_as_it_was_seen_and_deleted(
    people: Steering, auditor: Auditor
) -> None:
    first = await saved(people, ALLOWS)
    assert (first["name"], first["probes"], first["madeOf"]) == ("probes/acme/contacts", 1, "")
    assert [(each["target"], each["state"], each["required"]) for each in first["stands"]] == [
        ("revisions/2", "NEVER", False)
    ]
    body = {"text": text(ALLOWS, DENIES)}
    status, told = await people.ask("PUT", PATH, body)
    assert (status, told["reason"]) == (428, "MATCH_NEEDED")
    status, second = await people.ask("PUT", PATH, body, if_match=first["etag"])
    assert (status, second["probes"]) == (200, 2)
    status, told = await people.ask("PUT", PATH, {"text": text(ALLOWS)}, if_match=first["etag"])
    assert (status, told["reason"]) == (412, "SUITE_CHANGED")
    assert "-- name: is-refused" in told["difference"]

    another = text(ALLOWS, suite="others")
    assert (await people.ask("PUT", "/v1/probes/acme/others", {"text": another}))[0] == 200
    _, page = await people.ask("GET", "/v1/probes?pageSize=1")
    _, rest = await people.ask("GET", f"/v1/probes?pageSize=1&pageToken={page['nextPageToken']}")
    assert [each["suite"] for each in (*page["probes"], *rest["probes"])] == ["contacts", "others"]
    assert (page["probes"][0]["text"], rest["nextPageToken"]) == (None, "")
    assert (await people.ask("GET", PATH, if_none_match=second["etag"]))[0] == 304

    assert (await people.ask("DELETE", PATH))[0] == 428
    assert (await people.ask("DELETE", PATH, if_match=first["etag"]))[0] == 412
    assert (await people.ask("DELETE", PATH, if_match=second["etag"]))[0] == 204
    assert (await people.ask("GET", PATH))[0] == 404
    again = await saved(people, ALLOWS)
    assert again["etag"] == first["etag"]  # the very same text, as the first version of it
    assert (await people.ask("PUT", PATH, {"text": text(DENIES)}, if_match=second["etag"]))[0] == 412

    notes = (await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource="probes/acme/contacts"))).notes
    done = [each.change.operation for each in notes if each.change.HasField("after") or each.change.HasField("before")]
    assert {"save", "delete"} == set(done)


async def test_all_mistakes_are_told_at_once_with_their_lines_and_nothing_is_kept(people: Steering) -> None:
    wrong = text(ALLOWS | {"base": "nothing"}, DENIES | {"kind": "guess"}, suite="others")
    status, told = await people.ask("POST", f"{PATH}:check", {"text": wrong}, accept_language="fr")
    assert (status, told["good"]) == (200, False)
    assert [each["line"] for each in told["remarks"]] == sorted(each["line"] for each in told["remarks"])
    assert {each["path"] for each in told["remarks"]} == {"suite", "probes[0].base", "probes[1].kind"}
    assert any("pas de base" in each["problem"] for each in told["remarks"])
    assert all(each["fix"] for each in told["remarks"])
    status, told = await people.ask("PUT", PATH, {"text": wrong})
    assert (status, told["reason"], len(told["mistakes"])) == (422, "SUITE_INVALID", 3)
    for bad in ("{", "- a\n- b\n", "", "\x1b[31m", "a: &a [*a]\n"):
        status, told = await people.ask("PUT", PATH, {"text": bad})
        assert (status, told["reason"]) == (422, "SUITE_INVALID"), bad
        assert "\x1b" not in msgspec.json.encode(told).decode()
    assert (await people.ask("PUT", PATH, {"text": "x" * 1_000_001}))[0] == 400
    assert (await people.ask("POST", f"{PATH}:check", {"text": text(ALLOWS)}))[1]["good"]
    assert (await people.ask("GET", PATH))[0] == 404


async def test_only_who_may_in_that_tenant_writes_and_runs_it(people: Steering) -> None:
    await saved(people, ALLOWS)
    for roles, status in (
        ({"acme": [Role.AUDITOR]}, 403),
        ({"globex": [Role.MODERATOR]}, 404),
        ({"acme": [Role.AUDITOR], "globex": [Role.MODERATOR]}, 403),
    ):
        assert (await people.ask("POST", f"{PATH}:run", {}, roles=roles))[0] == status
        assert (await people.ask("PUT", PATH, {"text": text(DENIES)}, roles=roles))[0] == status
    assert (await people.ask("GET", PATH, roles={"acme": [Role.AUDITOR]}))[0] == 200
    assert (await people.ask("GET", "/v1/probes", roles={"globex": [Role.AUDITOR]}))[1]["probes"] == []
    status, told = await people.ask("POST", f"{PATH}:run", {"draft": "policy-drafts/0123"})
    assert (status, told["right"]) == (403, "policy.write")
    assert (await people.ask("POST", f"{PATH}:run", {"draft": "0123"}, roles=EVERYWHERE))[0] == 404
    assert (await people.ask("POST", f"{PATH}:run", {"revision": 99}, roles=EVERYWHERE))[0] == 404
    both = {"draft": "0123", "revision": 1}
    assert (await people.ask("POST", f"{PATH}:run", both, roles=EVERYWHERE))[0] == 400
    for bad in ({"version": "lead-score"}, {"revision": 0}, {"colour": "red"}):
        assert (await people.ask("POST", f"{PATH}:run", bad, roles=EVERYWHERE))[0] == 400, bad


async def test_what_passes_for_a_draft_lets_just_that_draft_become_active_and_what_fails_is_kept_small(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    kept = await saved(people, ALLOWS)
    wanted = policy(upstream.address, rules=[allow_all()], **GATED)
    _, draft = await people.ask(
        "POST", "/v1/policy-drafts", {"title": "gated", "text": yaml.safe_dump(wanted)}, roles=EVERYWHERE
    )
    revising = Revising(world.redis, clock_ms=world.clock)

    async def apply() -> int:
        return (await revising.apply(load(wanted).document, hand=None, reason="", expected=None)).revision

    with pytest.raises(RevisionProblem, match="probes-never"):
        await apply()
    run = await ran(people, draft=draft["name"])
    assert (run["passed"], run["target"], run["by"]) == (True, draft["name"], "zoe")
    assert await apply() == 3

    await saved(people, ALLOWS, DENIES, if_match=kept["etag"])
    failed = await ran(people)
    assert (failed["passed"], failed["target"]) == (False, "revisions/2")
    broken = failed["results"][1]
    assert (broken["probe"], broken["state"]) == ("is-refused", "FAILED")
    assert "ALLOW" in broken["why"]["fr"]
    assert yaml.safe_load(broken["example"])[0]["expect"] == {"verdict": "DENY"}
    _, told = await people.ask("GET", f"{PATH}/runs")
    assert [(each["target"], each["passed"]) for each in told["runs"]] == [
        ("revisions/2", False),
        (draft["name"], True),
    ]
    _, one = await people.ask("GET", PATH)
    assert [(each["state"], each["failed"]) for each in one["stands"]] == [("FAILED", ["is-refused"])]
    assert len(await SuiteStore(world.redis).runs("acme/contacts")) == 2
