"""Money by customer: formulas agree with scipy, sums lose nothing, the truth is in the interval as often as said."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from services.insights.kpis.money import LEAST_PEOPLE, LEAST_SPENDERS, Spending, incremental, per_customer, revenue

Cents = NDArray[np.int64]


def spending(cents: Cents) -> Spending:
    values = cents.tolist()
    return Spending(
        n=len(values),
        spenders=sum(each != 0 for each in values),
        total=sum(values),
        squares=sum(each * each for each in values),
    )


def drawn(draw: np.random.Generator, n: int, *, buys: float, spread: float = 0.8) -> Cents:
    amounts = np.rint(np.exp(draw.normal(8.5, spread, n)))
    return np.where(draw.random(n) < buys, amounts, 0).astype(np.int64)


def test_the_interval_of_incremental_revenue_is_that_of_welch() -> None:
    draw = np.random.default_rng(1)
    treated, holdout = drawn(draw, 9000, buys=0.12), drawn(draw, 1000, buys=0.1)
    found = incremental(spending(treated), spending(holdout))
    low, high = stats.ttest_ind(treated, holdout, equal_var=False).confidence_interval(0.95)
    assert found.value == round(9000 * (treated.mean() - holdout.mean()))
    assert (found.low, found.high) == (math.floor(9000 * low), math.ceil(9000 * high))
    assert found.n == 1000


def test_revenue_has_student_s_interval() -> None:
    cents = drawn(np.random.default_rng(2), 500, buys=0.4)
    low, high = stats.t.interval(0.95, 499, loc=cents.mean(), scale=stats.sem(cents))
    found, whole = per_customer(spending(cents)), revenue(spending(cents))
    assert (found.value, found.low, found.high) == (round(cents.mean()), math.floor(low), math.ceil(high))
    assert (whole.value, whole.low, whole.high) == (cents.sum(), math.floor(500 * low), math.ceil(500 * high))


def test_too_few_customers_or_too_few_who_spent_are_told_as_such() -> None:
    many = Spending(n=5000, spenders=400, total=400_000, squares=400_000_000)
    few = Spending(n=LEAST_PEOPLE - 1, spenders=LEAST_SPENDERS, total=1, squares=1)
    seldom = Spending(n=LEAST_PEOPLE, spenders=LEAST_SPENDERS - 1, total=1, squares=1)
    assert incremental(many, many).sufficient
    for each in (few, seldom, Spending()):
        assert not incremental(many, each).sufficient
        assert not incremental(each, many).sufficient
        assert not revenue(each).sufficient
        assert incremental(many, each).n == each.n


@given(st.lists(st.integers(-(10**6), 10**6), max_size=60), st.lists(st.integers(-(10**6), 10**6), max_size=60))
def test_sums_of_parts_are_sums_of_the_whole(one: list[int], other: list[int]) -> None:
    parts = [spending(np.array(each, dtype=np.int64)) for each in (one, other, [*one, *other])]
    assert parts[0] + parts[1] == parts[2]


@given(st.lists(st.integers(0, 10**5), min_size=2, max_size=50), st.integers(0, 10**15))
def test_a_variance_loses_nothing_however_large_the_amounts_are(cents: list[int], more: int) -> None:
    moved = [each + more for each in cents]
    found = Spending(n=len(moved), total=sum(moved), squares=sum(each * each for each in moved)).variance
    assert float(found) == pytest.approx(float(np.var(cents, ddof=1)), abs=1e-6)


@pytest.mark.parametrize(
    ("buys", "spread", "holdout", "least"),
    [(0.10, 0.8, 600, 0.93), (0.10, 0.8, 3000, 0.935), (0.03, 0.8, 3000, 0.925), (0.3, 1.2, 1000, 0.92)],
)
def test_the_truth_is_in_the_interval_as_often_as_is_said(
    buys: float, spread: float, holdout: int, least: float
) -> None:
    draw, held, replays = np.random.default_rng(holdout), 0, 1000
    true = 9 * holdout * 0.02 * math.exp(8.5 + spread**2 / 2)
    for _ in range(replays):
        found = incremental(
            spending(drawn(draw, 9 * holdout, buys=buys + 0.02, spread=spread)),
            spending(drawn(draw, holdout, buys=buys, spread=spread)),
        )
        assert found.low is not None or not found.sufficient
        held += found.low is None or found.high is None or found.low <= true <= found.high
    print(f"incremental revenue, {buys:.0%} buy, holdout of {holdout}: {held / replays:.1%} held")  # noqa: T201
    assert least <= held / replays <= 0.975
