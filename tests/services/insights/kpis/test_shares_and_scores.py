"""Shares and the Net Promoter Score agree with other implementations, and their intervals hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import ndtri
from statsmodels.stats.proportion import proportion_confint

from services.insights.kpis.nps import LEAST_ANSWERS, nps
from services.insights.kpis.shares import LEAST_PEOPLE, share, shares


@given(st.integers(LEAST_PEOPLE, 10_000), st.floats(0, 1), st.sampled_from([0.05, 0.01]))
def test_shares_have_the_interval_of_statsmodels(n: int, part: float, alpha: float) -> None:
    events = round(n * part)
    found = share(events, n, alpha=alpha)
    low, high = proportion_confint(events, n, alpha=alpha, method="wilson")
    assert (found.value, found.n, found.level) == (events / n, n, 1 - alpha)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_below_the_smallest_sample_nothing_is_said_but_how_many_there_are() -> None:
    for found in (share(3, LEAST_PEOPLE - 1), share(0, 0), nps(9, 1, LEAST_ANSWERS - 1), nps(0, 0, 0)):
        assert not found.sufficient
        assert (found.value, found.low, found.high) == (None, None, None)
    assert share(3, LEAST_PEOPLE - 1).n == LEAST_PEOPLE - 1
    assert share(3, LEAST_PEOPLE).sufficient


def test_answers_are_shares_of_all_answers() -> None:
    found = shares({"much_too_much": 10, "a_bit_too_much": 30, "not_solicited": 60})
    assert {name: each.value for name, each in found.items()} == {
        "much_too_much": 0.1,
        "a_bit_too_much": 0.3,
        "not_solicited": 0.6,
    }
    assert {each.n for each in found.values()} == {100}


def likeliest(gains: int, losses: int, n: int, difference: float) -> float:
    """By search: the share of losses that is likeliest where gains have that share plus the difference."""
    least, most = max(0.0, -difference), (1 - difference) / 2

    def unlikely(share_of_losses: float) -> float:
        parts = (share_of_losses + difference, share_of_losses, 1 - 2 * share_of_losses - difference)
        counts = (gains, losses, n - gains - losses)
        return -sum(c * math.log(max(p, 1e-300)) for c, p in zip(counts, parts, strict=True) if c)

    return float(minimize_scalar(unlikely, bounds=(least, most), method="bounded", options={"xatol": 1e-12}).x)


@given(st.integers(LEAST_ANSWERS, 400), st.floats(0, 1), st.floats(0, 1))
def test_at_both_ends_of_its_interval_the_score_is_just_not_rejected(n: int, one: float, other: float) -> None:
    gains = round(n * one)
    losses = round((n - gains) * other)
    found = nps(gains, losses, n)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert -100 <= found.low <= found.value <= found.high <= 100
    for end, sign in ((found.low / 100, 1), (found.high / 100, -1)):
        if abs(end) > 1 - 1e-6:
            continue
        share_of_losses = likeliest(gains, losses, n, end)
        variance = (2 * share_of_losses + end - end**2) / n
        score = ((gains - losses) / n - end) / np.sqrt(variance)
        assert score * sign == pytest.approx(-ndtri(0.025), rel=2e-3)


def test_where_all_agree_the_score_is_not_said_to_be_certain() -> None:
    found = nps(30, 0, 30)
    assert found.value == 100
    assert found.high == pytest.approx(100)
    assert found.low is not None
    assert 70 < found.low < 95
    assert nps(0, 30, 30).low == pytest.approx(-100)


REPLAYS = 2_000


@pytest.mark.parametrize("truth", [(0.5, 0.2), (0.9, 0.02), (0.05, 0.9), (0.3, 0.3), (0.97, 0.0)])
@pytest.mark.parametrize("n", [30, 100, 1000])
def test_the_score_s_interval_holds_where_the_usual_one_fails(truth: tuple[float, float], n: int) -> None:
    draw, true = np.random.default_rng(n), 100 * (truth[0] - truth[1])
    held = usual = 0
    for gains, losses, _ in draw.multinomial(n, (*truth, 1 - sum(truth)), REPLAYS).tolist():
        found = nps(gains, losses, n)
        assert found.low is not None
        assert found.high is not None
        held += found.low - 1e-9 <= true <= found.high + 1e-9
        value = (gains - losses) / n
        usual += abs(100 * value - true) <= 196 * np.sqrt(((gains + losses) / n - value**2) / n)
    print(f"NPS of {truth}, {n} answers: {held / REPLAYS:.1%} held, {usual / REPLAYS:.1%} of the usual interval")  # noqa: T201
    assert 0.92 <= held / REPLAYS <= 0.98
