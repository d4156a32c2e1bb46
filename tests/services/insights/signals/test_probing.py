"""Probing: found where planted, and not in agents that are busy, differ, or always were so."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.signals.alerts import Ints
from services.insights.signals.probing import _tail, probing
from services.insights.signals.traits import Trait, near, swept, varied

AGENTS, REPLAYS = 40, 200


def drawn(rng: np.random.Generator, *, alike: float, last: float = 0.9) -> tuple[Trait, Trait]:
    """Agents with 30 to 10,000 chances, whose shares differ around 15 % and drift; the last always has 90 %."""
    shares = rng.beta(0.15 * alike, 0.85 * alike, AGENTS)
    shares[-1] = last
    chances = np.logspace(1.5, 4, AGENTS).astype(np.int64)
    rng.shuffle(chances)
    odds = shares / (1 - shares) * rng.lognormal(0, 0.15, AGENTS)
    drifted = odds / (1 + odds)
    return (
        Trait(shown=rng.binomial(chances, drifted).astype(np.int64), chances=chances),
        Trait(shown=rng.binomial(4 * chances, shares).astype(np.int64), chances=4 * chances),
    )


@pytest.mark.parametrize("alike", [10.0, 100.0])
def test_weeks_of_busy_agents_raise_at_most_five_in_a_hundred_alarms(alike: float) -> None:
    rng = np.random.default_rng(61)
    alarmed = naive = 0
    for _ in range(REPLAYS):
        now, past = drawn(rng, alike=alike)
        alarmed += bool(probing(now, past=past).alerts)
        rate = past.shown[:-1].sum() / past.chances[:-1].sum()
        naive += bool((stats.binom.sf(now.shown - 1, now.chances, rate)[:-1] < 0.05 / AGENTS).any())
    print(f"alike {alike}: {alarmed / REPLAYS:.1%}, one share for all {naive / REPLAYS:.1%}")  # noqa: T201
    assert alarmed / REPLAYS <= 0.05
    assert naive / REPLAYS >= 0.9


def test_an_agent_that_begins_to_probe_is_found_and_so_is_one_without_a_past() -> None:
    rng = np.random.default_rng(62)
    known = new = 0
    for _ in range(50):
        now, past = drawn(rng, alike=50, last=0.2)
        now.shown[5] = rng.binomial(now.chances[5], 0.85)
        known += [each.about for each in probing(now, past=past).alerts] == [(5, 0)]
        past.shown[5] = past.chances[5] = 0
        new += [each.about for each in probing(now, past=past, trait=2, traits=3).alerts] == [(5, 2)]
    assert known >= 40
    assert new >= 40


def test_shares_are_beta_binomial() -> None:
    for n, k, rate, alike in ((20, 5, 0.1, 5.0), (300, 80, 0.15, 40.0), (5001, 1200, 0.2, 60.0), (30, 0, 0.5, 0.1)):
        wanted = stats.betabinom.sf(k - 1, n, rate * alike, (1 - rate) * alike)
        assert _tail(k, n=n, rate=rate, alike=alike) == pytest.approx(wanted, rel=0.02 if n > 5000 else 1e-9)


def test_windows_that_end_just_below_a_limit_are_near_it_and_refused_ones_are_not() -> None:
    found = near(
        [0, 0, 0, 0, 1, 1, -1],
        used=[95, 100, 60, 10, 99, 5, 95],
        capacity=[100, 100, 100, 100, 100, 0, 100],
        refused=[False, True, False, False, False, False, False],
        agent_count=2,
    )
    assert (found.shown.tolist(), found.chances.tolist()) == ([1, 1], [3, 1])


def test_a_refusal_tried_again_soon_with_other_parameters_counts_and_the_same_again_does_not() -> None:
    found = varied(
        [0, 0, 0, 0, 1, 1],
        times_ms=[0, 10, 20, 900, 0, 10],
        targets=[5, 5, 5, 5, 5, 6],
        parameters=[1, 2, 2, 3, 1, 2],
        refused=[True, True, True, False, True, False],
        within_ms=100,
        agent_count=2,
    )
    assert (found.shown.tolist(), found.chances.tolist()) == ([1, 0], [3, 1])


def test_customers_touched_only_once_soon_after_a_refusal_are_swept() -> None:
    found = swept(
        [0, 0, 0, 0, 0, 1, 1],
        times_ms=[0, 10, 20, 30, 500, 0, 10],
        subjects=[1, 2, 3, 2, 4, 1, 2],
        refused=[True, False, False, False, False, False, False],
        within_ms=100,
        agent_count=2,
    )
    assert (found.shown.tolist(), found.chances.tolist()) == ([1, 0], [3, 0])


def test_of_two_same_calls_at_the_same_time_the_refused_one_is_the_later() -> None:
    rows = [(1, 0, 1, 1, False), (1, 0, 1, 1, True), (1, 1, 1, 0, False)]
    for each in itertools.permutations(rows):
        agents, times, targets, parameters, refused = np.array(each, dtype=np.int64).T
        found = varied(
            agents,
            times_ms=times,
            targets=targets,
            parameters=parameters,
            refused=refused,
            within_ms=9,
            agent_count=2,
        )
        assert (found.shown.tolist(), found.chances.tolist()) == ([0, 1], [0, 1])


def test_too_few_chances_or_other_agents_say_nothing() -> None:
    many = Trait(shown=np.full(8, 19), chances=np.full(8, 20))
    found = probing(many, past=many)
    assert (found.alerts, found.tested, found.too_few) == ((), 0, 8)
    none: Ints = np.zeros(0, dtype=np.int64)
    assert not probing(Trait(shown=none, chances=none), past=Trait(shown=none, chances=none)).alerts
    with pytest.raises(ValueError, match="more often"):
        probing(
            Trait(shown=np.array([2]), chances=np.array([1])), past=Trait(shown=np.array([0]), chances=np.array([0]))
        )


ROWS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(0, 50), st.integers(0, 2), st.integers(0, 2), st.booleans()), max_size=40
)


@given(ROWS, st.permutations(range(40)))
def test_traits_never_exceed_their_chances_and_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[int, int, int, int, bool]], order: list[int]
) -> None:
    mixed = [rows[at] for at in order if at < len(rows)]
    found = []
    for each in (rows, mixed):
        agents, times, targets, parameters, refused = np.array(each, dtype=np.int64).reshape(-1, 5).T
        found.append(
            (
                varied(
                    agents,
                    times_ms=times,
                    targets=targets,
                    parameters=parameters,
                    refused=refused,
                    within_ms=9,
                    agent_count=3,
                ),
                swept(agents, times_ms=times, subjects=targets, refused=refused, within_ms=9, agent_count=3),
            )
        )
    for one, other in zip(*found, strict=True):
        assert one.shown.tolist() == other.shown.tolist()
        assert one.chances.tolist() == other.chances.tolist()
        assert (one.shown <= one.chances).all()


@given(ROWS)
def test_swept_are_those_whom_an_agent_touches_once_however_they_are_told_apart(
    rows: list[tuple[int, int, int, int, bool]],
) -> None:
    agents, times, subjects, _, refused = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    found = swept(agents, times_ms=times, subjects=subjects, refused=refused, within_ms=99, agent_count=3)
    touched = Counter(zip(agents.tolist(), subjects.tolist(), strict=True))
    once = [touched[agents[row], subjects[row]] == 1 for row in found.rows]
    assert all(once)
    assert found.shown.sum() == found.rows.size


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=9, max_size=20))
def test_whatever_the_counts_the_answer_is_defined(pairs: list[tuple[int, int]]) -> None:
    shown, missed = np.array(pairs).T
    now = Trait(shown=shown, chances=shown + missed)
    for each in probing(now, past=now).alerts:
        assert 0 <= each.p_value <= 0.05
        assert each.low <= each.ratio <= each.high
