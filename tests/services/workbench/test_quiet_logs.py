"""Quiet logs through the look for drift itself, columns and all: how often it cries wolf, and which wolves it sees.

`-m integration -s` shows the shares.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.findings.finding import Seen
from services.workbench.columns.database import Columns
from services.workbench.looks.drift import DriftLook
from services.workbench.looks.references import GAP_HOURS, REFERENCE_HOURS
from tests.services.workbench.calls import HOUR_MS, START_MS
from tests.services.workbench.replays import DAY, clear, fill

FIRST = REFERENCE_HOURS + GAP_HOURS
"""The first hour of the day that is looked at."""
WEEK = 7


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns")
    yield made
    made.close()


def seen(columns: Columns) -> list[Seen]:
    """What is seen when the day is over: of all its hours, of itself, and what was heard in it."""
    return list(DriftLook().look(columns, now_ms=START_MS + (FIRST + DAY) * HOUR_MS))


def days_with_alarms(columns: Columns, replays: range, *, agents: int) -> list[bool]:
    """Of quiet logs of some agents, in which eight things are measured of each, whether a day raises anything."""
    found = []
    for seed in replays:
        clear(columns)
        fill(columns, np.random.default_rng(seed), hours=range(FIRST + DAY), agents=agents, hourly=12)
        alarms = seen(columns)
        found.append(bool(alarms))
        for each in alarms:
            print(seed, dict(each.about), each.shown.get("early", each.shown["hours"]))  # noqa: T201
    print(f"{sum(found)} of {len(found)} days without drift raised a finding")  # noqa: T201
    return found


def test_days_of_quiet_logs_hardly_ever_raise_anything(columns: Columns) -> None:
    assert sum(days_with_alarms(columns, range(4), agents=5)) <= 1


@pytest.mark.integration
@pytest.mark.timeout(3600)
def test_at_most_five_of_a_hundred_weeks_of_quiet_logs_raise_anything(columns: Columns) -> None:
    days = days_with_alarms(columns, range(1000, 2001), agents=2)
    weeks = [any(days[at : at + WEEK]) for at in range(0, len(days) - WEEK + 1, WEEK)]
    print(f"{sum(weeks)} of {len(weeks)} weeks")  # noqa: T201
    assert sum(weeks) <= 0.05 * len(weeks)


def slowed(columns: Columns, tenants: int) -> set[str]:
    """Tenants that are found to be slow, of whom half are, by a quarter of sigma on a day of 2,000 calls."""
    drifted, same = range(tenants), range(tenants, 2 * tenants)
    draw = np.random.default_rng(5)
    fill(columns, draw, hours=range(REFERENCE_HOURS), tenants=(*drifted, *same), agents=1, hourly=28)
    today = range(FIRST, FIRST + DAY)
    for its, slower in ((drifted, 0.25), (same, 0.0)):  # one of four is refused, and takes no time
        fill(columns, draw, hours=today, tenants=its, agents=1, hourly=2000 / DAY / 0.75, slower=slower)
    found = seen(columns)
    assert {dict(each.about)["measure"] for each in found} == {"latency"}
    assert all(n > 1800 for n in (each.n for each in found if each.shown["hours"] == DAY))
    return {each.tenant for each in found if each.shown["hours"] == DAY}


def test_a_quarter_of_a_sigma_is_found_in_a_day_of_two_thousand_calls(columns: Columns) -> None:
    assert slowed(columns, 3) == {"t0", "t1", "t2"}


@pytest.mark.integration
@pytest.mark.timeout(1800)
def test_a_quarter_of_a_sigma_is_found_nearly_always_and_only_where_it_is(columns: Columns) -> None:
    found = slowed(columns, 20)
    print(f"{len(found)} of 20")  # noqa: T201
    assert found <= {f"t{number}" for number in range(20)}
    assert len(found) >= 19
