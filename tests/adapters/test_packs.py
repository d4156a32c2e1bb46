"""Packs merged into policies: under their own names, with every mistake in the file where it stands, and counted."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway import refusal
from gateway.activation.loading import canonical, load
from gateway.adapters import policy_files
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import Mistake, PolicyInvalid
from gateway.mistakes.saying import words
from gateway.packs.shipped import shipped
from tests.adapters.conftest import Desk
from tests.core.test_decide import decided
from tests.policies import SEND, policy

TELEPHONE = {"name": "fr-telephone", "version": "2026.1"}
HEADER = {"name": "ours", "version": "1", "title": {"en": "Ours", "fr": "Le nôtre"}}
HOURS = {"name": "hours", "zone": "UTC", "open": [{"from": "08:00", "to": "20:00"}]}
DAY_MS = 86_400_000


def written(folder: Path, *, pack: Any = None, **sections: Any) -> Path:
    """A policy's file, and beside it a pack's."""
    if pack is not None:
        text = pack if isinstance(pack, str) else yaml.safe_dump(pack, sort_keys=False)
        (folder / "ours.yaml").write_text(text, encoding="utf-8")
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(**sections), sort_keys=False), encoding="utf-8")
    return file


def loaded(file: Path) -> Revision:
    data, lines = policy_files.read(file)
    return load(data, lines=lines, number=1)


def mistakes_in(file: Path) -> tuple[Mistake, ...]:
    with pytest.raises(PolicyInvalid) as caught:
        loaded(file)
    return caught.value.mistakes


def test_a_pack_and_a_companys_own_are_merged_under_their_names(tmp_path: Path) -> None:
    pack = {"pack": HEADER, "quiet_hours": [HOURS], "rules": [{"name": "no-sms", "effect": "deny", "when": "false"}]}
    packs = [TELEPHONE, {"file": "ours.yaml"}]
    found = loaded(written(tmp_path, pack=pack, packs=packs, quiet_hours=[HOURS])).document

    assert [each.name for each in found.quiet_hours] == ["hours", "fr-telephone.hours", "ours.hours"]
    assert [each.name for each in found.rules] == ["open", "ours.no-sms"]
    assert [(each.name, each.version) for each in found.packs] == [("fr-telephone", "2026.1"), ("ours", "1")]


def test_what_is_published_holds_all_that_the_packs_said_and_which_they_were(tmp_path: Path) -> None:
    first = loaded(written(tmp_path, packs=[TELEPHONE]))

    again = load(msgspec.json.decode(canonical(first.document)), number=1)  # without any file

    assert again.document == first.document
    assert [cap.bucket.limit for cap in again.methods[SEND].caps] == ["fr-telephone.attempts"]
    assert again.sha256 != loaded(written(tmp_path)).sha256


def test_a_copy_that_was_edited_is_told_apart_by_its_hash(tmp_path: Path) -> None:
    (shipped_pack,) = (pack for pack in shipped() if pack.name == "fr-telephone")
    text = shipped_pack.file.read_text(encoding="utf-8")
    same = loaded(written(tmp_path, pack=text, packs=[{"file": "ours.yaml"}])).document
    edited = loaded(written(tmp_path, pack=text.replace("60d", "61d"), packs=[{"file": "ours.yaml"}])).document

    assert same == loaded(written(tmp_path, packs=[TELEPHONE])).document
    assert edited.consents[0].silence_after_refusal == "61d"
    assert edited.packs[0].sha256 != same.packs[0].sha256


@pytest.mark.parametrize(
    ("entry", "path", "problem", "fix"),
    [
        ("fr-telephone", "packs[0]", "expected a pack's name and version", 'version: "2026.1"'),
        ({"name": "fr-telephone", "version": 2026.1}, "packs[0]", "as texts", 'version: "2026.1"'),
        ({"name": "fr-telephone", "versoin": "1"}, "packs[0]", "expected a pack's name", 'version: "2026.1"'),
        ({"name": "fr-telephone", "sha256": "0" * 64}, "packs[0]", "expected a pack's name", 'version: "2026.1"'),
        ({"name": "fr-telephon", "version": "1"}, "packs[0]", "no pack 'fr-telephon'", "did you mean 'fr-telephone'?"),
        ({"name": "x", "version": "1"}, "packs[0]", "no pack 'x'", "choose one of fr-email-sms, fr-telephone"),
        ({"name": "fr-telephone"}, "packs[0]", "needs its version", "choose one of 2026.1"),
        ({"name": "fr-telephone", "version": "2020.1"}, "packs[0]", "has no version '2020.1'", "choose one of 2026.1"),
        ({"file": "nowhere.yaml"}, "packs[0].file", "'nowhere.yaml' cannot be read", "pilote packs copy"),
    ],
)
def test_a_pack_that_is_named_wrongly_is_told_with_its_line_and_fix(
    tmp_path: Path, entry: Any, path: str, problem: str, fix: str
) -> None:
    file = written(tmp_path, packs=[entry])
    (mistake,) = mistakes_in(file)

    assert (mistake.path, mistake.file) == (path, "")
    assert "packs:" in file.read_text().splitlines()[mistake.line - 2]
    said = words(mistake, language="en")
    assert problem in said.problem
    assert fix in said.fix


@pytest.mark.parametrize(
    ("pack", "path", "problem"),
    [
        ({}, "pack", "expected a mapping"),
        ({"pack": {"name": "ours", "version": "1"}}, "pack.title", "required field"),
        ({"pack": {**HEADER, "version": "new"}}, "pack.version", "cannot be used"),
        ({"pack": HEADER, "agents": []}, "agents", "a pack holds no 'agents'"),
        ({"pack": HEADER, "quiet_hour": []}, "quiet_hour", "a pack holds no 'quiet_hour'"),
        ({"pack": HEADER, "caps": {}}, "caps", "expected a list"),
        ({"pack": HEADER, "caps": [7]}, "caps[0]", "expected a mapping"),
        ({"pack": HEADER, "rules": [{"name": "x", "effect": "deny"}, {"name": "y"}]}, "rules[1].effect", "required"),
        ({"pack": HEADER, "quiet_hours": [{**HOURS, "zone": "Mars"}]}, "quiet_hours[0].zone", "no time zone 'Mars'"),
        ({"pack": HEADER, "quiet_hours": [HOURS, HOURS]}, "quiet_hours[1].name", "the name 'ours.hours' is taken"),
        ({"pack": HEADER, "caps": [{"name": "Bad", "max": 1, "window": "1d"}]}, "caps[0].name", "cannot be used"),
        ({"pack": HEADER, "rules": [{"name": "x", "effect": "deny", "when": "1"}]}, "rules[0].when", "true or false"),
        ("pack: [", "(document)", "before a quote or bracket is closed"),
        ("pack: 1\npack: 2\n", "pack", "stands here twice"),
        ("", "pack", "expected a mapping"),
    ],
)
def test_a_mistake_in_a_pack_is_told_with_the_packs_own_file_line_and_path(
    tmp_path: Path, pack: Any, path: str, problem: str
) -> None:
    hours = [{**HOURS, "name": f"h{n}"} for n in range(3)]  # so that places in the policy and in the pack differ
    mistakes = mistakes_in(written(tmp_path, pack=pack, packs=[{"file": "ours.yaml"}], quiet_hours=hours))

    assert [(mistake.path, mistake.file) for mistake in mistakes] == [(path, str(tmp_path / "ours.yaml"))]
    assert problem in words(mistakes[0], language="en").problem
    assert 0 <= mistakes[0].line <= 1 + len((tmp_path / "ours.yaml").read_text().splitlines())


def test_the_line_of_a_mistake_is_the_one_in_the_pack(tmp_path: Path) -> None:
    text = "pack: {name: ours, version: '1', title: {en: a, fr: b}}\n\ncaps:\n- name: many\n  max: -1\n  window: 1d\n"
    (mistake,) = mistakes_in(written(tmp_path, pack=text, packs=[{"file": "ours.yaml"}], caps=[]))
    assert (mistake.line, mistake.path) == (5, "caps[0].max")


def test_mistakes_of_the_policy_and_of_all_its_packs_are_told_at_once(tmp_path: Path) -> None:
    packs = [{"file": "none.yaml"}, {"file": "ours.yaml"}, TELEPHONE, TELEPHONE]
    mistakes = mistakes_in(written(tmp_path, pack={"pack": 7}, packs=packs))
    assert [mistake.path for mistake in mistakes] == ["packs[0].file", "packs[3]", "pack"]


def test_packs_that_were_never_merged_are_no_policy() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        load(policy(packs=[TELEPHONE]))
    assert [mistake.path for mistake in caught.value.mistakes] == ["packs[0].sha256"]


def test_versions_of_a_pack_stand_side_by_side_the_newest_last(tmp_path: Path) -> None:
    (tmp_path / "fr-a").mkdir()
    for version in ("2026.10", "2026.2", "2027.1"):
        (tmp_path / "fr-a" / f"{version}.yaml").touch()
    assert [pack.version for pack in shipped(tmp_path)] == ["2026.2", "2026.10", "2027.1"]


async def test_the_fifth_attempt_within_thirty_days_is_refused_with_its_citation(desk: Desk, tmp_path: Path) -> None:
    revision = loaded(written(tmp_path, packs=[TELEPHONE]))
    said = [{"channel": "phone", "captured": "2026-08-01T08:00:00+00:00"}]
    case = {
        "method": SEND,
        "request": {"message": {"customer": "contacts/c", "channel": "phone", "category": "marketing"}},
        "facts": {"time_zone": "Europe/Paris", "consent_records": said},
        "now": "2026-09-15T08:30:00+00:00",
    }
    buckets = decided(revision, case).buckets
    first_ms = int(datetime.fromisoformat(case["now"]).timestamp() * 1000)  # type: ignore[arg-type]

    for day in range(4):
        assert (await desk.take(*buckets, now_ms=first_ms + day * DAY_MS)).granted
    fifth = await desk.take(*buckets, now_ms=first_ms + 29 * DAY_MS)
    after = await desk.take(*buckets, now_ms=first_ms + 30 * DAY_MS)

    assert (fifth.granted, fifth.looks[fifth.refused].wait_ms, after.granted) == (False, DAY_MS, True)
    refused = refusal.by_bucket(buckets[0], fifth.looks[0], agent="a", method=SEND, language="fr")
    law = "Code de la consommation, art. D. 223-9 (décret n° 2022-1313 du 13 octobre 2022)"
    assert refused.metadata["citation"] == law
    assert refused.localized is not None
    assert refused.localized[1].endswith(f"Réessayez dans 1 j. ({law})")
