"""New values: found in fields with few, and no alarm for one more of a long tail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.signals.alerts import Ints
from services.insights.signals.novelty import Field, novelty, tail

VALUES, REPLAYS = 3000, 500
FEW = np.where(np.arange(VALUES) < 5, 0.2, 0.0)
LONG = 1 / np.arange(1, VALUES + 1)
RARE = np.where(np.arange(VALUES) < 20, 0.5 ** np.arange(1, VALUES + 1), 0.0)
"""Each value half as frequent as the one before: some are always about to be seen for the first time."""


def drawn(rng: np.random.Generator, weights: object, *, calls: int) -> Ints:
    shares = np.asarray(weights) / np.sum(np.asarray(weights))
    return rng.multinomial(calls, shares).astype(np.int64)


def test_weeks_without_a_change_raise_at_most_five_in_a_hundred_alarms_over_all_fields() -> None:
    rng = np.random.default_rng(31)
    alarmed = naive = 0
    for _ in range(REPLAYS):
        fields = [
            Field(before=[drawn(rng, weights, calls=1000) for _ in range(4)], now=drawn(rng, weights, calls=1000))
            for weights in (FEW, LONG, RARE)
        ]
        alarmed += bool(novelty(fields).alerts)
        naive += any(((np.sum(each.before, axis=0) == 0) & (np.asarray(each.now) > 0)).any() for each in fields)
    print(f"{alarmed / REPLAYS:.1%}, any new value {naive / REPLAYS:.1%}")  # noqa: T201
    assert alarmed / REPLAYS <= 0.05
    assert naive == REPLAYS


def test_a_new_value_of_a_field_with_few_is_found_by_its_third_call() -> None:
    rng = np.random.default_rng(32)
    before, now = drawn(rng, FEW, calls=10_000), drawn(rng, FEW, calls=1000)
    now[77] = 3
    (alert,) = novelty([Field(before=before, now=now)]).alerts
    assert (alert.about, alert.seen, alert.expected, alert.reference) == ((0, 77), 3, 0, 10_000)
    assert alert.p_value <= 0.01
    assert alert.low > 1


def test_in_a_long_tail_a_new_value_must_come_more_often() -> None:
    rng = np.random.default_rng(33)
    before, now = drawn(rng, LONG, calls=10_000), drawn(rng, LONG, calls=1000)
    new = int(np.flatnonzero((before == 0) & (now == 0))[0])
    now[new] = 2
    assert not novelty([Field(before=before, now=now)]).alerts
    now[new] = 12
    (alert,) = novelty([Field(before=before, now=now)]).alerts
    assert alert.about == (0, new)
    assert 0 < alert.low < alert.ratio < alert.high


def test_garbage_in_a_field_is_one_alert_though_each_value_comes_once() -> None:
    rng = np.random.default_rng(34)
    before, now = drawn(rng, FEW, calls=2000), drawn(rng, FEW, calls=1000)
    now[100:160] = 1
    (alert,) = novelty([Field(before=before, now=now)]).alerts
    assert (alert.about, alert.seen) == ((0, -1), 60)


def test_a_field_that_always_brings_new_values_such_as_names_of_campaigns_is_not_judged() -> None:
    periods = np.zeros((6, 6), dtype=np.int64)
    np.fill_diagonal(periods, 500)
    found = novelty([Field(before=periods[:5], now=periods[5])])
    assert (found.alerts, found.tested, found.too_few) == ((), 0, 1)


def test_the_rate_of_new_values_is_that_of_good_and_turing_and_true() -> None:
    rng = np.random.default_rng(35)
    rates, missed = [], []
    for _ in range(300):
        counts = drawn(rng, LONG, calls=2000)
        rates.append(tail(counts).rate)
        missed.append((LONG / LONG.sum())[counts == 0].sum())
    assert np.mean(rates) == pytest.approx(np.mean(missed), rel=0.02)
    assert tail([3, 1, 1, 0]).rate == 0.4
    assert (tail([]).low, tail([0, 0]).high) == (0, 1)


def test_too_few_calls_say_nothing() -> None:
    for before, now in (([199, 0], [0, 50]), ([500, 0], [0, 0]), ([0, 0], [50, 50])):
        found = novelty([Field(before=before, now=now)])
        assert (found.alerts, found.too_few) == ((), 1)
    assert novelty([]).tested == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1])
def test_counts_that_cannot_be_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        novelty([Field(before=[300.0, wrong], now=[1, 1])])


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=12))
def test_the_order_of_values_and_how_the_past_is_parted_do_not_matter(pairs: list[tuple[int, int]]) -> None:
    before, now = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    turned = novelty([Field(before=before[::-1], now=now[::-1])])
    found = novelty([Field(before=before, now=now)])
    size = len(pairs)
    assert {each.about[1] if each.about[1] < 0 else size - 1 - each.about[1] for each in turned.alerts} == {
        each.about[1] for each in found.alerts
    }
    for each in found.alerts:
        assert 0 <= each.p_value <= 0.05
        assert before[each.about[1]] == 0 or each.about[1] == -1
