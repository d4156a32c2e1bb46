"""Reviews become findings where reviewers surely do not agree or look, or too much is surely wrong; else rarely."""

from typing import Any

import numpy as np
import pytest

from services.audit.filters.filter import parse
from services.findings.wording import title
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import Answer, Item, Label, Why
from services.reviews.rules import ReviewRules
from services.workbench.looks.reviewed import ALPHA, seen_of, window_of
from services.workbench.looks.spans import Span
from tests.services.reviews.test_item import item

RULES = ReviewRules(random=0.1, least_kappa=0.4, least_caught=0.8, most_wrong=0.05)
SPAN = window_of(30 * 24 * HOUR_MS)
RIGHT, DENY = Label.RIGHT, Label.WRONG_SHOULD_DENY


def judged(number: int, *labels: Label, seconds: float = 60, **more: object) -> Item:
    """A settled one that ada and bob have judged."""
    said = tuple(
        Answer(by=who, label=label, begun_ms=0, at_ms=round(seconds * 1_000))
        for who, label in zip(("ada", "bob"), labels, strict=False)
    )
    plain = {"verdict": "ALLOW", "answers": said, "settled_ms": SPAN.end_ms - 1, "outcome": labels[0]}
    return item(number, **(plain | more))


def measures(settled: list[Item], hours: dict[int, Drawn] | None = None, *, rules: ReviewRules = RULES) -> list[str]:
    """What is seen, by its measure."""
    found = list(seen_of("acme", settled, hours or {}, rules=rules, span=SPAN))
    for each in found:
        parse(each.filter)
        for language in ("en", "fr"):
            assert title(each, language=language)
        assert 0 <= each.size <= 1
        assert each.low <= each.value <= each.high
        assert (each.kind, each.false_alarms) == ("review", 0.05)
    return [dict(each.about)["measure"] for each in found]


def test_two_who_agree_no_more_than_by_chance_are_found_and_those_who_do_are_not() -> None:
    draw = np.random.default_rng(1)

    def pairs(same: float) -> list[Item]:
        first = draw.random(200) < 0.5
        other = np.where(draw.random(200) < same, first, draw.random(200) < 0.5)
        return [
            judged(number, *((DENY if each else RIGHT) for each in (one, two)))
            for number, (one, two) in enumerate(zip(first.tolist(), other.tolist(), strict=True))
        ]

    assert measures(pairs(0.0)) == ["agreement"]
    assert measures(pairs(0.9)) == []


def test_who_calls_known_wrong_ones_right_is_found_and_no_decision_is_named() -> None:
    known: dict[str, Any] = {"why": Why.KNOWN, "known": DENY}
    settled = [judged(number, RIGHT, DENY, **known) for number in range(30)]
    (seen,) = seen_of("acme", settled, {}, rules=RULES, span=SPAN)
    assert (seen.about, seen.decisions, seen.value) == ((("reviewer", "ada"), ("measure", "caught")), (), 0.0)


def test_who_answers_in_a_second_is_found() -> None:
    assert measures([judged(number, RIGHT, RIGHT, seconds=1) for number in range(40)]) == ["haste", "haste"]


def hours_with(count: int, drawn: int) -> dict[int, Drawn]:
    return {SPAN.start_ms // HOUR_MS: Drawn(drawn, (("sales-bot", "score", "2", count),))}


@pytest.mark.parametrize(("wrong", "found"), [(60, ["wrong"]), (12, [])])
def test_an_agent_whose_decisions_are_surely_too_often_wrong_is_found(wrong: int, found: list[str]) -> None:
    settled = [
        judged(
            number,
            *[DENY if number < wrong else RIGHT] * 2,
            chance=0.1,
            received_ms=SPAN.start_ms,
            model="score",
            model_version="2",
        )
        for number in range(200)
    ]
    assert measures(settled, hours_with(2_000, 200)) == found
    assert measures(settled, hours_with(2_000, 201)) == []  # an hour of which one still waits tells nothing yet
    for seen in seen_of("acme", settled, hours_with(2_000, 200), rules=RULES, span=SPAN):
        assert seen.about == (("agent", "sales-bot"), ("version", "score/2"), ("measure", "wrong"))
        assert '(model = "score" AND model_version = "2")' in seen.filter


def test_where_nothing_is_worse_than_allowed_few_looks_find_anything() -> None:
    """400 looks, of which ALPHA would be 1: people just as good as wanted, and just as many wrong ones as allowed."""
    draw, alarms = np.random.default_rng(7), 0
    for _ in range(400):
        bad = draw.random(150) < 0.05
        settled = [
            judged(
                number,
                *[DENY if each else RIGHT] * 2,
                chance=0.1,
                received_ms=SPAN.start_ms,
                model="score",
                model_version="2",
                seconds=60,
            )
            for number, each in enumerate(bad.tolist())
        ]
        settled += [
            judged(1_000 + number, *((DENY if each else RIGHT) for each in both), why=Why.KNOWN, known=DENY)
            for number, both in enumerate((draw.random((30, 2)) < 0.8).tolist())
        ]
        alarms += bool(measures(settled, hours_with(1_500, 150)))
    assert alarms <= 400 * ALPHA * 3 + 6


def test_a_window_is_the_28_days_that_end_with_the_last_whole_day() -> None:
    day = 24 * HOUR_MS
    assert window_of(100 * day + 5) == Span(72 * day, 100 * day)
