"""Only what is more than chance is called a difference, and nothing that outcomes to come may still undo."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.digest.lines import KPIS, of_settled, of_week, proven
from services.digest.told import Numbers
from services.digest.week import Week, last_over, week_named
from services.insights.kpis.differences import difference
from services.insights.kpis.figures import Figure
from services.insights.kpis.shares import share
from tests.services.digest.weeks import figure, numbers, week

shares = st.tuples(st.integers(0, 500), st.integers(30, 500)).map(lambda each: share(min(each), max(each)))


def test_a_rise_of_a_young_week_counts_and_a_fall_is_not_called_one_yet() -> None:
    lines = {each.kpi: each for each in of_week(week())}
    assert tuple(lines) == KPIS
    assert (lines["activation_rate"].called, lines["activation_rate"].good) == ("more", True)
    assert (lines["pressure_much_too_much"].called, lines["pressure_much_too_much"].good) == ("more", False)
    assert lines["nps"].called == "same"
    assert lines["pressure_a_bit_too_much"].called == "unknown"
    fallen = {each.kpi: each.called for each in of_week(week(now=numbers(1, 1, by=0.5)))}
    assert fallen["activation_rate"] == fallen["revenue_cents"] == "open"
    assert fallen["pressure_much_too_much"] == "less"
    assert {each.kpi: each.called for each in of_settled(week())}["activation_rate"] == "less"
    assert next(each.kpi for each in proven(week())) == "pressure_much_too_much"


def test_what_contacts_brought_beyond_the_holdout_may_still_go_either_way() -> None:
    more = dict(numbers(9, 9).figures) | {"incremental_revenue_cents": figure(9e9, 8.9e9, 9.1e9)}
    lines = of_week(week(now=Numbers(contacts=9, figures=more)))
    assert {each.kpi: each.called for each in lines}["incremental_revenue_cents"] == "open"


@given(shares, shares, st.integers(1, 40))
def test_a_difference_lies_in_its_interval_which_grows_with_what_is_to_hold_together(
    now: Figure, before: Figure, of: int
) -> None:
    found, alone = difference(now, before, of=of), difference(now, before)
    assert found is not None
    assert alone is not None
    assert found.low <= alone.low <= alone.value <= alone.high <= found.high
    back = difference(before, now, of=of)
    assert back is not None
    assert math.isclose(back.low, -found.high, abs_tol=1e-12)
    assert not (found.rises and found.falls)


@pytest.mark.parametrize("p", [0.005, 0.05, 0.4])
def test_two_weeks_that_are_alike_are_called_different_in_at_most_one_of_twenty(p: float) -> None:
    draw, runs = np.random.default_rng(5), 2_000
    false = 0
    for one, other in draw.binomial(3_000, p, (runs, 2)).tolist():
        found = difference(share(one, 3_000), share(other, 3_000))
        assert found is not None
        false += found.rises or found.falls
    assert false <= 0.06 * runs
    lot = difference(share(one, 3_000), Figure(n=2))
    assert lot is None


def test_of_a_side_of_which_nothing_is_known_nothing_is_proven() -> None:
    found = difference(Figure(value=5, low=4, n=9), Figure(value=1, low=0, high=2, n=9))
    assert found is not None
    assert found.rises
    assert found.high == math.inf
    back = difference(Figure(value=1, low=0, high=2, n=9), Figure(value=5, low=4, n=9))
    assert back is not None
    assert not back.falls or back.high < 0


@given(st.integers(1_000, 90_000), st.integers(0, 86_399_999))
def test_weeks_are_named_and_read_again_and_the_last_one_is_over(day: int, ms: int) -> None:
    now_ms = day * 86_400_000 + ms
    found = last_over(now_ms)
    assert week_named(found.name) == found
    assert found.end_ms <= now_ms < Week(found.first + 7).end_ms
    assert found.before(3).first == found.first - 21


@pytest.mark.parametrize("name", ["", "2026", "2026-W00", "2026-W54", "2026-w47", "0001-W01", "2025-W53", "²026-W01"])
def test_what_is_no_week_is_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        week_named(name)
