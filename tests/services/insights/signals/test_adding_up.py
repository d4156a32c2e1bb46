"""Allowed calls that add up: harvests of one agent, gatherings around one person."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.signals.adding_up import Crowds, crowds, gatherings, harvests
from services.insights.signals.alerts import Floats, Ints
from services.insights.signals.extremes import Extremes

AGENTS, REPLAYS = 40, 500
PEOPLE = 8000
Draw = Callable[[np.random.Generator, tuple[int, int]], Ints]
COUNTS: dict[str, Draw] = {
    "geometric": lambda rng, shape: rng.geometric(0.6, shape),
    "by taste": lambda rng, shape: 1 + rng.poisson(rng.gamma(0.5, 1.0, shape)),
    "heavy": lambda rng, shape: np.floor(rng.pareto(3.0, shape) * 2 + 1).astype(np.int64),
    "log-normal": lambda rng, shape: np.ceil(rng.lognormal(0, 0.8, shape)).astype(np.int64),
}


def days(rng: np.random.Generator, count: int) -> Floats:
    """Customers that 40 agents read, 3 to 3,000 a day: days differ by a factor of 1.6."""
    means = np.logspace(0.5, 3.5, AGENTS)[:, None] * rng.lognormal(0, 0.5, (AGENTS, count))
    return rng.poisson(means).astype(float)


def test_weeks_of_busy_agents_raise_at_most_five_in_a_hundred_alarms() -> None:
    rng = np.random.default_rng(41)
    alarmed = naive = 0
    for _ in range(REPLAYS):
        past, now = days(rng, 28), days(rng, 7)
        alarmed += bool(harvests(now, past=past).alerts)
        naive += bool((now > past.mean(axis=1, keepdims=True) + 3 * past.std(axis=1, keepdims=True)).any())
    print(f"harvest: {alarmed / REPLAYS:.1%}, three standard deviations {naive / REPLAYS:.1%}")  # noqa: T201
    assert alarmed / REPLAYS <= 0.05
    assert naive / REPLAYS >= 0.9


def test_an_agent_that_reads_thirty_times_as_many_customers_is_found_and_the_busiest_is_not() -> None:
    rng = np.random.default_rng(42)
    found = []
    for _ in range(50):
        now = days(rng, 7)
        now[10, 3] *= 30
        found.append([each.about for each in harvests(now, past=days(rng, 28)).alerts])
    assert sum((10, 3) in each for each in found) >= 45
    assert sum(any(about[0] == AGENTS - 1 for about in each) for each in found) <= 2


@pytest.mark.parametrize("kind", COUNTS)
def test_weeks_of_people_raise_at_most_five_in_a_hundred_alarms_whatever_the_tail(kind: str) -> None:
    rng = np.random.default_rng(43)
    alarmed = naive = 0
    for _ in range(200):
        past = np.bincount(COUNTS[kind](rng, (4, PEOPLE)).ravel())
        counts = COUNTS[kind](rng, (1, PEOPLE)).ravel()
        now = Crowds(owners=np.arange(PEOPLE), windows=np.zeros(PEOPLE, dtype=np.int64), counts=counts)
        alarmed += bool(gatherings(now, past=past, share=0.25).alerts)
        naive += int(counts.max()) > past.size - 1
    print(f"{kind}: {alarmed / 200:.1%}, the largest so far {naive / 200:.1%}")  # noqa: T201
    assert alarmed / 200 <= 0.05


def test_twelve_agents_that_contact_one_person_on_a_day_are_found_though_each_call_is_allowed() -> None:
    rng = np.random.default_rng(44)
    past = np.bincount(1 + rng.binomial(2, 0.1, 4 * PEOPLE))
    people = np.concatenate([np.arange(PEOPLE), np.full(12, 7)])
    agents = np.concatenate([rng.integers(0, 30, PEOPLE), np.arange(12)])
    now = crowds(people, agents, windows=np.zeros_like(people))
    (alert,) = gatherings(now, past=past, share=0.25).alerts
    assert alert.about == (7, 0)
    assert alert.seen in {12, 13}
    assert 1 < alert.low < alert.ratio < alert.high
    assert alert.p_value <= alert.false_alarms


def test_the_largest_are_thought_as_large_as_those_of_a_known_distribution_or_somewhat_larger() -> None:
    found = []
    for seed in range(30):
        values = stats.genpareto.rvs(0.2, scale=20, size=50_000, random_state=seed)
        tail = Extremes.of(np.bincount(np.floor(values).astype(np.int64) + 1))
        assert tail is not None
        assert float(tail.expected(tail.largest(0.95, share=0.25), share=0.25)) == pytest.approx(-np.log(0.95))
        found.append(tail.largest(0.5, share=0.25))
    truth = float(stats.genpareto.isf(np.log(2) / 12_500, 0.2, scale=20))
    assert truth <= np.median(found) <= 1.5 * truth


def test_too_few_say_nothing() -> None:
    few = Crowds(owners=np.array([1]), windows=np.array([0]), counts=np.array([50]))
    assert gatherings(few, past=[0, 99], share=1).too_few == 1
    assert gatherings(few, past=[], share=1).too_few == 1
    short = harvests([[1e6]], past=[[10.0] * 13])
    assert (short.alerts, short.tested, short.too_few) == ((), 0, 1)
    small = harvests([[29.0]], past=[[0.0, 1.0] * 14])
    assert (small.alerts, small.tested) == ((), 1)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1])
def test_numbers_that_cannot_be_are_refused(wrong: float) -> None:
    few = Crowds(owners=np.array([1]), windows=np.array([0]), counts=np.array([50]))
    with pytest.raises(ValueError, match="share"):
        gatherings(few, past=[0, 500], share=wrong)
    with pytest.raises(ValueError, match="not negative"):
        gatherings(few, past=[0, wrong], share=1)
    with pytest.raises(ValueError, match="not negative"):
        harvests([[wrong]], past=[[10.0] * 14])


ROWS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5), st.integers(-1, 2)), max_size=40)


@given(ROWS)
def test_crowds_are_sets_of_things_whatever_the_order_of_calls(rows: list[tuple[int, int, int]]) -> None:
    wanted: dict[tuple[int, int], set[int]] = {}
    for owner, thing, window in rows:
        if min(owner, thing, window) >= 0:
            wanted.setdefault((owner, window), set()).add(thing)
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    for each in (columns, columns[::-1]):
        found = crowds(each[:, 0], each[:, 1], windows=each[:, 2])
        assert list(zip(found.owners.tolist(), found.windows.tolist(), strict=True)) == sorted(wanted)
        assert found.counts.tolist() == [len(wanted[key]) for key in sorted(wanted)]
        assert found.table(6, window_count=3).sum() == sum(len(things) for things in wanted.values())


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(1, 10**6))
def test_whatever_the_past_a_larger_count_is_never_less_surprising(often: list[int], most: int) -> None:
    tail = Extremes.of(often)
    if tail is None:
        assert sum(often[1:]) < 100
        return
    counts = np.array([0, tail.threshold, tail.threshold + 1, tail.threshold + most])
    expected = tail.expected(counts, share=1)
    assert np.isfinite(expected).all()
    assert (np.diff(expected) <= 0).all()
