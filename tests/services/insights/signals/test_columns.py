"""From columns of decisions to alerts: what a job does, with what was planted found and nothing else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.signals.adding_up import crowds, gatherings, harvests
from services.insights.signals.alerts import Ints
from services.insights.signals.around import around
from services.insights.signals.bursts import Baseline, bursts, by_minute
from services.insights.signals.novelty import Field, novelty
from services.insights.signals.probing import probing
from services.insights.signals.silence import silence
from services.insights.signals.traits import swept, varied

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
WEEKS, AGENTS, PEOPLE, REASONS, RULES, CHANNELS = 5, 20, 4000, 4, 8, 9
NOW = 28 * DAY
"""The last of five weeks begins."""
Columns = dict[str, Ints]


def decisions(*, planted: bool) -> Columns:
    rng = np.random.default_rng(101)
    size = 120_000
    found: Columns = {
        "time": np.sort(rng.integers(0, 35 * DAY, size)),
        "agent": rng.choice(AGENTS, size, p=np.arange(1, AGENTS + 1) / (AGENTS * (AGENTS + 1) / 2)),
        "person": rng.integers(0, PEOPLE, size),
        "reason": np.where(rng.random(size) < 0.15, rng.choice(REASONS, size, p=[0.5, 0.3, 0.15, 0.05]), -1),
        "rule": rng.choice(RULES, size),
        "channel": rng.choice(5, size),
        "parameters": rng.integers(0, 50, size),
    }
    if planted:
        late = found["time"] >= NOW
        found["rule"][late & (found["rule"] == 4)] = 5  # a rule stops matching
        for time, many, values in (
            (NOW + 2 * DAY, 60, {"reason": np.full(60, 2)}),
            (NOW + 3 * DAY, 900, {"agent": np.full(900, 3), "person": np.arange(900)}),
            (NOW + 4 * DAY, 6, {"channel": np.full(6, 8), "person": np.arange(6) + 50}),
            (NOW + 5 * DAY, 15, {"agent": np.arange(15), "person": np.full(15, 77)}),
            (NOW, 60, detours()),
        ):
            rest = {name: each[rng.integers(0, size, many)] for name, each in found.items()}
            rest |= {"time": time + rng.integers(0, MINUTE if many == 60 else DAY // 2, many)} | {
                "reason": np.full(many, -1)
            }
            found = {name: np.concatenate([each, (rest | values)[name]]) for name, each in found.items()}
    return found


def detours() -> Columns:
    """What agent 5 was refused agent 11 does five minutes later."""
    after = np.repeat([0, 1], 30)
    return {
        "time": NOW + 6 * DAY + np.tile(np.arange(30) * 7 * MINUTE, 2) + after * 5 * MINUTE,
        "agent": 5 + 6 * after,
        "person": np.tile(np.arange(30), 2),
        "reason": -after,
    }


def by_day(columns: Columns, name: str, *, count: int) -> Ints:
    known = columns[name] >= 0
    return np.bincount(columns[name][known] * 35 + columns["time"][known] // DAY, minlength=count * 35).reshape(
        count, 35
    )


def looked(columns: Columns) -> dict[str, list[tuple[int, ...]]]:
    """What each signal finds in the last week, or on one day of it, against the four weeks before."""
    late = columns["time"] >= NOW
    rules = by_day(columns, "rule", count=RULES)
    calls = np.broadcast_to(rules.sum(axis=0), rules.shape)
    slots = np.arange(35 * 24) % 24
    minutes = by_minute(columns["time"], groups=columns["reason"], group_count=REASONS, start_ms=0, hours=35 * 24)
    baseline = Baseline.of(minutes[:, : 28 * 24], slots=slots[: 28 * 24], slot_count=24)
    reads = crowds(columns["agent"], columns["person"], windows=columns["time"] // DAY).table(AGENTS, window_count=35)
    around_people = [
        crowds(columns["person"][part], columns["agent"][part], windows=columns["time"][part] // DAY)
        for part in (~late, late)
    ]
    seen = [
        np.bincount(
            np.unique(columns["channel"][part] * PEOPLE + columns["person"][part]) // PEOPLE, minlength=CHANNELS
        )
        for part in (~late, late)
    ]
    refused = columns["reason"] >= 0
    shared: dict[str, Any] = {"within_ms": 10 * MINUTE, "agent_count": AGENTS}
    tries = [
        varied(
            columns["agent"][part],
            times_ms=columns["time"][part],
            targets=columns["person"][part],
            parameters=columns["parameters"][part],
            refused=refused[part],
            **shared,
        )
        for part in (~late, late)
    ]
    sweeps = [
        swept(
            columns["agent"][part],
            times_ms=columns["time"][part],
            subjects=columns["person"][part],
            refused=refused[part],
            **shared,
        )
        for part in (~late, late)
    ]
    watches = {
        "silence": silence(rules[:, 34], calls[:, 34], past_matches=rules[:, :28], past_calls=calls[:, :28]),
        "burst": bursts(minutes[:, 28 * 24 :], slots=slots[28 * 24 :], baseline=baseline),
        "harvest": harvests(reads[:, 28:], past=reads[:, :28]),
        "crowd": gatherings(around_people[1], past=around_people[0].histogram(), share=0.25),
        "novelty": novelty([Field(before=seen[0], now=seen[1])]),
        "varied": probing(tries[1], past=tries[0], trait=1, traits=3),
        "swept": probing(sweeps[1], past=sweeps[0], trait=2, traits=3),
        "around": around(
            columns["time"][late],
            agents=columns["agent"][late],
            subjects=columns["person"][late],
            things=np.zeros_like(columns["agent"][late]),
            refused=refused[late],
            succeeded=~refused[late],
            within_ms=60 * MINUTE,
        ).watch,
    }
    return {name: [each.about for each in watch.alerts] for name, watch in watches.items() if watch.alerts}


def test_five_quiet_weeks_raise_no_alarm() -> None:
    assert looked(decisions(planted=False)) == {}


def test_what_was_planted_is_found_and_nothing_else() -> None:
    found = looked(decisions(planted=True))
    assert found.pop("burst")[0][:2] == (2, 2 * 24)
    assert set(found.pop("silence")) == {(4,), (5,)}
    assert found == {"harvest": [(3, 3)], "crowd": [(77, 33)], "novelty": [(0, 8)], "around": [(5, 11)]}


def test_the_order_of_rows_does_not_matter() -> None:
    columns = decisions(planted=True)
    order = np.random.default_rng(102).permutation(columns["time"].size)
    assert looked({name: each[order] for name, each in columns.items()}) == looked(columns)


@given(st.lists(st.tuples(st.integers(-100, 9_000_000), st.integers(-1, 2)), max_size=50), st.integers(0, 50))
def test_counts_by_minute_add_up_and_leave_out_what_is_outside(rows: list[tuple[int, int]], cut: int) -> None:
    def counted(some: list[tuple[int, int]]) -> Ints:
        times, groups = np.array(some, dtype=np.int64).reshape(-1, 2).T
        return by_minute(times, groups=groups, group_count=3, start_ms=0, hours=2)

    assert np.array_equal(counted(rows), counted(rows[:cut]) + counted(rows[cut:]))
    assert counted(rows).sum() == sum(0 <= time < 120 * MINUTE and group >= 0 for time, group in rows)
    for time, group in rows:
        if 0 <= time < 120 * MINUTE and group >= 0:
            assert counted(rows)[group, time // (60 * MINUTE), time // MINUTE % 60] >= 1


def test_a_group_beyond_those_that_are_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="groups are from 0 to 2"):
        by_minute([0], groups=[3], group_count=3, start_ms=0, hours=1)
