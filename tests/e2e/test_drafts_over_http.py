"""People edit a policy over HTTP, see what is wrong, and try it on recorded calls before it is proposed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.e2e.drafting import Drafter
from tests.e2e.office import Office, opened
from tests.e2e.policy import policy
from tests.e2e.test_simulating import sent
from tests.e2e.world import REPLAY_KEY, World, auditing
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

DENIES = {"name": "no-marketing", "operations": ["CONTACT"], "when": 'call.category == "marketing"', "effect": "deny"}


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Office]:
    """A control plane, an audit service and a gateway, on a policy that keeps what calls were decided by."""
    data = policy(upstream.address, people=PEOPLE, replay={"share": 10_000})
    async with (
        auditing(empty_world.redis_url, tmp_path / "audit") as auditor,
        opened(empty_world, data, audit=auditor.address, replay_keys=(REPLAY_KEY,)) as office,
    ):
        await empty_world.gateway()
        await empty_world.wait_for(1)
        yield office


@pytest.fixture
def ada(office: Office) -> Drafter:
    return Drafter("ada", office.url)


async def test_a_draft_begins_with_the_active_policy_and_is_edited_line_by_line(ada: Drafter) -> None:
    path = await ada.begin(title="Fewer messages")
    shown = (await ada.ask("GET", path)).json()
    assert (shown["owner"], shown["base"], shown["title"]) == ("ada", 1, "Fewer messages")
    assert yaml.safe_load(shown["text"])["rules"] == [{"name": "allow-all", "effect": "allow"}]
    text = shown["text"].replace("rules:", "# What agents may do\nrules:")
    saved = await ada.ask("PUT", path, {"text": text}, if_match=ada.etag)
    assert (saved.status_code, saved.headers["etag"]) == (200, '"2"')
    edits = [{"kind": "add", "section": "rules", "value": DENIES, "after": ""}]
    edited = await ada.ask("PATCH", path, {"edits": edits}, if_match=ada.etag)
    assert edited.status_code == 200, edited.text
    assert edited.json()["text"] == text.replace(
        "rules:\n",
        "rules:\n  - name: no-marketing\n    operations: [CONTACT]\n"
        '    when: call.category == "marketing"\n    effect: deny\n',
    )
    listed = (await ada.ask("GET", "/v1/policy-drafts")).json()
    assert [each["name"] for each in listed["policyDrafts"]] == [shown["name"]]
    assert listed["policyDrafts"][0]["text"] is None
    copied = await ada.begin(title="copy", fromDraft=shown["name"])
    assert (await ada.ask("GET", copied)).json()["text"] == edited.json()["text"]


async def test_whoever_is_slower_sees_what_the_other_has_written(ada: Drafter, office: Office) -> None:
    path = await ada.begin(text="rules: []\n")
    bob, first = Drafter("bob", office.url), ada.etag
    assert (await bob.ask("PUT", path, {"text": "rules: [] # bob\n"}, if_match=first)).status_code == 200
    late = await ada.ask("PUT", path, {"text": "rules: [] # ada\n"}, lang="fr", if_match=first)
    assert (late.status_code, late.json()["reason"]) == (412, "DRAFT_CHANGED")
    assert late.json()["detail"].startswith("bob a modifié ce brouillon entre-temps")
    assert late.json()["difference"][-2:] == ["-rules: [] # bob", "+rules: [] # ada"]
    assert late.headers["etag"] == '"2"'
    for method, body in (
        ("PATCH", {"edits": [{"kind": "set", "section": "description", "value": "x"}]}),
        ("DELETE", None),
    ):
        assert (await ada.ask(method, path, body, if_match=first)).status_code == 412
        assert (await ada.ask(method, path, body)).status_code == 428
    assert (await ada.ask("DELETE", path, if_match='"2"')).status_code == 204
    assert (await ada.ask("GET", path)).status_code == 404


async def test_mistakes_have_lines_and_columns_and_words_complete_what_is_typed(ada: Drafter) -> None:
    path = await ada.begin()
    text = (await ada.ask("GET", path)).json()["text"].replace("effect: allow", "effect: alow")
    checked = (await ada.ask("POST", f"{path}:check", {"text": text})).json()
    (remark,) = checked["remarks"]
    assert not checked["good"]
    assert text.split("\n")[remark["line"] - 1][remark["column"] - 1 :].startswith("alow")
    assert (await ada.ask("POST", f"{path}:check", {})).json()["good"]
    lines = [*text.splitlines(), "limits:", "  - name: x", "    on_store_error: cl"]
    asked = {"text": "\n".join(lines), "line": len(lines), "column": len(lines[-1]) + 1}
    completed = (await ada.ask("POST", f"{path}:complete", asked)).json()
    assert (completed["column"], [each["label"] for each in completed["items"]]) == (21, ["closed"])


async def test_a_draft_says_what_it_changes_and_how_far_that_reaches(ada: Drafter, office: Office) -> None:
    path = await ada.begin()
    edits = [{"kind": "add", "section": "rules", "value": DENIES}]
    await ada.ask("PATCH", path, {"edits": edits}, if_match=ada.etag)
    compared = (await ada.ask("POST", f"{path}:compare", {})).json()
    assert any("no-marketing" in line for line in compared["words"]["fr"])
    assert "+  - name: no-marketing" in compared["lines"]
    done = await ada.over(await ada.ask("POST", f"{path}:plan", {"since": "7d"}))
    assert done["state"] == "succeeded", done
    (change,) = done["result"]["changes"]
    assert (change["kind"], change["name"]) == ("added", "no-marketing")
    assert "/pilote.crm.v1.MessageService/SendMessage" in change["methods"]
    shown = (await ada.ask("GET", "/v1/jobs")).json()["jobs"]
    assert [(each["kind"], each["about"]) for each in shown] == [("plan", path.removeprefix("/v1/"))]
    eve = Drafter("eve", office.url)
    assert (await eve.ask("GET", f"/v1/{shown[0]['name']}")).status_code == 404


async def test_a_rule_and_a_cap_are_tried_on_recorded_calls_before_they_are_saved(
    ada: Drafter, empty_world: World, office: Office
) -> None:
    agent = empty_world.agent()
    marketing = [await sent(agent, number, category="marketing") for number in range(3)]
    service = [await sent(agent, 0, category="service") for _ in range(2)]
    await empty_world.settled(5)
    path = await ada.begin()
    text = (await ada.ask("GET", path)).json()["text"]
    rule = msgspec.json.encode(DENIES).decode()
    tried = {"section": "rules", "part": "no-marketing", "text": text.replace("rules:\n", f"rules:\n  - {rule}\n")}
    done = await ada.over(await ada.ask("POST", f"{path}:try", tried))
    assert done["state"] == "succeeded", done
    result = done["result"]
    assert (result["calls"], result["matched"], result["newlyRefused"]) == (5, 3, 3)
    assert {each["decision"] for each in result["matches"]} == {each.decision for each in marketing}
    assert {each["effect"] for each in result["matches"]} == {"deny"}
    (change,) = result["changes"]
    assert (change["was"], change["becomes"], change["by"]) == ("ALLOW", "DENY", "POLICY_DENIED no-marketing")
    assert set(change["examples"]) == {each.decision for each in marketing}
    capped = {"section": "caps", "part": "one", "text": f"{text}caps:\n  - {{name: one, max: 1, window: 1d}}\n"}
    result = (await ada.over(await ada.ask("POST", f"{path}:try", capped)))["result"]
    assert (result["matched"], result["newlyRefused"]) == (5, 2)
    assert set(result["changes"][0]["examples"]) <= {each.decision for each in (*marketing, *service)}
    missing = await ada.over(await ada.ask("POST", f"{path}:try", tried | {"part": "other"}, lang="fr"))
    assert missing["state"] == "failed"
    assert (
        (await ada.ask("GET", f"/v1/{missing['name']}", lang="fr")).json()["failure"].startswith("Le brouillon n’a pas")
    )


async def test_a_whole_draft_is_backtested_and_the_job_can_be_followed_and_ended(
    ada: Drafter, empty_world: World, office: Office
) -> None:
    agent = empty_world.agent()
    for number in range(4):
        await sent(agent, number, category="marketing")
    await empty_world.settled(4)
    path = await ada.begin()
    await ada.ask("PATCH", path, {"edits": [{"kind": "add", "section": "rules", "value": DENIES}]}, if_match=ada.etag)
    started = await ada.ask("POST", f"{path}:backtest", {"since": "1d", "most": 3})
    followed = await ada.ask("GET", f"{started.headers['location']}:follow")
    events = [line.removeprefix("data: ") for line in followed.text.splitlines() if line.startswith("data: ")]
    last: dict[str, Any] = msgspec.json.decode(events[-1])
    assert last["state"] == "succeeded", last
    assert (last["result"]["calls"], last["result"]["newlyRefused"]) == (3, 3)
    assert last["result"]["sentences"]["fr"]
    ended = await ada.ask("POST", f"{started.headers['location']}:cancel")
    assert ended.json()["state"] == "succeeded"


async def test_who_signs_with_a_key_of_their_own_proposes_with_it(ada: Drafter) -> None:
    path = await ada.begin()
    refused = await ada.ask("POST", f"{path}:submit", {"reason": "why"}, if_match=ada.etag)
    assert (refused.status_code, refused.json()["reason"]) == (403, "SIGN_YOURSELF")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"title": " "}, "DRAFT_TITLE"),
        ({"title": "t", "text": "a", "fromRevision": 1}, "DRAFT_FROM"),
        ({"title": "t", "fromRevision": 99}, "REVISION_UNKNOWN"),
        ({"title": "t", "fromDraft": "none"}, "DRAFT_UNKNOWN"),
        ({"title": 3}, "ARGUMENT_INVALID"),
        ({"title": "t", "text": "é" * (2 << 20) + "é"}, "DRAFT_LONG"),
    ],
)
async def test_what_cannot_become_a_draft_is_refused_with_a_reason(ada: Drafter, body: Any, reason: str) -> None:
    refused = await ada.ask("POST", "/v1/policy-drafts", body)
    assert (refused.json()["reason"], refused.status_code // 100) == (reason, 4)


async def test_drafts_are_for_those_who_may_write_policies(office: Office) -> None:
    eve = Drafter("eve", office.url)
    refused = await eve.ask("GET", "/v1/policy-drafts")
    assert (refused.status_code, refused.json()["right"]) == (403, "policy.write")
