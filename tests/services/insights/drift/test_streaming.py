"""An early word about a stream: rarely without a change, soon with one. Seeds are fixed; `-s` shows the shares."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from services.insights.drift.histograms import Floats, Grid, Histogram
from services.insights.drift.streaming import (
    LEAST_REFERENCE,
    MOST_STEPS,
    Detector,
    Word,
    _words,
    listen,
    plan,
    threshold,
)

GRID = Grid(0.05)
ALPHA = 0.05


def reference(values: Floats, grid: Grid = GRID) -> Histogram:
    return Histogram.of_numbers(values, grid=grid)


def word(values: Floats, before: Histogram, *, alpha: float = ALPHA) -> Word | None:
    listening = plan(before, expected=10_000, alpha=alpha)
    assert listening
    return listen(values, reference=before, listening=listening)


def spoken(streams: int, *, rate: float) -> int:
    """How many streams of rare events without drift get a word."""
    rng, found = np.random.default_rng(6), 0
    before = reference((rng.random(20_000) < rate).astype(float))
    for _ in range(streams):
        found += word((rng.random(10_000) < rate).astype(float), before) is not None
    return found


@pytest.mark.parametrize("alpha", [0.2, 0.05])
def test_normal_means_without_drift_get_a_word_as_rarely_as_it_says(alpha: float) -> None:
    rng, streams = np.random.default_rng(1), 400
    found = sum(any(step for step, _ in _words(rng.normal(size=MOST_STEPS), alpha=alpha / 2)) for _ in range(streams))
    print(f"\n{found / streams:.1%} of streams without drift got a word at alpha {alpha:.0%}")  # noqa: T201
    assert found / streams <= alpha


def test_heavy_tails_without_drift_get_a_word_as_rarely_as_it_says() -> None:
    rng, grid = np.random.default_rng(2), Grid(0.02, logarithmic=True)
    before = reference(rng.lognormal(4, 1.5, 10_000), grid)
    assert sum(word(rng.lognormal(4, 1.5, 10_000), before) is not None for _ in range(200)) <= 10


def test_rare_events_make_large_batches_and_get_a_word_as_rarely_as_it_says() -> None:
    before = reference((np.random.default_rng(6).random(20_000) < 0.02).astype(float))
    listening = plan(before, expected=10_000, alpha=ALPHA)
    assert listening
    assert listening.batch > 400
    assert spoken(200, rate=0.02) <= 10


def test_a_shift_of_a_quarter_of_a_standard_deviation_is_heard_within_a_thousand_values() -> None:
    rng, after = np.random.default_rng(3), []
    before = reference(rng.normal(0, 1, 10_000))
    for _ in range(50):
        values = np.concatenate([rng.normal(0, 1, 3000), rng.normal(0.25, 1, 3000)])
        found = word(values, before)
        assert found
        after.append(found.values - 3000)
    assert np.median(after) < 1000
    assert np.mean(np.array(after) > 0) >= 0.95


def test_both_detectors_speak_and_the_interval_holds_the_rank() -> None:
    rng = np.random.default_rng(4)
    before = reference(rng.normal(0, 1, 100_000))
    found = word(rng.normal(0.5, 1, 10_000), before)
    assert found
    assert found.detector is Detector.PAGE_HINKLEY
    truth = float(stats.norm.cdf(0.5 / np.sqrt(2)))
    assert found.interval.low <= truth <= found.interval.high
    means = np.concatenate([np.zeros(300), np.full(300, 3.0)]) + rng.normal(size=600)
    assert all(300 < step < 330 for step, _ in _words(means, alpha=ALPHA))


def test_the_word_stays_the_same_as_more_values_come() -> None:
    rng = np.random.default_rng(5)
    before = reference(rng.normal(0, 1, 10_000))
    values = rng.normal(0.4, 1, 8000)
    first = word(values, before)
    assert first
    assert word(values[: first.values], before) == first
    assert word(values[: first.values - 1], before) is None


def test_missing_and_infinite_values_have_ranks_too() -> None:
    before = reference(np.random.default_rng(1).normal(0, 1, 10_000))
    assert word(np.full(2000, np.nan), before)
    assert word(np.full(2000, np.inf), before)
    assert word(np.array([]), before) is None


def test_nothing_is_planned_for_a_small_or_constant_reference_or_for_names() -> None:
    assert plan(reference(np.arange(LEAST_REFERENCE - 1.0)), expected=100, alpha=ALPHA) is None
    constant = reference(np.ones(LEAST_REFERENCE))
    assert plan(constant, expected=100, alpha=ALPHA) is None
    assert plan(Histogram.of_names(["allow"] * 5000), expected=100, alpha=ALPHA) is None
    listening = plan(reference(np.arange(5000.0)), expected=100, alpha=ALPHA)
    assert listening
    with pytest.raises(ValueError, match="plan with this reference"):
        listen(np.ones(100), reference=constant, listening=listening)


def test_long_streams_are_taken_in_as_many_batches_as_were_simulated() -> None:
    before = reference(np.random.default_rng(1).normal(0, 1, 10_000))
    listening = plan(before, expected=1_000_000, alpha=ALPHA)
    assert listening
    assert listening.batch * MOST_STEPS == 1_000_000


def test_pandas_is_not_imported_before_somebody_listens() -> None:
    asked = "import sys, services.insights.drift.streaming; print('pandas' in sys.modules, 'river' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_the_threshold_rises_as_alpha_falls() -> None:
    found = [threshold(alpha) for alpha in (0.2, 0.05, 0.01, 1e-4, 1e-9)]
    assert found == sorted(found)
    assert found[0] > 5
