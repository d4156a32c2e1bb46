"""Distances of large samples, against scipy, and their intervals, against the truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from services.insights.drift.distances import LEAST, jensen_shannon, wasserstein
from services.insights.drift.histograms import Grid, Histogram

GRID = Grid(0.02)


def numbers(values: np.ndarray, grid: Grid = GRID) -> Histogram:
    return Histogram.of_numbers(values, grid=grid)


def test_wasserstein_is_that_of_scipy_in_standard_deviations_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(10, 3, 5000), rng.gamma(4, 3, 4000)
    found = wasserstein(numbers(one), numbers(other), seed=1)
    assert found
    assert found.value == pytest.approx(stats.wasserstein_distance(one, other) / one.std(), abs=0.005)


def test_on_a_logarithmic_grid_it_is_the_same_within_the_grid() -> None:
    rng, grid = np.random.default_rng(1), Grid(0.02, logarithmic=True)
    one, other = rng.lognormal(4, 1, 5000), rng.lognormal(4.3, 1, 4000)
    found = wasserstein(numbers(one, grid), numbers(other, grid), seed=1)
    assert found
    assert found.value == pytest.approx(stats.wasserstein_distance(one, other) / one.std(), rel=0.02)


def test_jensen_shannon_is_that_of_scipy_in_bits() -> None:
    one, other = np.array([500.0, 300.0, 200.0, 0.0]), np.array([1200.0, 0.0, 500.0, 300.0])
    found = jensen_shannon(one, other, seed=1)
    assert found
    assert found.value == pytest.approx(jensenshannon(one, other, base=2) ** 2)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.25, 1.0])
def test_intervals_hold_the_truth_also_where_there_is_no_drift(shift: float) -> None:
    rng, held = np.random.default_rng(7), []
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    q, p = (np.diff(np.concatenate([[0], stats.norm.cdf(edges, loc=each), [1]])) for each in (0, shift))
    truth = float(jensenshannon(q, p, base=2) ** 2)
    for seed in range(50):
        one, other = rng.normal(0, 1, 3000), rng.normal(shift, 1, 2000)
        away = wasserstein(numbers(one), numbers(other), seed=seed)
        counts = (np.bincount(np.searchsorted(edges, each), minlength=10).astype(float) for each in (one, other))
        apart = jensen_shannon(*counts, seed=seed)
        assert away
        assert apart
        held.append(
            (away.interval.low <= shift <= away.interval.high, apart.interval.low <= truth <= apart.interval.high)
        )
    assert (np.mean(held, axis=0) >= 0.88).all()


def test_a_seed_gives_the_same_interval_again() -> None:
    rng = np.random.default_rng(1)
    one, other = numbers(rng.normal(0, 1, 2000)), numbers(rng.normal(0, 1, 2000))
    assert wasserstein(one, other, seed=5) == wasserstein(one, other, seed=5)


def test_nothing_is_said_of_few_values_of_names_or_of_a_constant() -> None:
    few, many = numbers(np.arange(LEAST - 1.0)), numbers(np.arange(LEAST + 0.0))
    assert wasserstein(few, many, seed=1) is None
    assert wasserstein(many, few, seed=1) is None
    assert wasserstein(numbers(np.ones(LEAST)), many, seed=1) is None
    assert wasserstein(numbers(np.full(LEAST, np.nan)), many, seed=1) is None
    word = Histogram.of_names(["allow"] * LEAST)
    assert wasserstein(word, word, seed=1) is None
    assert jensen_shannon(np.array([LEAST - 1.0, 0.0]), np.array([2.0 * LEAST, 0.0]), seed=1) is None
    with pytest.raises(ValueError, match="same bins"):
        jensen_shannon(np.array([1.0]), np.array([1.0, 2.0]), seed=1)
