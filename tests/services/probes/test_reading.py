"""Suites are read with all their mistakes at once, each with its line and what to do, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.revision.decode import PolicyInvalid
from services.probes.reading import read, words
from services.probes.texts import MISTAKES
from tests.services.probes.suites import OFFER, text

WRONG = """\
suite: contacts
cases: 0
bases:
  - {name: offer, agent: bot, method: /x, at: tomorrow}
  - {name: offer, agent: bot, method: /x, requests: {}}
probes:
  - {name: a, kind: expects, base: offer}
  - {name: b, kind: expect, base: ofer, expect: {}}
  - {name: b, kind: invariance, base: offer, vary: [{field: facts.traits.x}]}
  - {name: c, kind: direction, base: offer, along: contacts, values: [[], [1d]], never: less}
  - {name: d, kind: direction, base: offer, along: at, values: ["1", "2"], vary: [{field: at, values: ["3"]}]}
  - {name: e, kind: adversarial, base: offer, fields: [contacts]}
  - {name: f, kind: expect, base: offer, with: {nowhere: 1}, expect: {verdict: MAYBE}}
  - {name: g, kind: expect, base: offer, expect: {answer: [{of: x, least: 1, contains: y}]}}
"""


def mistakes(suite: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyInvalid) as invalid:
        read(suite)
    return [(each.line, each.what.code) for each in invalid.value.mistakes]


def test_all_mistakes_of_a_suite_are_told_at_once_each_with_its_line() -> None:
    found = mistakes(WRONG)
    assert {
        (2, "bound-least"),
        (4, "base-moment"),
        (5, "name-taken"),
        (5, "field-unknown"),
        (7, "probe-kind"),
        (8, "base-unknown"),
        (8, "expect-nothing"),
        (9, "name-taken"),
        (9, "variation-either"),
        (10, "direction-of"),
        (11, "direction-varies"),
        (12, "field-no-text"),
        (14, "answer-one"),
    } <= set(found)
    assert [line for line, _ in found] == sorted(line for line, _ in found)
    assert 13 in {line for line, _ in found}


def test_each_mistake_says_in_both_languages_what_to_do() -> None:
    with pytest.raises(PolicyInvalid) as invalid:
        read(WRONG)
    for mistake in invalid.value.mistakes:
        english, french = (words(mistake, language=language) for language in ("en", "fr"))
        assert all((*english, *french))
        assert english != french
        assert "{" not in "".join((*english, *french)).replace("{'", "")
    assert all(len(row) == 2 and all(map(all, row)) for row in MISTAKES.values())


@pytest.mark.parametrize("nothing", ["", "[]", "a: [", "suite: x", "- 1", "suite: &a [*a]", "suite: 2026-13-45"])
def test_what_is_no_suite_is_refused_with_words(nothing: str) -> None:
    with pytest.raises(PolicyInvalid) as invalid:
        read(nothing)
    assert all(words(each, language="fr")[0] for each in invalid.value.mistakes)


@given(st.text())
def test_a_text_of_no_meaning_has_mistakes_and_never_another_end(anything: str) -> None:
    with pytest.raises(PolicyInvalid):
        read(anything)


def test_a_good_suite_keeps_what_was_written() -> None:
    found = read(text({"kind": "expect", "with": {"facts.traits.city": "Nice"}, "expect": {"verdict": "DENY"}}, seed=7))
    assert (found.name, found.seed, found.probes[0].changes) == ("contacts", 7, {"facts.traits.city": "Nice"})
    assert found.bases["offer"].request == OFFER["request"]
