"""Intervals of shares, rates and their ratios: they agree with statsmodels, and hold where the usual ones do not."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, fisher_exact, poisson
from statsmodels.stats import proportion, rates

from services.insights.fairness import intervals
from services.insights.fairness.intervals import Values


def arrays(*numbers: float) -> tuple[Values, ...]:
    return tuple(np.array([each], dtype=np.float64) for each in numbers)


def every(n: int, n0: int) -> tuple[Values, Values, Values, Values]:
    """All counts that two groups of these sizes may show."""
    x, x0 = (each.ravel().astype(float) for each in np.meshgrid(np.arange(n + 1), np.arange(n0 + 1), indexing="ij"))
    return x, np.full_like(x, n), x0, np.full_like(x, n0)


LEVEL = np.array([0.05])
CASES = [(3, 40, 20, 100), (30, 100, 50, 100), (0, 30, 5, 60), (7, 30, 0, 60), (29, 30, 999, 1000), (400, 900, 4, 31)]


@pytest.mark.parametrize("case", CASES)
def test_the_ratio_of_shares_has_the_score_interval_of_statsmodels(case: tuple[int, int, int, int]) -> None:
    low, high = intervals.koopman(*arrays(*case), alpha=LEVEL)
    if case[0] and case[2]:
        wanted = proportion.confint_proportions_2indep(*case, compare="ratio", method="score", correction=False)
        assert (low[0], high[0]) == pytest.approx(wanted, rel=1e-4)
    assert bool(low[0] == 0) is (case[0] == 0)
    assert bool(np.isinf(high[0])) is (case[2] == 0)


@pytest.mark.parametrize("case", CASES)
def test_differences_and_shares_have_the_intervals_of_statsmodels(case: tuple[int, int, int, int]) -> None:
    low, high = intervals.newcombe(*arrays(*case), alpha=LEVEL)
    wanted = proportion.confint_proportions_2indep(*case, compare="diff", method="newcomb")
    assert (low[0], high[0]) == pytest.approx(wanted, abs=1e-9)
    own = intervals.wilson(*arrays(*case[:2]), alpha=LEVEL)
    assert (own[0][0], own[1][0]) == pytest.approx(
        proportion.proportion_confint(*case[:2], alpha=0.05, method="wilson"), abs=1e-9
    )


@pytest.mark.parametrize("case", CASES)
def test_the_exact_test_is_twice_the_smaller_tail_of_fishers(case: tuple[int, int, int, int]) -> None:
    x, n, x0, n0 = case
    tails = [fisher_exact([[x, n - x], [x0, n0 - x0]], alternative=side).pvalue for side in ("less", "greater")]
    assert intervals.fisher(*arrays(*case))[0] == pytest.approx(min(1, 2 * min(tails)))


def test_rates_have_the_exact_intervals_of_others() -> None:
    low, high, p_value = intervals.poisson(*arrays(12, 100, 40, 150), alpha=LEVEL)
    wanted = proportion.proportion_confint(12, 52, method="beta")
    assert (low[0], high[0]) == pytest.approx([each / (1 - each) * 1.5 for each in wanted])
    smaller = rates.test_poisson_2indep(12, 100, 40, 150, method="exact-cond", alternative="smaller").pvalue
    assert p_value[0] == pytest.approx(2 * smaller)
    own = intervals.garwood(*arrays(12, 100), alpha=LEVEL)
    assert (own[0][0], own[1][0]) == pytest.approx((chi2.ppf(0.025, 24) / 200, chi2.ppf(0.975, 26) / 200))


def test_the_score_interval_covers_at_small_groups_and_extreme_rates_where_the_logarithms_does_not() -> None:
    covered, naive = [], []
    for n, n0 in ((30, 30), (30, 300), (100, 100)):
        x, people, x0, others = every(n, n0)
        low, high = intervals.koopman(x, people, x0, others, alpha=LEVEL)
        with np.errstate(divide="ignore", invalid="ignore"):
            half = 1.96 * np.sqrt(1 / x - 1 / people + 1 / x0 - 1 / others)
            middle = np.log(x / people * others / x0)
        for p0, ratio in product((0.01, 0.05, 0.2, 0.5, 0.9, 0.99), (0.6, 1.0)):
            chance = binom.pmf(x, n, p0 * ratio) * binom.pmf(x0, n0, p0)
            covered.append(float(chance[(low <= ratio) & (ratio <= high)].sum()))
            naive.append(float(chance[abs(middle - np.log(ratio)) <= half].sum()))
    assert min(covered) > 0.92
    assert np.mean(covered) > 0.95
    assert min(naive) < 0.5  # without events it says nothing


def test_chi_square_raises_false_alarms_where_events_are_few_and_tests_many_and_the_exact_test_does_not() -> None:
    level, rate = 0.05 / 100, 0.01
    x, n, x0, n0 = every(30, 1500)
    chance = binom.pmf(x, 30, rate) * binom.pmf(x0, 1500, rate)
    low, high = intervals.koopman(x, n, x0, n0, alpha=np.array([level]))
    assert chance[(low > 1) | (high < 1)].sum() > 5 * level
    assert chance[intervals.fisher(x, n, x0, n0) <= level].sum() <= level


def test_the_rates_interval_covers_whatever_the_rate() -> None:
    x, d, x0, d0 = every(80, 120)
    low, high, p_value = intervals.poisson(x, d, x0, d0, alpha=LEVEL)
    for rate in (0.005, 0.05, 0.3):
        chance = poisson.pmf(x, 80 * rate) * poisson.pmf(x0, 120 * rate)
        assert chance[(low > 1) | (high < 1)].sum() <= 0.05
        assert chance[p_value <= 0.05].sum() <= 0.05


counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts, st.sampled_from([0.2, 0.05, 1e-6]))
def test_every_interval_holds_its_point_and_turns_over_with_its_groups(
    own: tuple[int, int], other: tuple[int, int], alpha: float
) -> None:
    level, case, turned = np.array([alpha]), arrays(*own, *other), arrays(*other, *own)
    low, high = intervals.koopman(*case, alpha=level)
    assert 0 <= low[0] <= high[0]
    if own[0] and other[0]:
        ratio = own[0] / own[1] / (other[0] / other[1])
        assert low[0] <= ratio * (1 + 1e-9)
        assert ratio <= high[0] * (1 + 1e-9)
        back = intervals.koopman(*turned, alpha=level)
        assert (1 / back[1][0], 1 / back[0][0]) == pytest.approx((low[0], high[0]), rel=1e-6)
    below, above = intervals.newcombe(*case, alpha=level)
    assert -1 <= below[0] <= above[0] <= 1
    exact = intervals.fisher(*case)[0]
    assert 0 <= exact <= 1
    assert exact == pytest.approx(intervals.fisher(*turned)[0])
    floor, ceiling, p_value = intervals.poisson(*case, alpha=level)
    assert 0 <= floor[0] <= ceiling[0]
    assert 0 <= p_value[0] <= 1
    if abs(p_value[0] - alpha) > 1e-9:
        assert (p_value[0] < alpha) == (not floor[0] <= 1 <= ceiling[0])
