"""People say rules as sentences over HTTP; they become parts of a draft, and what is there is read back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.probes.reading import read
from tests.e2e.drafting import Drafter
from tests.e2e.office import Office, opened
from tests.e2e.policy import policy
from tests.e2e.test_simulating import sent
from tests.e2e.world import REPLAY_KEY, World, auditing
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE

SAID = "never more than two marketing messages by any channel in 7 days to VIP customers, except transactional"
WRITTEN = """caps:
  # Kept by hand
  - {name: old, max: 9, window: 1d} # stays
  - name: cap-vip-marketing
    categories: [marketing]
    segments: [vip]
    exempt: [transactional]
    by: []
    max: 2
    window: 7d
"""


@pytest.fixture
async def office(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Office]:
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


async def test_what_is_typed_becomes_a_part_and_all_other_lines_stay(ada: Drafter) -> None:
    path = await ada.begin()
    text = (await ada.ask("GET", path)).json()["text"] + "\n" + WRITTEN.partition("  - name: cap-vip")[0]
    await ada.ask("PUT", path, {"text": text}, if_match=ada.etag)
    added = await ada.ask("POST", f"{path}/sentences", {"text": SAID}, lang="fr", if_match=ada.etag)
    assert added.status_code == 201, added.text
    phrase = added.json()["phrase"]
    assert phrase["said"] == (
        "Jamais plus de 2 messages marketing par tout canal en 7 jours aux clients vip, sauf transactionnel."
    )
    assert (await ada.ask("GET", path)).json()["text"].endswith(WRITTEN)
    assert (await ada.ask("POST", f"{path}:check", {})).json()["good"]
    listed = (await ada.ask("GET", f"{path}/sentences")).json()["sentences"]
    assert {each["phrase"]["part"] for each in listed} == {"allow-all", "old", "cap-vip-marketing"}
    named = f"/v1/{added.json()['name']}"
    sentence = phrase["sentence"] | {"max": 3, "period": "week"}
    changed = await ada.ask("PUT", named, {"sentence": sentence}, if_match=ada.etag)
    assert changed.status_code == 200, changed.text
    assert "3 marketing messages by any channel in a calendar week" in changed.json()["phrase"]["said"]
    after = (await ada.ask("GET", path)).json()["text"]
    assert "# stays" in after
    assert "calendar: {unit: week}" in after
    assert (await ada.ask("DELETE", named, if_match=ada.etag)).status_code == 204
    assert "cap-vip-marketing" not in (await ada.ask("GET", path)).json()["text"]


async def test_what_no_sentence_says_is_listed_with_the_reason(ada: Drafter) -> None:
    path = await ada.begin()
    odd = {"name": "odd", "operations": ["CONTACT"], "when": "now.getHours() < 9", "effect": "deny"}
    hand = {"name": "hand", "when": '"vip" in facts.segments && (call.channel == "phone")', "effect": "hold"}
    edits = [{"kind": "add", "section": "rules", "value": each} for each in (odd, hand)]
    await ada.ask("PATCH", path, {"edits": edits}, if_match=ada.etag)
    found = {
        each["phrase"]["part"]: each["phrase"]
        for each in (await ada.ask("GET", f"{path}/sentences?pageSize=10", lang="fr")).json()["sentences"]
    }
    assert found["odd"]["sentence"] is None
    assert "now.getHours() < 9" in found["odd"]["why"]
    assert found["hand"]["said"] == "Demander à une personne avant de traiter les clients vip par téléphone."
    first = (await ada.ask("GET", f"{path}/sentences?pageSize=1")).json()
    assert len(first["sentences"]) == 1
    assert first["nextPageToken"]


async def test_what_is_not_understood_says_where_and_what_may_stand_there(ada: Drafter) -> None:
    asked = await ada.ask("POST", "/v1/sentences:understand", {"text": "Never contact vip customers bye phone"})
    found = asked.json()
    assert found["sentence"] is None
    assert (found["remarks"][0]["start"], found["remarks"][0]["end"]) == (28, 31)
    assert "by" in found["next"]
    whole = (await ada.ask("POST", "/v1/sentences:understand", {"text": SAID})).json()
    assert whole["said"]["fr"].startswith("Jamais plus de 2 messages")
    assert "segments: [vip]" in whole["writes"]
    path = await ada.begin()
    for body, reason in (
        ({"text": "Perhaps"}, "SENTENCE_ODD"),
        ({"sentence": {"kind": "cap"}}, "SENTENCE_SLOTS"),
        ({}, "SENTENCE_EITHER"),
        ({"text": SAID, "sentence": {"kind": "cap"}}, "SENTENCE_EITHER"),
    ):
        refused = await ada.ask("POST", f"{path}/sentences", body, if_match=ada.etag)
        assert (refused.status_code, refused.json()["reason"]) == (400, reason), refused.text
    assert (await ada.ask("POST", f"{path}/sentences", {"text": SAID})).status_code == 428
    gone = await ada.ask("PUT", f"{path}/sentences/caps/none", {"text": SAID}, if_match=ada.etag)
    assert gone.json()["reason"] == "EDIT_NAME"
    assert (await ada.ask("DELETE", f"{path}/sentences/routes/crm", if_match=ada.etag)).status_code == 400


async def test_a_sentence_shows_recorded_calls_that_it_would_have_refused(
    ada: Drafter, empty_world: World, office: Office
) -> None:
    agent = empty_world.agent()
    marketing = [await sent(agent, number, category="marketing") for number in range(3)]
    await sent(agent, 0, category="service")
    await empty_world.settled(4)
    path = await ada.begin()
    said = {"text": "Never contact any customer for marketing", "part": "quiet-please"}
    added = await ada.ask("POST", f"{path}/sentences", said, if_match=ada.etag)
    assert added.status_code == 201, added.text
    done = await ada.over(await ada.ask("POST", f"{path}:try", {"section": "rules", "part": "quiet-please"}))
    assert done["state"] == "succeeded", done
    assert {each["decision"] for each in done["result"]["matches"]} == {each.decision for each in marketing}
    assert done["result"]["newlyRefused"] == 3


async def shown(ada: Drafter, path: str, **about: str) -> dict[str, Any]:
    """What a sentence alone would have come to."""
    done = await ada.over(await ada.ask("POST", f"{path}:exemplify", about))
    assert done["state"] == "succeeded", done
    return dict(done["result"])


async def test_a_sentence_tests_itself_on_recorded_calls_before_and_after_it_is_written(
    ada: Drafter, empty_world: World, office: Office
) -> None:
    agent = empty_world.agent()
    same = [await sent(agent, 0, category="marketing") for _ in range(3)]
    other = await sent(agent, 1, category="marketing")
    service = await sent(agent, 0, category="service")
    await empty_world.settled(5)
    path = await ada.begin()
    cap = await shown(ada, path, text="Never more than 1 marketing message by any channel in 7 days to any customer")
    assert cap["counts"] == {"through": 2, "stopped": 2, "unconcerned": 1}
    told = {each["decision"]: each["outcome"] for each in cap["examples"]}
    assert [told[each.decision] for each in same] == ["through", "stopped", "stopped"]
    assert told[other.decision] == "through"
    assert service.decision not in told
    assert "cap-marketing" not in (await ada.ask("GET", path)).json()["text"]  # nothing is written by asking

    said = {"text": "Only research-bot may contact any customer for marketing, for now only observed", "part": "only"}
    assert (await ada.ask("POST", f"{path}/sentences", said, if_match=ada.etag)).status_code == 201
    only = await shown(ada, path, section="rules", part="only")
    assert (only["counts"], only["watched"]) == ({"stopped": 4, "unconcerned": 1}, True)
    assert {"stopped", "unconcerned"} == {each["outcome"] for each in only["examples"]}
    allowed = await shown(ada, path, text="Only sales-bot may contact any customer for marketing")
    assert allowed["counts"] == {"through": 4, "unconcerned": 1}
    held = await shown(ada, path, text="Ask a person before agents contact any customer for service")
    assert held["counts"] == {"held": 1, "unconcerned": 4}
    nobody = await shown(ada, path, text="Never contact vip customers by phone")
    assert (nobody["counts"], nobody["examples"], nobody["looked"]) == ({"unconcerned": 5}, [], 5)
    for body in ({}, {"section": "rules", "part": "only", "text": "Never"}):
        assert (await ada.ask("POST", f"{path}:exemplify", body)).json()["reason"] == "SENTENCE_EITHER"
    odd = await ada.ask("POST", f"{path}:exemplify", {"text": "Perhaps"})
    assert odd.json()["reason"] == "SENTENCE_ODD"
    gone = await ada.over(await ada.ask("POST", f"{path}:exemplify", {"section": "rules", "part": "none"}))
    assert gone["state"] == "failed"


async def test_sentences_that_never_matter_are_told_with_why_and_what_to_do(ada: Drafter) -> None:
    path = await ada.begin()
    assert (await ada.ask("GET", f"{path}/conflicts")).json()["conflicts"] == []
    for most, part in ((2, "two-a-week"), (5, "five-a-week")):
        said = {"text": f"Never more than {most} marketing messages by any channel in 7 days", "part": part}
        assert (await ada.ask("POST", f"{path}/sentences", said, if_match=ada.etag)).status_code == 201
    said = {"text": "Never contact vip customers", "part": "no-vip"}
    assert (await ada.ask("POST", f"{path}/sentences", said, if_match=ada.etag)).status_code == 201
    answer = await ada.ask("GET", f"{path}/conflicts")
    assert answer.headers["etag"] == ada.etag
    found = {each["part"]: each for each in answer.json()["conflicts"]}
    assert set(found) == {"five-a-week"}
    assert (found["five-a-week"]["code"], found["five-a-week"]["others"]) == ("tighter", ["caps/two-a-week"])
    assert "2 marketing messages" in found["five-a-week"]["problem"]
    assert found["five-a-week"]["fix"]
    french = (await ada.ask("GET", f"{path}/conflicts", lang="fr")).json()["conflicts"][0]
    assert french["problem"] != found["five-a-week"]["problem"]
    assert "messages marketing" in french["problem"]
    assert (await ada.ask("GET", "/v1/policy-drafts/none/conflicts")).status_code == 404


async def test_probes_are_made_of_a_sentence_and_kept_as_any_suite(ada: Drafter) -> None:
    path = await ada.begin()
    said = {"text": SAID, "part": "weekly"}
    assert (await ada.ask("POST", f"{path}/sentences", said, if_match=ada.etag)).status_code == 201
    made = await ada.ask("POST", f"{path}:probe", {"section": "caps", "part": "weekly"}, lang="fr")
    assert made.status_code == 200, made.text
    suite, text = made.json()["suite"], made.json()["text"]
    assert suite == "says-weekly"
    assert "Jamais plus de 2 messages marketing" in text
    names = {each.name for each in read(text, named=suite).probes}
    assert names > {"just-below", "at-the-limit", "over-the-limit", "outside-the-segment", "an-exception"}
    none = await ada.ask("POST", f"{path}:probe", {"section": "caps", "part": "none"})
    assert (none.status_code, none.json()["reason"]) == (409, "EDIT_NAME")
