"""What a version of an agent is compared with: what it did before, or what the agent did with its other versions."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from services.insights.drift.histograms import Histogram, total
from services.insights.drift.seasons import Reference
from services.workbench.looks.series import Hours, Measure, Served

DAY: Final = 24
REFERENCE_HOURS: Final = 14 * DAY
GAP_HOURS: Final = DAY
"""Between the reference and an hour that is looked at: what drifts slowly does not become its own reference at once."""
LEAST_REFERENCE: Final = 300
"""Calls of a version before what it did before is a reference."""


class References:
    """References of everything that was measured, each made once."""

    def __init__(self, measured: Mapping[Measure, Hours]) -> None:
        self._measured = measured
        self._made: dict[tuple[Measure, Served, int], tuple[Reference, str] | None] = {}

    def of(self, measure: Measure, whose: Served, *, day: int) -> tuple[Reference, str] | None:
        """What a version did before a day, and ""; of a new one what the agent's others did, and their version.

        "*" stands for several others. `None` where that is too little. `day` is the first hour of the day.
        """
        asked = measure, whose, day
        if asked not in self._made:
            self._made[asked] = _reference(whose, self._measured[measure], day=day)
        return self._made[asked]


def day_of(hour: int) -> int:
    """The first hour of its day, in UTC."""
    return hour // DAY * DAY


def _reference(whose: Served, served: Hours, *, day: int) -> tuple[Reference, str] | None:
    before = range(day - GAP_HOURS - REFERENCE_HOURS, day - GAP_HOURS)
    own = {hour: each for hour, each in served[whose].items() if hour in before}
    if _size(own) >= LEAST_REFERENCE:
        return Reference.of(own), ""
    if own:  # it was there before, and did little
        return None
    others = [each for each in served if _but_version(each) == _but_version(whose) and each != whose]
    parts: dict[int, list[Histogram]] = {}
    versions = set()
    for other in others:
        for hour in served[other].keys() & set(range(before.start, day)):
            parts.setdefault(hour, []).append(served[other][hour])
            versions.add(other.version)
    merged = {hour: total(each) for hour, each in parts.items()}
    if _size(merged) < LEAST_REFERENCE:
        return None
    return Reference.of(merged), versions.pop() if len(versions) == 1 else "*"


def _but_version(served: Served) -> Served:
    """Whose versions are compared: those of the agent, or of the model that it asked."""
    return msgspec.structs.replace(served, version=served.version.rpartition("/")[0])


def _size(hours: Mapping[int, Histogram]) -> float:
    """How many values they have, added up at once: there are as many histograms as series have hours."""
    return float(np.concatenate([each.counts for each in hours.values()]).sum()) if hours else 0.0
