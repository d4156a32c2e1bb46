"""Bursts: found where planted, in at most five of a hundred weeks without one, however bunched the calls are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.signals.alerts import Floats
from services.insights.signals.bursts import Baseline, bursts

GROUPS, WEEKS = 24, 4
SLOTS = np.tile(np.arange(24), 7)


def drawn(rng: np.random.Generator, *, kind: str, weeks: int = 1) -> Floats:
    """Counts of groups with 0.003 to 3 refusals a minute, more by day than by night."""
    hours = 168 * weeks
    day = 0.3 + 1.4 * np.exp(-(((np.arange(hours) % 24 - 14) / 4.0) ** 2))
    means: Floats = np.broadcast_to(
        np.logspace(-2.5, 0.5, GROUPS)[:, None, None] * day[None, :, None], (GROUPS, hours, 60)
    )
    if kind == "bunched":  # retries: each refusal comes up to six times at once
        return (rng.poisson(means / 3.5) * rng.integers(1, 7, means.shape)).astype(np.float64)
    if kind == "restless":  # hours differ by a factor, and so do minutes
        means = means * rng.gamma(5, 0.2, (GROUPS, hours, 1)) * rng.gamma(2, 0.5, means.shape)
    return rng.poisson(means).astype(float)


@pytest.mark.parametrize("kind", [pytest.param("poisson", marks=pytest.mark.integration), "restless", "bunched"])
def test_weeks_without_a_burst_raise_at_most_five_in_a_hundred_alarms(kind: str) -> None:
    rng = np.random.default_rng(21)
    alarmed = runs = 0
    for _ in range(4):
        baseline = Baseline.of(drawn(rng, kind=kind, weeks=WEEKS), slots=np.tile(SLOTS, WEEKS), slot_count=24)
        for _ in range(20):
            found = bursts(drawn(rng, kind=kind), slots=SLOTS, baseline=baseline)
            alarmed, runs = alarmed + bool(found.alerts), runs + 1
    print(f"{kind}: {alarmed / runs:.1%} of {runs}")  # noqa: T201
    assert alarmed / runs <= 0.05


def test_poisson_alone_would_alarm_every_week_of_bunched_calls() -> None:
    rng = np.random.default_rng(22)
    past = drawn(rng, kind="bunched", weeks=WEEKS)
    means = past.reshape(GROUPS, -1, 24, 60).mean(axis=(1, 3))
    counts = drawn(rng, kind="bunched").reshape(GROUPS, 7, 24, 60)
    p_values = stats.poisson.sf(counts - 1, means[:, None, :, None])
    assert p_values.min() * p_values.size < 1e-6


@pytest.mark.parametrize(("minutes", "many"), [(1, 60), (10, 120), (60, 400)])
def test_a_planted_burst_is_one_alert_at_its_place(minutes: int, many: int) -> None:
    rng = np.random.default_rng(23)
    baseline = Baseline.of(drawn(rng, kind="restless", weeks=WEEKS), slots=np.tile(SLOTS, WEEKS), slot_count=24)
    counts = drawn(rng, kind="restless")
    counts[12, 62, :minutes] += many / minutes
    (alert,) = bursts(counts, slots=SLOTS, baseline=baseline).alerts
    assert alert.about[:3] == (12, 62, 0)
    assert alert.low > 3
    assert alert.p_value <= alert.false_alarms


def test_a_baseline_added_up_hour_by_hour_is_that_of_all_hours() -> None:
    rng = np.random.default_rng(24)
    counts = drawn(rng, kind="poisson")
    whole = Baseline.of(counts, slots=SLOTS, slot_count=24)
    parts = [Baseline.of(counts[:, at : at + 1], slots=SLOTS[at : at + 1], slot_count=24) for at in range(168)]
    added = parts[0]
    for each in reversed(parts[1:]):
        added += each
    for name in ("hours", "events", "minute_squares", "hour_squares"):
        assert np.array_equal(getattr(whole, name), getattr(added, name))


def test_a_reason_never_seen_before_may_burst_too_but_few_calls_are_none() -> None:
    quiet = Baseline.of(np.zeros((1, 480, 60)), slots=np.arange(480) % 24, slot_count=24)
    counts = np.zeros((1, 24, 60))
    counts[0, 3, 7] = 9
    assert not bursts(counts, slots=np.arange(24), baseline=quiet).alerts
    counts[0, 3, 7] = 200
    assert bursts(counts, slots=np.arange(24), baseline=quiet).alerts[0].about == (0, 3, 7, 1)


def test_hours_without_a_past_are_not_judged() -> None:
    young = Baseline.of(np.ones((2, 96, 60)), slots=np.arange(96) % 24, slot_count=24)
    found = bursts(np.full((2, 24, 60), 1e6), slots=np.arange(24), baseline=young)
    assert (found.alerts, found.tested, found.too_few) == ((), 0, 48)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1])
def test_counts_that_cannot_be_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        Baseline.of(np.full((1, 1, 60), wrong), slots=[0], slot_count=24)
    with pytest.raises(ValueError, match="slots are from 0 to 23"):
        Baseline.of(np.ones((1, 1, 60)), slots=[24], slot_count=24)


@given(st.lists(st.integers(0, 10**6), min_size=60, max_size=60), st.integers(0, 1000))
def test_whatever_the_counts_the_answer_is_defined(minutes: list[int], before: int) -> None:
    baseline = Baseline.of(np.full((1, 240, 60), before), slots=np.arange(240) % 24, slot_count=24)
    for each in bursts(np.array(minutes).reshape(1, 1, 60), slots=[0], baseline=baseline).alerts:
        assert 0 <= each.p_value <= 0.05
        assert 0 < each.low <= each.ratio <= each.high
