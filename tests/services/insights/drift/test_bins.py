"""Bins are cut on the reference alone, and none is too small."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.insights.drift import psi
from services.insights.drift.bins import LEAST_EXPECTED, MOST, Bins, cut
from services.insights.drift.histograms import Grid, Histogram, total

GRID = Grid(0.05)


def normal(mean: float, *, size: int, seed: int = 1) -> Histogram:
    return Histogram.of_numbers(np.random.default_rng(seed).normal(mean, 1, size), grid=GRID)


def cut_enough(reference: Histogram, *, current_size: float) -> Bins:
    bins = cut(reference, current_size=current_size)
    assert bins
    return bins


@given(
    st.lists(st.tuples(st.floats(width=16), st.integers(1, 400)), min_size=1, max_size=30),
    st.integers(1, 3000),
)
def test_every_bin_of_numbers_expects_enough_in_both_samples(
    values: list[tuple[float, int]], current_size: int
) -> None:
    reference = Histogram.of_numbers([value for value, times in values for _ in range(times)], grid=GRID)
    bins = cut(reference, current_size=current_size)
    if bins is None:
        assert min(reference.size, current_size) < LEAST_EXPECTED
        return
    counts = bins.counts(reference)
    assert counts.sum() == reference.size
    assert bins.count <= MOST
    assert (counts / reference.size * min(reference.size, current_size) >= LEAST_EXPECTED * (1 - 1e-9)).all()
    assert bins.strange(reference) == 0


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=30), st.integers(1, 3000))
def test_every_bin_of_names_expects_enough_and_no_value_is_lost(counts: list[int], current_size: int) -> None:
    names = [f"name-{number}" for number, times in enumerate(counts) for _ in range(times)]
    reference = Histogram.of_names(names)
    bins = cut(reference, current_size=current_size)
    if bins is None:
        assert min(reference.size, current_size) < LEAST_EXPECTED
        return
    found = bins.counts(reference)
    assert found.sum() + bins.strange(reference) == reference.size
    assert (found / reference.size * min(reference.size, current_size) >= LEAST_EXPECTED * (1 - 1e-9)).all()


def test_numbers_are_cut_into_ten_bins_of_about_the_same_size() -> None:
    counts = cut_enough(normal(0, size=10_000), current_size=10_000).counts(normal(0, size=10_000))
    assert counts.size == 10
    assert counts.min() > 750
    assert counts.max() < 1250


def test_a_constant_reference_is_one_bin_and_everything_else_is_strange() -> None:
    bins = cut_enough(Histogram.of_numbers([0.5] * 100, grid=GRID), current_size=100)
    assert bins.count == 1
    assert bins.strange(Histogram.of_numbers([0.5, 0.7, 0.2, np.nan], grid=GRID)) == 3


def test_names_that_were_never_seen_are_strange_or_with_the_rare_ones() -> None:
    common = Histogram.of_names(["allow"] * 900 + ["deny"] * 100)
    with_rare = total([common, Histogram.of_names([f"rare-{number}" for number in range(60)])])
    now = Histogram.of_names(["new"] * 7 + ["allow"] * 3)
    assert cut_enough(common, current_size=1000).strange(now) == 7
    bins = cut_enough(with_rare, current_size=1000)
    assert bins.counts(now).tolist() == [3, 0, 7]
    assert bins.strange(now) == 0


def test_names_of_about_the_same_frequency_get_a_bin_all_or_none() -> None:
    # Naming the most frequent ones would be a winner's curse: their counts in the reference are high by chance.
    rng = np.random.default_rng(2)
    reference, current = (Histogram.of_names(rng.integers(0, 200, 8000).astype(str)) for _ in range(2))
    assert cut_enough(reference, current_size=8000).count == 1
    most = np.sort(reference.keys[np.argsort(-reference.counts)[:49]])
    cursed = Bins(names=True, edges=most, others=True)
    assert psi.compare(cursed.counts(reference), cursed.counts(current), alpha=0.001).alarm


def test_cut_on_both_samples_the_psi_of_one_drift_grows_with_the_samples() -> None:
    # 30 % of the window lie where the reference has nothing: cut on both, they get a bin of their own, and how many
    # times rarer than they the reference's values are is a question of how many it has.
    alone: list[float] = []
    together: list[float] = []
    for size in (1000, 100_000):
        reference, usual = normal(0, size=size), normal(0, size=size * 7 // 10, seed=2)
        window = total([usual, Histogram.of_numbers(np.linspace(20, 23, size * 3 // 10), grid=GRID)])
        for cut_on, found in ((reference, alone), (total([reference, window]), together)):
            bins = cut_enough(cut_on, current_size=size)
            found.append(psi.compare(bins.counts(reference), bins.counts(window), alpha=0.05).value)
        assert bins.counts(reference).min() == 0
    assert abs(alone[1] / alone[0] - 1) < 0.15
    assert together[1] / together[0] > 1.5
