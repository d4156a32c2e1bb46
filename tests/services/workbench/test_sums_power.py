"""A quarter of a standard deviation is found at 2,000 values a day, and series that stay as they were raise nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from services.workbench.columns import sum_table
from services.workbench.columns.database import Columns
from services.workbench.columns.gathering import Gathered
from services.workbench.columns.readings import readings_of
from services.workbench.columns.sums import Sheet
from services.workbench.columns.tally import Tally
from services.workbench.looks.drift import DriftLook
from services.workbench.looks.references import GAP_HOURS, REFERENCE_HOURS
from tests.services.workbench.calls import HOUR_MS, START_HOUR, START_MS
from tests.services.workbench.test_drift import FIRST
from tests.services.workbench.test_sums import METHOD, SCORE, Plain

HOURLY = 84
"""Values in each hour of the day that is looked at: 2,016 in all."""


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns", summing=Plain())
    yield made
    made.close()


def fill(columns: Columns, tenants: Sequence[str], *, seed: int, shift: float) -> None:
    """Two weeks of 40 scores an hour for each tenant, and a day of `HOURLY` that are higher by `shift` sigma."""
    draw, sums = np.random.default_rng(seed), dict[Sheet, Tally]()
    day = START_HOUR + FIRST
    past = range(day - GAP_HOURS - REFERENCE_HOURS, day - GAP_HOURS)
    for tenant in tenants:
        for hour in (*past, *range(day, day + 24)):
            values = draw.normal(5.0 + (shift if hour >= day else 0.0), size=HOURLY if hour >= day else 40)
            gathered = Gathered(readings_of({f"{at}": [(SCORE, value)] for at, value in enumerate(values.tolist())}))
            for at in range(len(values)):
                gathered.decided((tenant, "sales-bot", "score@1", METHOD, hour), at, verdict="ALLOW", first=True)
            sums |= gathered.sums()
    sum_table.keep(columns._engine, sums, sealing=Plain())


def found(columns: Columns) -> set[str]:
    """The tenants of which something was seen when the day was over."""
    return {each.tenant for each in DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS)}


def test_a_quarter_of_a_sigma_is_found_in_a_day_and_where_nothing_drifts_nothing_is(columns: Columns) -> None:
    drifted, same = ([f"{name}-{number}" for number in range(6)] for name in ("drifted", "same"))
    fill(columns, drifted, seed=1, shift=0.25)
    fill(columns, same, seed=2, shift=0.0)
    assert found(columns) == set(drifted)


@pytest.mark.integration
def test_of_four_hundred_series_that_stay_as_they_were_none_is_found(columns: Columns) -> None:
    fill(columns, [f"same-{number}" for number in range(400)], seed=3, shift=0.0)
    assert found(columns) == set()
