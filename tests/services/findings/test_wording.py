"""Every finding says in both languages what was seen, and how sure that is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.texts import LANGUAGES, placeholders
from services.findings import texts
from services.findings.finding import Grade, State
from services.findings.wording import false_alarms, grade_named, number, percent, sentences, state_named, title
from tests.services.findings.test_finding import seen

KINDS = sorted(key.removeprefix("means-") for key in texts.KEYS if key.startswith("means-"))
numbers = st.floats(allow_nan=True, allow_infinity=True)


def test_what_the_issue_names_has_words() -> None:
    named = "drift fairness pressure saturation burst probing adding-up novelty silence around rule-failing"
    assert set(KINDS) == {*named.split(), "log-differs", "review", "objective-at-risk", "other"}


@pytest.mark.parametrize("key", sorted(texts.KEYS))
def test_both_languages_fill_in_the_same(key: str) -> None:
    english, french = (texts.say(key, language=language) for language in LANGUAGES)
    assert set(placeholders(english)) == set(placeholders(french))
    assert "'" not in english + french


def test_a_drift_is_said_with_its_interval_and_how_often_nothing_raises_one() -> None:
    drift = seen()
    assert title(drift, language="en") == "Drift: agent sales-bot, measure latency"
    assert sentences(drift, language="en") == (
        "Its values are distributed otherwise than they were before.",
        "Measured: 0.31, and with 95% confidence between 0.2 and 0.4.",
        "2,000 were looked at, and compared with 40,000.",
        "Calls concerned: 50,000.",
        "In 20 weeks in which nothing is wrong, at most one raises a finding of this kind.",
    )
    assert title(drift, language="fr") == "Dérive\N{NO-BREAK SPACE}: agent sales-bot, mesure latence"
    french = " ".join(sentences(drift, language="fr"))
    assert "0,31, et avec une confiance de 95\N{NO-BREAK SPACE}% entre 0,2 et 0,4" in french
    assert "40\N{NARROW NO-BREAK SPACE}000" in french


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.sampled_from([*KINDS, "never-heard-of", ""]), st.tuples(numbers, numbers, numbers, numbers), st.integers(0))
def test_whatever_was_measured_nothing_is_left_unfilled(
    language: str, kind: str, measured: tuple[float, float, float, float], n: int
) -> None:
    found, (value, low, level, false) = seen(kind=kind, value=0, n=n), measured
    found = type(found)(**{
        **{name: getattr(found, name) for name in found.__struct_fields__},
        "value": value, "low": low, "level": level, "false_alarms": false,
    })  # fmt: skip
    said = [title(found, language=language), *sentences(found, language=language)]
    assert all(said)
    assert not re.search(r"\{|nan|inf\b", " ".join(said))


def test_an_unknown_kind_and_unknown_names_are_said_as_they_are() -> None:
    odd = seen(kind="tides", about=(("moon", "full"), ("reason", "POLICY_DENIED")))
    said = title(odd, language="en")
    assert said.startswith("Something unusual (tides): moon full, reason ")
    assert said.endswith("(POLICY_DENIED)")
    assert title(seen(about=()), language="en") == "Drift"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.05, "In 20 weeks"),
        (1 / 3, "In 3 weeks"),
        (0.03, "In 33 weeks"),
        (0.6, "At most 60% of weeks"),
        (1.5, "At most 100% of weeks"),
        (0.0, "It was counted"),
    ],
)
def test_a_share_of_weeks_is_said_as_one_in_so_many(share: float, said: str) -> None:
    assert false_alarms(share, language="en").startswith(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.031234, "0.0312"),
        (12.345, "12.3"),
        (1234567.8, "1,234,568"),
        (-5, "\N{MINUS SIGN}5"),
        (1e-12, "0"),
        (float("inf"), "∞"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, said: str) -> None:
    assert number(value, language="en") == said


def test_states_and_grades_have_words() -> None:
    words = {state_named(each, language="fr") for each in State} | {grade_named(each, language="fr") for each in Grade}
    assert len(words) == len(State) + len(Grade)
    assert percent(0.125, language="fr") == "12,5\N{NO-BREAK SPACE}%"
