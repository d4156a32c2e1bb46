"""Reviewers who stamp everything are found by wrong items and by their haste; careful ones are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.review.attention import hasty, rubber_stamps, too_short

REVIEWERS, REPLAYS = 12, 1000


def test_reviewers_as_careful_as_wanted_raise_at_most_five_in_a_hundred_alarms() -> None:
    rng = np.random.default_rng(91)
    shown = rng.integers(5, 60, REVIEWERS)
    stamps = haste = naive = 0
    for _ in range(REPLAYS):
        caught = rng.binomial(shown, 0.8)
        stamps += bool(rubber_stamps(caught, shown).alerts)
        haste += bool(hasty(rng.binomial(shown * 10, 0.1), shown * 10).alerts)
        naive += bool((caught / shown < 0.8).any())
    print(f"stamps {stamps / REPLAYS:.1%}, haste {haste / REPLAYS:.1%}, below 80 %: {naive / REPLAYS:.1%}")  # noqa: T201
    assert stamps / REPLAYS <= 0.05
    assert haste / REPLAYS <= 0.05
    assert naive / REPLAYS >= 0.99


def test_a_reviewer_who_catches_a_third_of_twenty_wrong_items_is_found() -> None:
    rng = np.random.default_rng(92)
    found = 0
    for _ in range(200):
        caught = rng.binomial(20, np.where(np.arange(REVIEWERS) == 3, 0.33, 0.9))
        found += [each.about for each in rubber_stamps(caught, np.full(REVIEWERS, 20)).alerts] == [(3,)]
    assert found >= 180


def test_a_reviewer_who_judges_half_of_the_items_in_a_second_is_hasty() -> None:
    times = np.concatenate([np.full(30, 900.0), np.full(30, 20_000.0), np.full(60, 15_000.0), [np.nan, -1.0]])
    who = np.concatenate([np.zeros(60), np.ones(62)]).astype(np.int64)
    short, judged = too_short(times, reviewers=who, least_ms=3000, reviewer_count=3)
    assert (short.tolist(), judged.tolist()) == ([30, 0, 0], [60, 60, 0])
    found = hasty(short, judged)
    (alert,) = found.alerts
    assert (alert.about, alert.seen, alert.expected, alert.sample) == ((0,), 30, 6, 60)
    assert alert.ratio == pytest.approx(5)
    assert 1 < alert.low < alert.ratio < alert.high
    assert found.too_few == 1


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    (alert,) = rubber_stamps([4], [20]).alerts
    wanted = stats.binomtest(4, 20).proportion_ci(0.95)
    assert (alert.low * 0.8, alert.high * 0.8) == pytest.approx((wanted.low, wanted.high))
    assert alert.p_value == pytest.approx(stats.binom.cdf(4, 20, 0.8))


def test_nine_items_say_nothing() -> None:
    found = rubber_stamps([0], [9])
    assert (found.alerts, found.tested, found.too_few) == ((), 0, 1)
    assert rubber_stamps([], []).tested == 0


@pytest.mark.parametrize(("caught", "shown"), [(2, 1), (-1, 5), (np.nan, 5), (1, np.inf)])
def test_counts_that_cannot_be_are_refused(caught: float, shown: float) -> None:
    with pytest.raises(ValueError, match="by reviewer"):
        rubber_stamps([caught], [shown])


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=12))
def test_whatever_the_counts_the_answer_is_defined(pairs: list[tuple[int, int]]) -> None:
    counts, rest = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    for judge in (rubber_stamps, hasty):
        for each in judge(counts, counts + rest).alerts:
            assert 0 <= each.p_value <= 0.05
            assert each.low <= each.ratio <= each.high
