"""The population stability index says how certain it is. Shares are the same in every run: seeds are fixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.drift import psi

EVEN = np.full(10, 0.1)
COUNTS = st.lists(st.integers(0, 10**9), min_size=2, max_size=12)


def samples(shares: np.ndarray, size: int, *, runs: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).multinomial(size, shares, runs).astype(np.float64)


def shifted(by: float) -> np.ndarray:
    """The shares of a normal that is shifted, in the ten bins of one that is not."""
    return np.diff(np.concatenate([[0], stats.norm.cdf(stats.norm.ppf(np.arange(1, 10) / 10), loc=by), [1]]))


@pytest.mark.parametrize("sizes", [(300, 300), (5000, 300), (2000, 2000), (100_000, 2000)])
def test_without_drift_it_alarms_as_often_as_it_says(sizes: tuple[int, int]) -> None:
    reference, current = (samples(EVEN, size, runs=20_000, seed=seed) for seed, size in enumerate(sizes))
    found = psi.values(reference, current)
    for alpha in (0.05, 0.01, 0.001):
        threshold = psi.compare(reference[0], current[0], alpha=alpha).threshold
        assert (found > threshold).mean() <= alpha * 1.5 + 2 * np.sqrt(alpha / 20_000)


def test_the_rule_of_thumb_alarms_by_chance_where_samples_are_small_and_misses_what_is_certain() -> None:
    small = psi.values(samples(EVEN, 100, runs=5000, seed=1), samples(EVEN, 100, runs=5000, seed=2))
    assert (small > 0.1).mean() > 0.8
    reference, current = (
        samples(each, 2000, runs=1000, seed=3)[::step] for each, step in ((EVEN, 1), (shifted(0.25), -1))
    )
    found = psi.values(reference, current)
    assert (found > 0.1).mean() < 0.25
    threshold = psi.compare(reference[0], current[0], alpha=0.05 / 280).threshold
    assert (found > threshold).mean() > 0.95


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25, 0.5])
def test_the_interval_holds_the_true_psi(shift: float) -> None:
    truth = float(((shifted(shift) - EVEN) * np.log(shifted(shift) / EVEN)).sum())
    reference, current = samples(EVEN, 4000, runs=400, seed=4), samples(shifted(shift), 2000, runs=400, seed=5)
    intervals = [psi.compare(*each, alpha=0.05).interval for each in zip(reference, current, strict=True)]
    assert np.mean([each.low <= truth + 1e-9 and truth <= each.high for each in intervals]) >= 0.92


@pytest.mark.parametrize("sizes", [(14_000, 2000), (400_000, 100_000)])
def test_drift_that_does_not_matter_alarms_as_rarely_as_it_says(sizes: tuple[int, int]) -> None:
    truth = float(((shifted(0.1) - EVEN) * np.log(shifted(0.1) / EVEN)).sum())
    reference, current = (
        samples(EVEN, sizes[0], runs=10_000, seed=1),
        samples(shifted(0.1), sizes[1], runs=10_000, seed=2),
    )
    found = psi.values(reference, current)
    for alpha in (0.05, 0.01, 0.001):
        judged = psi.compare(reference[0], current[0], alpha=alpha, least=truth)
        assert (found > judged.threshold).mean() <= alpha * 1.5 + 2 * np.sqrt(alpha / 10_000)
    assert (found > psi.compare(reference[0], current[0], alpha=0.05).threshold).mean() > 0.75


@pytest.mark.parametrize("least", [0.0, 1e-6, 0.01, 9.99, 10.01, 100.0])
def test_the_p_value_is_alpha_at_the_threshold(least: float) -> None:
    scale, degrees = 1000.0, 9
    for alpha in (0.2, 0.05, 1e-4):
        statistic = psi._quantile(alpha, degrees, least=least * scale)
        assert psi._above(statistic, degrees, least=least * scale) == pytest.approx(alpha, rel=1e-4)


def test_it_is_what_the_formula_says_and_the_p_value_belongs_to_the_threshold() -> None:
    reference, current = np.array([500.0, 300.0, 200.0]), np.array([400.0, 330.0, 270.0])
    found = psi.compare(reference, current, alpha=0.05)
    q, p = (reference + 0.5) / 1001.5, (current + 0.5) / 1001.5
    assert found.value == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert found.threshold == pytest.approx((1 / 1000 + 1 / 1000) * stats.chi2.ppf(0.95, 2))
    assert found.p_value == pytest.approx(stats.chi2.sf(found.value * 500, 2))
    low = stats.ncx2.sf(found.value * 500, 2, found.interval.low * 500)
    high = stats.ncx2.cdf(found.value * 500, 2, found.interval.high * 500)
    assert (low, high) == pytest.approx((0.025, 0.025), rel=1e-6)


@given(COUNTS, COUNTS)
def test_any_counts_have_a_finite_answer_that_is_the_same_both_ways(one: list[int], other: list[int]) -> None:
    bins = min(len(one), len(other))
    reference, current = (np.array(each[:bins], dtype=np.float64) for each in (one, other))
    if not (reference.sum() and current.sum()):
        with pytest.raises(ValueError, match="at least one value"):
            psi.compare(reference, current, alpha=0.05)
        return
    found = psi.compare(reference, current, alpha=0.05)
    assert found.value >= 0
    assert 0 <= found.p_value <= 1
    assert 0 <= found.interval.low <= found.interval.high < np.inf
    assert found.alarm == (found.p_value < 0.05) or found.p_value == pytest.approx(0.05)
    assert psi.compare(current, reference, alpha=0.05).value == pytest.approx(found.value)


@pytest.mark.parametrize("statistic", [9_990.0, 10_010.0])
def test_the_interval_of_a_large_statistic_goes_on_where_the_exact_one_ends(statistic: float) -> None:
    found = [psi._noncentrality(statistic, 9, below=each) for each in (0.975, 0.025)]
    exact = [stats.ncx2.cdf(statistic, 9, each) for each in found]
    assert exact == pytest.approx([0.975, 0.025], abs=0.002)


def test_one_bin_tells_nothing() -> None:
    found = psi.compare(np.array([50.0]), np.array([70.0]), alpha=0.05)
    assert (found.p_value, found.alarm, found.interval.high) == (1.0, False, 0.0)


def test_samples_in_other_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="same bins"):
        psi.compare(np.array([1.0, 2.0]), np.array([1.0]), alpha=0.05)
