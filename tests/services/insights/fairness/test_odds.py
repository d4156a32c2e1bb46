"""Equalised odds: fairlearn's points, gaps with intervals that hold together, and unknown outcomes left out."""

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, equalized_odds_difference, false_positive_rate, true_positive_rate

from services.insights.fairness.judging import Kind, Subject, judge
from services.insights.fairness.odds import Odds, odds, split
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from tests.services.insights.fairness.tables import table

LABELS: list[Group] = [("a",), ("b",), ("c",)]


def tables(groups: np.ndarray, *, chosen: np.ndarray, outcomes: np.ndarray) -> tuple[Table, Table]:
    both = split(groups=groups, persons=np.arange(groups.size), chosen=chosen, outcomes=outcomes)
    positive, negative = (
        Table(measure=measure, attributes=("age",), groups=people.sums(LABELS), share=True)
        for measure, people in zip(("chosen of those who buy", "chosen of the others"), both, strict=True)
    )
    return positive, negative


def test_points_are_those_of_fairlearn() -> None:
    rng = np.random.default_rng(1)
    groups, outcomes = rng.integers(0, 3, 2000), rng.integers(0, 2, 2000)
    chosen = rng.random(2000) < 0.2 + 0.4 * outcomes
    found = odds(*tables(groups, chosen=chosen, outcomes=outcomes))
    assert found.difference == pytest.approx(equalized_odds_difference(outcomes, chosen, sensitive_features=groups))
    for gaps, metric in ((found.true_positive, true_positive_rate), (found.false_positive, false_positive_rate)):
        frame = MetricFrame(metrics=metric, y_true=outcomes, y_pred=chosen, sensitive_features=groups).by_group
        assert len(gaps) == 2
        for each in gaps:
            places = [LABELS.index(name) for name in (each.group, each.reference)]
            assert each.value == pytest.approx(frame[places[0]] - frame[places[1]])


def test_a_group_chosen_as_often_but_seldom_when_it_would_be_right_is_found() -> None:
    """Half of both groups is chosen: of the one by who would buy, of the other by chance."""
    persons = np.arange(4000)
    groups, outcomes = persons % 2, persons // 2 % 2
    chosen = np.where(groups == 0, persons // 4 % 10 < 1 + 8 * outcomes, persons // 4 % 10 < 5)
    positive, negative = tables(groups, chosen=chosen, outcomes=outcomes)
    found = odds(positive, negative)
    assert [(each.group, round(each.value, 9)) for each in found.true_positive] == [(("b",), -0.4)]
    assert found.true_positive[0].interval.high < -0.3
    assert found.false_positive[0].interval.low > 0.3
    (alert,) = judge([Subject(table=positive, kind=Kind.BENEFIT)]).alerts
    assert alert.harmed == ("b",)


def test_gaps_hold_together_and_the_range_alone_would_not() -> None:
    """Three groups without a difference, 200 persons each: all four gaps hold 0 in at least 95 % of the replays."""
    rng, held, ranges = np.random.default_rng(2), 0, []
    for _ in range(400):
        drawn = [table({name: (float(rng.binomial(100, rate)), 100) for name in "abc"}) for rate in (0.5, 0.1)]
        found = odds(*drawn)
        gaps = found.true_positive + found.false_positive
        assert len(gaps) == 4
        held += all(each.interval.low <= 0 <= each.interval.high for each in gaps)
        assert found.difference is not None
        ranges.append(found.difference)
    assert held / 400 >= 0.95
    assert np.mean(ranges) > 0.05


def test_decisions_without_a_known_outcome_do_not_count() -> None:
    outcomes = np.array([1, 0, -1] * 40)
    groups, chosen = np.zeros(120, dtype=np.int64), np.ones(120, dtype=bool)
    positive, negative = tables(groups, chosen=chosen, outcomes=outcomes)
    assert [each.groups[("a",)].n for each in (positive, negative)] == [40, 40]
    with pytest.raises(ValueError, match="an outcome is 1, 0, or -1"):
        tables(groups, chosen=chosen, outcomes=np.full(120, 2))
    with pytest.raises(ValueError, match="give each decision"):
        tables(groups, chosen=chosen[1:], outcomes=outcomes)


def test_both_rates_have_one_reference_and_small_groups_are_listed() -> None:
    found = odds(table({"a": (50, 100), "b": (20, 40)}), table({"a": (5, 29), "b": (9, 90)}))
    assert [(each.group, each.reference) for each in found.true_positive] == [(("a",), ("b",))]
    assert found.false_positive == ()
    assert [(each.group, each.persons) for each in found.too_few] == [(("a",), 29)]
    assert found.difference is None


def test_without_groups_nothing_is_said() -> None:
    assert odds(table({}), table({})) == Odds(true_positive=(), false_positive=(), difference=None, too_few=())
