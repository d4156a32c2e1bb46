"""Detours around a refusal: found with their decisions, and not where agents share customers, schedules or caps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.insights.signals.alerts import Ints
from services.insights.signals.around import Arounds, around

HOUR = 3_600_000
Columns = dict[str, Any]


def drawn(rng: np.random.Generator, *, kind: str) -> Columns:
    """A week of 12 agents in 4 teams, each with 150 customers of its own, and two things that are done."""
    size = 8000
    teams = rng.integers(0, 4, size)
    agents, subjects = teams * 3 + rng.integers(0, 3, size), teams * 150 + rng.integers(0, 150, size)
    things, times = rng.integers(0, 2, size), rng.integers(0, 7 * 24 * HOUR, size)
    if kind == "scheduled":  # the second agent of each team calls each customer half an hour after the first
        first = np.flatnonzero(agents % 3 == 0)
        agents, subjects, things, times = (
            np.concatenate([agents, agents[first] + 1]),
            np.concatenate([subjects, subjects[first]]),
            np.concatenate([things, things[first]]),
            np.concatenate([times, times[first] + HOUR // 2]),
        )
    refused = rng.random(agents.size) < np.where(things == 0, 0.1, 0.3)
    if kind == "capped":  # a customer who was reached by anybody is let alone for a day
        last: dict[int, int] = {}
        for at in np.argsort(times).tolist():
            key = int(subjects[at])
            refused[at] |= times[at] - last.get(key, -(10**12)) < 24 * HOUR and rng.random() < 0.8
            if not refused[at]:
                last[key] = int(times[at])
    return {"times": times, "agents": agents, "subjects": subjects, "things": things, "refused": refused}


def look(columns: Columns) -> Arounds:
    rest = {name: columns[name] for name in ("agents", "subjects", "things", "refused")}
    return around(columns["times"], **rest, succeeded=~columns["refused"], within_ms=HOUR)


def product_of_rates(columns: Columns) -> bool:
    """Whether a pair follows each other more often than agents drawn by their shares of all successes would."""
    found = around(
        columns["times"],
        agents=columns["agents"],
        subjects=columns["subjects"],
        things=columns["things"],
        refused=columns["refused"],
        succeeded=~columns["refused"],
        within_ms=HOUR,
        false_alarms=1.1,
    )
    refusals = np.bincount(columns["agents"][columns["refused"]], minlength=12)
    rate = np.bincount(columns["agents"][~columns["refused"]], minlength=12) / (600 * 2 * 7 * 24)
    return any(
        stats.poisson.sf(each.seen - 1, refusals[each.about[0]] * rate[each.about[1]]) < 0.05 / 132
        for each in found.watch.alerts
    )


@pytest.mark.parametrize("kind", ["shared", "scheduled", "capped"])
def test_weeks_without_a_detour_raise_at_most_five_in_a_hundred_alarms(kind: str) -> None:
    rng = np.random.default_rng(51)
    runs = [drawn(rng, kind=kind) for _ in range(100)]
    alarmed = sum(bool(look(each).watch.alerts) for each in runs)
    naive = sum(product_of_rates(each) for each in runs[:20]) / 20
    print(f"{kind}: {alarmed}%, product of rates {naive:.0%}")  # noqa: T201
    assert alarmed <= 5
    if kind == "scheduled":
        assert naive >= 0.9


@pytest.mark.parametrize("kind", ["shared", "scheduled"])
def test_an_agent_that_does_what_another_was_refused_is_found_with_the_decisions(kind: str) -> None:
    rng = np.random.default_rng(52)
    found = 0
    for _ in range(20):
        columns = drawn(rng, kind=kind)
        detours = np.flatnonzero(columns["refused"] & (columns["agents"] == 4))[:40]
        for name, values in (
            ("times", columns["times"][detours] + HOUR // 10),
            ("agents", np.full(detours.size, 9)),
            ("subjects", columns["subjects"][detours]),
            ("things", columns["things"][detours]),
            ("refused", np.zeros(detours.size, dtype=bool)),
        ):
            columns[name] = np.concatenate([columns[name], values])
        result = look(columns)
        if result.watch.alerts and result.watch.alerts[0].about == (4, 9):
            found += 1
            told = {refusal for refusal, _ in result.evidence[0]}
            assert len(told & set(detours.tolist())) >= 0.9 * len(told)
            assert all(columns["agents"][success] == 9 for _, success in result.evidence[0])
            assert result.watch.alerts[0].low > 1
    assert found >= 18


def test_too_few_refusals_say_nothing() -> None:
    empty: Ints = np.zeros(0, dtype=np.int64)
    assert not look(dict.fromkeys(("times", "agents", "subjects", "things"), empty) | {"refused": empty == 1}).evidence
    few = {"times": np.arange(6), "agents": np.arange(6) % 2, "subjects": np.ones(6, dtype=np.int64)}
    found = look(few | {"things": np.zeros(6, dtype=np.int64), "refused": np.arange(6) % 2 == 0})
    assert (found.watch.alerts, found.watch.tested, found.watch.too_few) == ((), 0, 1)


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="give each call"):
        around([1, 2], agents=[1], subjects=[1], things=[1], refused=[True], succeeded=[False], within_ms=1)
    with pytest.raises(ValueError, match="above 0"):
        around([], agents=[], subjects=[], things=[], refused=[], succeeded=[], within_ms=0)


ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 1), st.booleans()),
    min_size=1,
    max_size=60,
)


@given(ROWS, st.integers(1, 20))
def test_pairs_are_those_that_looking_at_every_two_calls_finds(
    rows: list[tuple[int, int, int, int, bool]], within: int
) -> None:
    """With `false_alarms` above 1 everything judged is told; each pair is the first success of another agent."""
    times, agents, subjects, things, refused = (np.array(each) for each in zip(*rows, strict=True))
    found = around(
        times,
        agents=agents,
        subjects=subjects,
        things=things,
        refused=refused,
        succeeded=~refused,
        within_ms=within,
        false_alarms=1.1,
    )
    for alert, pairs in zip(found.watch.alerts, found.evidence, strict=True):
        for refusal, success in pairs:
            assert (agents[refusal], agents[success]) == alert.about
            assert (subjects[refusal], things[refusal]) == (subjects[success], things[success])
            assert 0 < times[success] - times[refusal] <= within
            assert refused[refusal]
            assert not refused[success]
            between = (times > times[refusal]) & (times < times[success]) & ~refused & (subjects == subjects[refusal])
            assert not (between & (things == things[refusal]) & (agents != agents[refusal]) & (agents >= 0)).any()
