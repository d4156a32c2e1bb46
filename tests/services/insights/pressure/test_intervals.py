"""Intervals agree with those of statsmodels, and hold for few and rare events."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import confint_poisson

from services.insights.pressure.intervals import Estimate, clustered_share, difference, rate, share

CLOSE = 1e-9


@given(st.integers(1, 5000), st.data(), st.floats(0.001, 0.3))
def test_shares_have_the_interval_of_clopper_and_pearson(n: int, data: st.DataObject, alpha: float) -> None:
    events = data.draw(st.integers(0, n))
    found = share(events, n, alpha=alpha)
    assert found is not None
    low, high = proportion_confint(events, n, alpha=alpha, method="beta")
    assert found.low == pytest.approx(low, abs=CLOSE)
    assert found.high == pytest.approx(high, abs=CLOSE)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.integers(0, 5000), st.integers(1, 100_000), st.floats(0.001, 0.3))
def test_rates_have_the_interval_of_garwood(events: int, n: int, alpha: float) -> None:
    found = rate(events, n, alpha=alpha)
    assert found is not None
    low, high = confint_poisson(events, n, method="exact-c", alpha=alpha)
    assert found.low == pytest.approx(0.0 if events == 0 else low, abs=CLOSE)
    assert found.high == pytest.approx(high, rel=CLOSE)


def test_a_difference_has_the_interval_of_newcombe() -> None:
    one, other = (
        Estimate(value=events / n, low=low, high=high, level=0.95, n=n)
        for events, n in ((56, 70), (48, 80))
        for low, high in (proportion_confint(events, n, method="wilson"),)
    )
    low, high = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    found = difference(one, other)
    assert found.low == pytest.approx(low, abs=CLOSE)
    assert found.high == pytest.approx(high, abs=CLOSE)


def test_nothing_is_said_of_nothing() -> None:
    assert share(0, 0, alpha=0.05) is None is rate(0, 0, alpha=0.05)
    assert clustered_share(0.5, variance=0.1, units=29, alpha=0.05) is None


@given(st.floats(0, 1), st.floats(0, 1), st.integers(30, 10_000))
def test_a_clustered_share_is_inside_its_interval_whatever_its_variance(
    value: float, variance: float, units: int
) -> None:
    found = clustered_share(value, variance=variance, units=units, alpha=0.05)
    if found is not None:
        assert 0 <= found.low <= value + CLOSE
        assert value - CLOSE <= found.high <= 1


def test_a_clustered_share_without_variance_is_known_as_well_as_its_people_allow() -> None:
    found, plain = clustered_share(1.0, variance=0.0, units=60, alpha=0.05), share(60, 60, alpha=0.05)
    assert found == plain


def test_differences_of_rare_shares_hold_the_truth_in_95_of_100_replays() -> None:
    """1 % of 1,000 people against 0.5 % of 300: a plain normal interval misses more often than it says."""
    rng = np.random.default_rng(4)
    many, few = rng.binomial(1000, 0.01, 2000), rng.binomial(300, 0.005, 2000)
    held = plain = 0
    for events, base in zip(many.tolist(), few.tolist(), strict=True):
        one, other = share(events, 1000, alpha=0.05), share(base, 300, alpha=0.05)
        assert one is not None
        assert other is not None
        found = difference(one, other)
        held += found.low <= 0.005 <= found.high
        error = (one.value * (1 - one.value) / 1000 + other.value * (1 - other.value) / 300) ** 0.5
        plain += abs(found.value - 0.005) <= 1.96 * error
    print(f"difference: {held / 20:.1f} % held, {plain / 20:.1f} % by the normal interval")  # noqa: T201
    assert held >= 1900 > plain
