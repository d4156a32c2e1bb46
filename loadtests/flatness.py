"""Whether what a call costs grows with the size of something: a line through the costs of one round, for each round."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

THRESHOLDS: Final = Path(__file__).with_name("growth_thresholds.json")


class Line(NamedTuple):
    """A line through costs over the logarithm of sizes, by least squares."""

    at_smallest_us: float
    tenfold_us: float
    """How much more a call costs where there is ten times as much."""
    rise: float
    """What the line says of the largest size, over what it says of the smallest."""


def line(costs: Mapping[int, float]) -> Line:
    """The line through the costs of a round, microseconds by size.

    Raises:
        ValueError: there are fewer than two sizes.
    """
    tens = [math.log10(count) for count in costs]
    if len(tens) < 2:
        raise ValueError("a line needs two sizes or more")
    slope, intercept = statistics.linear_regression(tens, list(costs.values()))
    first, last = intercept + slope * min(tens), intercept + slope * max(tens)
    return Line(first, slope, last / first)


def flatness(rounds: Sequence[Mapping[int, float]]) -> dict[str, Any]:
    """What the rounds of one dimension come to: median, least and most of their lines' rises and slopes."""
    lines = [line(costs) for costs in rounds]
    return {
        "rise": _spread([each.rise for each in lines], digits=3),
        "tenfold_us": _spread([each.tenfold_us for each in lines], digits=1),
    }


def _spread(figures: Sequence[float], *, digits: int) -> dict[str, float]:
    found = {"median": statistics.median(figures), "min": min(figures), "max": max(figures)}
    return {name: round(figure, digits) for name, figure in found.items()}


def budgets() -> dict[str, float]:
    """The largest rise of each dimension that counts as flat."""
    return {name: budget["max"] for name, budget in json.loads(THRESHOLDS.read_text()).items()}


def steep(found: Mapping[str, Any], limits: Mapping[str, float]) -> list[str]:
    """Names of the dimensions in which a call costs more as they grow: half of the rounds or more say so."""
    return [name for name, its in found.items() if its["rise"]["median"] > limits[name]]
