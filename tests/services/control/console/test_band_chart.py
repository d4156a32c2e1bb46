"""An experiment's interval over time, as the chart takes it."""

import datetime as dt
import json
import math
from typing import Final

import msgspec

from services.control.console.models.learning import chart_of
from services.control.experiments_shown import ExperimentStanding, LookShown, MeasureShown

LABELS: Final = ("difference", "from", "to")
LINE: Final = MeasureShown(
    variation="warm",
    measure="reply_rate",
    value=0.12,
    control=0.1,
    difference=0.02,
    low=-0.01,
    high=0.05,
    lift=None,
    lift_low=None,
    lift_high=None,
    p_value=None,
    verdict="INCONCLUSIVE",
)


def look(hour: int, *lines: MeasureShown) -> LookShown:
    """What was known at that hour."""
    end = dt.datetime(2026, 11, 28, hour, tzinfo=dt.UTC)
    return LookShown(end_time=end, counts=(), measures=lines, comparable=True)


def experiment(*looks: LookShown) -> ExperimentStanding:
    """The last look is that of now."""
    return ExperimentStanding(
        name="tone",
        hypothesis="",
        state="running",
        route="",
        layer="",
        unit="subject",
        coverage=1.0,
        variations=(),
        measures=("reply_rate",),
        min_sample=1000,
        alpha=0.05,
        start_time=None,
        line_alpha=0.05,
        now=looks[-1],
        looks=looks[:-1],
    )


def test_what_was_not_known_yet_is_a_gap_and_rates_are_in_points() -> None:
    unknown = msgspec.structs.replace(LINE, difference=None, low=-math.inf, high=math.nan)
    chart = chart_of(experiment(look(8), look(9, unknown), look(10, LINE)), LINE, LABELS)
    assert [each["values"] for each in chart["data"]["series"]] == [
        [None, None, 2.0],
        [None, None, -1.0],
        [None, None, 5.0],
    ]
    assert (chart["kind"], chart["unit"], len(chart["data"]["at"])) == ("band", " pt", 3)
    json.dumps(chart, allow_nan=False)


def test_what_is_no_rate_keeps_its_unit() -> None:
    latency = msgspec.structs.replace(LINE, measure="latency_ms", difference=3.5, low=1.0, high=6.0)
    chart = chart_of(experiment(look(10, latency)), latency, LABELS)
    assert [each["values"] for each in chart["data"]["series"]] == [[3.5], [1.0], [6.0]]
    assert chart["unit"] == ""
