"""People turn caps before anything is saved: what that does to contacts, people, arms and KPIs; one engine for all."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.drafting import Drafter
from tests.e2e.office import opened
from tests.e2e.policy import Data, policy
from tests.e2e.quarters import AS_IT_IS, quarter_filled, quarter_policy
from tests.e2e.test_assignment import TONE
from tests.e2e.test_planning import pilote, written
from tests.e2e.test_simulating import key_files
from tests.e2e.world import REPLAY_KEY, Auditor, World, auditing
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

pytestmark = pytest.mark.timeout(400)  # weeks of decisions, each decided once more several times
CUSTOMERS = 230
POLICY = quarter_policy(people=PEOPLE, experiments=[TONE])


class House(NamedTuple):
    """What a test looks at."""

    ada: Drafter
    url: str
    auditor: Auditor
    policy: Data


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten days of customers of whom many are held out, under a cap of three marketing messages a week."""
    home = tmp_path_factory.mktemp("quarter")
    asyncio.run(quarter_filled(home, POLICY, customers=CUSTOMERS, decisions=2_900, days=10))
    return home


@pytest.fixture
async def house(empty_world: World, quarter: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A control plane over these weeks."""
    shutil.copytree(quarter, tmp_path / "audit")
    async with (
        auditing(empty_world.redis_url, tmp_path / "audit", keeping=AS_IT_IS) as auditor,
        opened(empty_world, POLICY, audit=auditor.address, replay_keys=(REPLAY_KEY,)) as office,
    ):
        yield House(Drafter("ada", office.url), office.url, auditor, POLICY)


async def asked(house: House, body: Any) -> Any:
    """What came of a question."""
    done = await house.ada.over(await house.ada.ask("POST", "/v1/what-if", body))
    assert done["state"] == "succeeded", done
    assert done["kind"] == "what-if"
    return done["result"]


def turned(most: int | None) -> Data:
    """The cap turned to that."""
    return {"edits": [_cap("marketing-pressure", most)]}


async def test_a_cap_turned_from_3_to_2_says_what_that_does_to_contacts_people_arms_and_kpis(house: House) -> None:
    result = await asked(house, {"tried": turned(2)})
    (tried,) = result["tried"]
    assert (tried["about"], tried["edits"][0]["value"], result["currency"]) == ("revisions/1", 2, "EUR")
    assert (tried["leftOut"], tried["counted"]) == ({}, True)
    refused = tried["forecast"]["refused"]
    assert tried["newlyRefused"] >= refused > 20
    numbers = {each["name"]: each["tried"][0] for each in result["figures"]}
    assert {each["difference"] for each in result["figures"]} == {None}
    for name in ("avoided", "affected"):
        assert numbers[name]["low"] < numbers[name]["value"] < numbers[name]["high"], name
        assert numbers[name]["n"] >= 30
    assert numbers["complaints"] is None  # too few complained in ten days
    assert numbers["avoided"]["value"] <= refused
    assert 0 < numbers["affected"]["value"] < CUSTOMERS
    arms = {(each["kind"], each["name"]): each for each in tried["arms"]}
    assert {("variation", "tone=plain"), ("variation", "tone=warm")} <= arms.keys()
    assert {kind for kind, _ in arms} == {"variation", "version"}
    tones = [each for (_, name), each in arms.items() if name.startswith("tone=")]
    assert sum(each["refused"] for each in tones) == refused
    assert all(0 < each["share"]["low"] < each["share"]["value"] < each["share"]["high"] < 1 for each in tones)
    assert (await house.ada.ask("GET", "/v1/policy-drafts")).json()["policyDrafts"] == []
    unknown = await house.ada.ask("POST", "/v1/what-if", {"tried": {"edits": [_cap("no", 1)]}})
    assert (unknown.json()["reason"], unknown.status_code) == ("EDIT_NAME", 409)


async def test_two_policies_side_by_side_differ_with_an_interval_that_is_narrower_than_theirs(house: House) -> None:
    path = await house.ada.begin(title="One")
    await house.ada.ask("PATCH", path, turned(1), if_match=house.ada.etag)
    draft = path.removeprefix("/v1/")
    result = await asked(house, {"tried": turned(2), "against": {"draft": draft}})
    assert [each["about"] for each in result["tried"]] == ["revisions/1", draft]
    numbers = {each["name"]: (*each["tried"], each["difference"]) for each in result["figures"]}
    for name in ("avoided", "affected"):
        one, other, apart = numbers[name]
        assert apart["value"] == pytest.approx(one["value"] - other["value"]), name
        assert apart["low"] <= apart["value"] <= apart["high"]
        apartly = ((one["high"] - one["low"]) ** 2 + (other["high"] - other["low"]) ** 2) ** 0.5
        assert apart["high"] - apart["low"] < apartly  # the same customers are in both
    assert numbers["avoided"][2]["high"] < 0
    same = await asked(house, {"tried": {"draft": draft}, "against": {"draft": draft}})
    spread = [(each["difference"]["low"], each["difference"]["high"]) for each in same["figures"] if each["difference"]]
    assert spread
    assert set(spread) == {(0, 0)}


async def test_what_if_and_the_backtest_on_the_command_line_agree_call_by_call(
    house: House, empty_world: World, tmp_path: Path
) -> None:
    result = await asked(house, {"tried": turned(2)})
    tighter = [each | ({"max": 2} if each["name"] == "marketing-pressure" else {}) for each in house.policy["caps"]]
    file = written(house.policy | {"caps": tighter}, tmp_path)
    command = ("backtest", "--revision", file, "--since", "30d", "--json", "--examples", "20")
    code, out, err = await pilote(empty_world, *command, **key_files(house.auditor, tmp_path))
    assert code == 0, err
    theirs, (ours,) = json.loads(out), result["tried"]
    assert theirs["newlyRefused"] > 20
    assert len(theirs["changes"][0]["examples"]) == 20
    for each in (theirs, ours):
        del each["forecast"]["startMs"]  # of so short a time half is forecast, up to when it is asked
    assert {name: ours[name] for name in theirs} == theirs  # counts, ids, forecast and all


async def test_what_cannot_be_tried_is_refused_with_a_reason_and_strangers_are_not_let_in(
    empty_world: World, upstream: FakeUpstream
) -> None:
    data = policy(upstream.address, people=PEOPLE, caps=[{"name": "pressure", "max": 3, "window": "7d"}])
    async with opened(empty_world, data, replay_keys=(REPLAY_KEY,)) as office:
        ada = Drafter("ada", office.url)
        for body, reason, status in (
            ({"tried": {"draft": "policy-drafts/none"}}, "DRAFT_UNKNOWN", 404),
            ({"tried": {"edits": "all"}}, "ARGUMENT_INVALID", 400),
            ({"since": "soon"}, "ARGUMENT_INVALID", 400),
        ):
            refused = await ada.ask("POST", "/v1/what-if", body)
            assert (refused.json()["reason"], refused.status_code) == (reason, status), refused.text
        draft = (await ada.begin(text="rules: 3\n")).removeprefix("/v1/")
        done = await ada.over(await ada.ask("POST", "/v1/what-if", {"tried": {"draft": draft}}))
        assert (done["state"], done["failure"]) == ("failed", "The policy has mistakes: mend them first.")
        refused = await Drafter("eve", office.url).ask("POST", "/v1/what-if", {})
        assert (refused.status_code, refused.json()["right"]) == (403, "policy.write")


def _cap(name: str, most: int | None) -> Data:
    return {"kind": "set", "section": "caps", "name": name, "path": ["max"], "value": most}
