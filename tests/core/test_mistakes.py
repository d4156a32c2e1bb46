"""Every mistake a policy can have is found, with its place and its fix; each is a file in `cases/mistakes`."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import load
from gateway.adapters import policy_files
from gateway.core.policy.document import Document
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.revision.check import check
from gateway.core.revision.decode import Mistakes, PolicyInvalid, decode
from gateway.core.texts import LANGUAGES
from gateway.mistakes.saying import words
from tests.policies import DEMO_FOLDER, demo, policy

CASES = sorted((Path(__file__).parent / "cases" / "mistakes").glob("*.yaml"))
JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def plain(text: str) -> str:
    """The text with its no-break spaces as plain ones, as the cases are written."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def mistakes_in(data: object) -> list[str]:
    """Where the mistakes of a policy are."""
    with pytest.raises(PolicyInvalid) as caught:
        load(data)
    return [mistake.path for mistake in caught.value.mistakes]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_the_mistake_is_found_with_its_place_and_its_fix(case: Path, tmp_path: Path) -> None:
    told = yaml.safe_load(case.read_text(encoding="utf-8"))
    shutil.copy(DEMO_FOLDER / "open_inference.binpb", tmp_path)
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(**told["sections"]), allow_unicode=True), encoding="utf-8")
    data, lines = policy_files.read(file)
    with pytest.raises(PolicyInvalid) as caught:
        load(data, lines=lines)
    found = caught.value.mistakes
    for language, suffix in (("en", ""), ("fr", "_fr")):
        told_of = sorted((m["path"], m[f"problem{suffix}"], m[f"fix{suffix}"]) for m in told["wanted"])
        assert sorted((m.path, *map(plain, words(m, language=language))) for m in found) == told_of
    assert all(mistake.line > 0 for mistake in found)


def test_a_policy_with_twelve_mistakes_gives_all_twelve_with_line_and_fix(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        """\
agents:
  - name: Bot
    tenant: acme
    keys: [{id: one, sha256: secret}]
    lables: {}
upstreams:
  - name: crm
    address: localhost
routes:
  - name: crm
    methods: /pilote.*
    arms: [{name: only, wieght: 1}]
rules:
  - name: open
    effect: alow
    operations: [READ, RAED]
  - effect: allow
limits:
  - {name: slow, by: [agnt], rate: -1}
caps:
  - {name: pressure, max: 2, window: a week}
weather: fine
""",
        encoding="utf-8",
    )
    data, lines = policy_files.read(file)
    with pytest.raises(PolicyInvalid) as caught:
        load(data, lines=lines)
    found = caught.value.mistakes
    assert [(mistake.line, mistake.path) for mistake in found] == [
        (2, "agents[0].name"),
        (4, "agents[0].keys[0].sha256"),
        (5, "agents[0].lables"),
        (8, "upstreams[0].address"),
        (11, "routes[0].methods"),
        (12, "routes[0].arms[0].wieght"),
        (15, "rules[0].effect"),
        (16, "rules[0].operations[1]"),
        (17, "rules[1].name"),
        (19, "limits[0].by[0]"),
        (19, "limits[0].rate"),
        (21, "caps[0].window"),
        (22, "weather"),
    ]
    assert all(all(words(mistake, language=language)) for mistake in found for language in LANGUAGES)


def test_what_does_not_add_up_is_told_all_at_once_too() -> None:
    data = policy(
        agents=[{"name": "bot", "tenant": "acme"}],
        routes=[{"name": "crm", "methods": ["/nowhere"], "arms": [{"name": "only", "upstream": "crn", "weight": 1}]}],
        rules=[{"name": "open", "effect": "allow", "when": "nothing"}, {"name": "open", "effect": "deny"}],
        contracts=[{"name": "vendor", "descriptor_set": "?", "methods": [{"method": "/a.B/C", "operation": "READ"}]}],
    )
    assert set(mistakes_in(data)) == {
        "agents[0]",
        "routes[0].arms",
        "routes[0].arms[0].upstream",
        "routes[0].methods[0]",
        "rules[0].when",
        "rules[1].name",
        "contracts[0].descriptor_set",
        "contracts[0].methods[0].method",
    }


@given(JSON_LIKE)
def test_whatever_is_given_for_a_policy_is_a_document_or_a_list_of_mistakes(data: object) -> None:
    if not isinstance(data, dict):
        with pytest.raises(PolicyInvalid):
            decode(data, Mistakes())
        return
    mistakes = Mistakes()
    assert isinstance(decode(data, mistakes), Document)
    assert mistakes  # nothing that is drawn here has all the required sections


@given(st.data())
def test_a_good_policy_with_anything_anywhere_in_it_is_checked_and_never_crashes(data: st.DataObject) -> None:
    document = demo()
    place: Any = document
    for _ in range(data.draw(st.integers(0, 4), label="depth")):
        inner = place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
        if not isinstance(inner, dict | list) or not inner:
            break
        place = inner
    where = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[where] = data.draw(JSON_LIKE)
    mistakes = Mistakes()
    check(decode(document, mistakes), mistakes, contracts=())
    if mistakes:
        with pytest.raises(PolicyInvalid):
            mistakes.raise_if_any()


@pytest.mark.parametrize("section", ["agents", "upstreams", "routes", "rules"])
def test_a_policy_needs_its_agents_upstreams_routes_and_rules(section: str) -> None:
    data = policy()
    del data[section]
    assert mistakes_in(data) == [section]


def test_a_mistake_without_a_line_of_its_own_has_the_line_of_what_surrounds_it() -> None:
    mistakes = Mistakes({(): 1, ("rules",): 7, ("rules", 0): 8})
    mistakes.add(("rules", 0, "when"), "unusable")
    mistakes.add(("routes", 3), "unusable")
    with pytest.raises(PolicyInvalid) as caught:
        mistakes.raise_if_any()
    assert [(m.line, m.path) for m in caught.value.mistakes] == [(1, "routes[3]"), (8, "rules[0].when")]


@pytest.mark.parametrize(
    ("text", "ms"), [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000)]
)
def test_a_duration_is_read_in_milliseconds(text: str, ms: int) -> None:
    assert duration_ms(text) == ms
