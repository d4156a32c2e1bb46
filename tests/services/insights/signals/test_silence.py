"""Rules that fall silent or suddenly match much more: found where planted, and rarely where nothing has changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from services.insights.signals.alerts import Floats, Watch, holm
from services.insights.signals.counts import Past, ratio_interval
from services.insights.signals.silence import silence

RULES, DAYS, REPLAYS = 40, 28, 500


def drawn(rng: np.random.Generator, *, deviation: float) -> tuple[Floats, Floats]:
    """Calls and matches of 28 days and one more, with few calls on two days of seven, and rules of all rates."""
    week = np.where(np.arange(DAYS + 1) % 7 < 5, 1.0, 0.2)
    calls = rng.poisson(5000 * week, (RULES, DAYS + 1)).astype(float)
    rates = np.logspace(-4, -0.5, RULES)[:, None] * rng.lognormal(0, deviation, (RULES, DAYS + 1))
    return calls, rng.poisson(calls * rates).astype(float)


def look(calls: Floats, matches: Floats) -> Watch:
    return silence(matches[:, -1], calls[:, -1], past_matches=matches[:, :-1], past_calls=calls[:, :-1])


@pytest.mark.parametrize("deviation", [0.0, 0.3, 0.6])
def test_days_without_a_change_raise_at_most_five_in_a_hundred_alarms(deviation: float) -> None:
    rng = np.random.default_rng(11)
    alarmed = sum(bool(look(*drawn(rng, deviation=deviation)).alerts) for _ in range(REPLAYS))
    print(f"deviation {deviation}: {alarmed / REPLAYS:.1%}")  # noqa: T201
    assert alarmed / REPLAYS <= 0.05


def test_poisson_alone_would_alarm_on_most_days_because_days_differ() -> None:
    rng = np.random.default_rng(12)
    alarmed = 0
    for _ in range(200):
        calls, matches = drawn(rng, deviation=0.3)
        mean = matches[:, :-1].sum(axis=1) / calls[:, :-1].sum(axis=1) * calls[:, -1]
        sides = [stats.poisson.cdf(matches[:, -1], mean), stats.poisson.sf(matches[:, -1] - 1, mean)]
        alarmed += bool((holm(np.concatenate(sides)) <= 0.05).any())
    assert alarmed / 200 >= 0.9


def test_a_rule_that_stopped_matching_and_one_that_matches_six_times_as_often_are_found() -> None:
    rng = np.random.default_rng(13)
    found = []
    for _ in range(50):
        calls, matches = drawn(rng, deviation=0.2)
        matches[30, -1], matches[20, -1] = 0, 6 * matches[20, -1]
        found.append({(each.signal, each.about) for each in look(calls, matches).alerts})
    assert sum(("silence", (30,)) in each for each in found) >= 48
    assert sum(("surge", (20,)) in each for each in found) >= 42


def test_an_alert_says_what_it_rests_on() -> None:
    calls, matches = np.full((1, 29), 1000.0), np.full((1, 29), 100.0)
    matches[0, -1] = 0
    (alert,) = look(calls, matches).alerts
    assert (alert.seen, alert.expected, alert.sample, alert.reference) == (0, 100, 1000, 28_000)
    assert (alert.ratio, alert.low) == (0, 0)
    assert 0 < alert.high < 0.2
    assert alert.p_value <= alert.false_alarms == 0.05


def test_nothing_is_said_of_a_rule_with_a_short_past_few_matches_or_no_calls() -> None:
    for days, matches, calls in ((6, 100, 1000), (28, 0, 1000), (28, 100, 0)):
        found = silence(
            [0], [calls], past_matches=np.full((1, days), matches), past_calls=np.full((1, days), float(1000))
        )
        assert (found.alerts, found.tested, found.too_few) == ((), 0, 1)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_counts_that_cannot_be_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        silence([wrong], [1], past_matches=[[1.0] * 7], past_calls=[[1.0] * 7])
    with pytest.raises(ValueError, match="not negative"):
        silence([1], [1], past_matches=[[wrong] * 7], past_calls=[[1.0] * 7])


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.01, 10))
def test_without_overdispersion_it_is_the_exact_test_of_two_poisson_counts(past: int, now: int, share: float) -> None:
    known = Past(events=np.array([float(past)]), exposure=np.array([1.0]), periods=np.array([1.0]), phi=np.array([0.0]))
    chance = share / (1 + share)
    upper, lower = known.expected([share]).at_least([now])[0], known.expected([share], extra=0.0).at_most([now])[0]
    assert upper == pytest.approx(stats.binom.sf(now - 1, past + now, chance), rel=1e-6, abs=1e-12)
    if past:
        assert lower == pytest.approx(stats.nbinom.cdf(now, past, 1 - chance), rel=1e-6, abs=1e-12)


@given(st.lists(st.lists(st.integers(0, 1000), min_size=8, max_size=8), min_size=1, max_size=6))
def test_whatever_the_counts_the_answer_is_defined_and_the_order_of_the_past_does_not_matter(
    rows: list[list[int]],
) -> None:
    matches, calls = np.array(rows, dtype=float), np.full((len(rows), 8), 1000.0)
    found = look(calls, matches)
    again = look(calls, np.concatenate([matches[:, -2::-1], matches[:, -1:]], axis=1))
    assert [each.about for each in found.alerts] == [each.about for each in again.alerts]
    for each in found.alerts:
        assert 0 <= each.p_value <= 0.05
        assert each.low <= each.ratio <= each.high


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    rng = np.random.default_rng(14)
    for size in (1, 2, 7, 100):
        p_values = rng.choice([0.0, 1e-9, 0.001, 0.02, 0.5, 1.0], size) * rng.random(size)
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_ratio_to_nothing_expected_is_known_to_be_unknown() -> None:
    assert ratio_interval(3, expected=0, shape=1) == (np.inf, 0, np.inf)
