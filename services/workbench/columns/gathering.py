"""Gathers what was measured of calls by what its sums will be of, and sums it up all at once. Pure."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.measured import Segments
from services.workbench.columns.readings import Readings
from services.workbench.columns.sums import GRID, LATENCY, VERDICT, Counts, Kind, Sheet, Sums

Whose = tuple[str, str, str, str, int]
"""The fields of a `Sheet`."""
_KINDS: Final = 65_536
"""Whose names are kept of one step."""


class Gathered:
    """What is summed up of one step; `readings` has what was measured of its calls."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._its_segments = readings.table("segments_of", 1)[:, 0]
        self._places: list[int] = self._its_segments.tolist()
        self._sheets: dict[Whose, int] = {}
        self._first = np.full(len(readings.calls), -1, dtype=np.int64)
        self._verdicts: dict[str, int] = {}
        self._decided = list[int]()
        self._segments: dict[Segments, int] = {}
        self._took = list[int]()
        self._took_us = list[float]()

    def segments(self, call: int) -> Segments:
        """The segments of a call's customer."""
        return self._readings.segments[self._places[call]]

    def decided(self, whose: Whose, call: int, *, verdict: str, first: bool) -> None:
        """What a call was decided by, where it is the `first` one that counts; how, by segment, at every one."""
        sheet = self._sheets.setdefault(whose, len(self._sheets))
        # Every call: who was refused was so at a later one, as often as not.
        self._decided += (sheet, call, self._verdicts.setdefault(verdict, len(self._verdicts)))
        if first:
            self._first[call] = sheet

    def took(self, whose: Whose, segments: Segments, *, took_us: float) -> None:
        """How long a call took, by segment; of one that was decided in an earlier step, too."""
        sheet = self._sheets.setdefault(whose, len(self._sheets))
        self._took += (sheet, self._segments.setdefault(segments, len(self._segments)))
        self._took_us.append(took_us)

    def sums(self) -> Sums:
        """All of them."""
        found = dict[int, dict[Kind, Counts]]()
        readings = self._readings
        self._add_measured(found, readings.table("named", 3), keys=readings.words, numbers=False)
        cells, places = np.unique(np.frombuffer(readings.cells, dtype=np.int64), return_inverse=True)
        numbered = np.column_stack((readings.table("numbered", 2), places))
        self._add_measured(found, numbered, keys=cells.tolist(), numbers=True)

        decided = np.array(self._decided, dtype=np.int64).reshape(-1, 3)
        decided[:, 1] = self._its_segments[decided[:, 1]]
        _add(found, decided, keys=list(self._verdicts), kinds=_by_segment(readings.segments, VERDICT, numbers=False))

        cells, places = np.unique(GRID.cells(np.array(self._took_us, dtype=np.float64)), return_inverse=True)
        took = np.column_stack((np.array(self._took, dtype=np.int64).reshape(-1, 2), places))
        _add(found, took, keys=cells.tolist(), kinds=_by_segment(list(self._segments), LATENCY, numbers=True))
        sheets = list(self._sheets)
        return {Sheet(*sheets[sheet]): its for sheet, its in found.items() if its}

    def _add_measured(
        self,
        found: dict[int, dict[Kind, Counts]],
        rows: NDArray[np.int64],
        *,
        keys: Sequence[Any],
        numbers: bool,
    ) -> None:
        """Of the calls that count; `rows` have the call, what is measured of it, and which key."""
        readings, calls = self._readings, rows[:, 0]
        measures = len(readings.measures)
        kinds = self._its_segments[calls] * measures + rows[:, 1]

        @lru_cache(_KINDS)
        def named(kind: int) -> Sequence[Kind]:
            segments, measure = divmod(kind, measures)
            everyone = ("", *readings.segments[segments])
            return [(segment, *readings.measures[measure], numbers) for segment in everyone]

        sheets = self._first[calls]
        those = np.column_stack((sheets, kinds, rows[:, 2]))[sheets >= 0]
        _add(found, those, keys=keys, kinds=named)


def _by_segment(segments: Sequence[Segments], measure: str, *, numbers: bool) -> Callable[[int], Sequence[Kind]]:
    kinds = [[(segment, measure, "", numbers) for segment in those] for those in segments]
    return kinds.__getitem__


def _add(
    found: dict[int, dict[Kind, Counts]],
    rows: NDArray[np.int64],
    *,
    keys: Sequence[Any],
    kinds: Callable[[int], Sequence[Kind]],
) -> None:
    """Count how often each key came in each sheet, and add that to each of the kinds that it is of.

    `rows` have the places of a sheet, of kinds and of a key. Together they are one number, which tells a count apart:
    of a step's entries none of the three is above 2^22, and sheets are no more than entries, fewer than 2^17.
    """
    if not len(rows):
        return
    most, width = int(rows[:, 1].max()) + 1, len(keys)
    told, counts = np.unique((rows[:, 0] * most + rows[:, 1]) * width + rows[:, 2], return_counts=True)
    groups, place = np.divmod(told, width)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    named = [keys[at] for at in place.tolist()]
    amounts, bounds = counts.tolist(), [*starts.tolist(), told.size]
    for group, (start, end) in zip(groups[starts].tolist(), pairwise(bounds), strict=True):
        sheet, kind = divmod(group, most)
        its, more = found.setdefault(sheet, {}), dict(zip(named[start:end], amounts[start:end], strict=True))
        for each in kinds(kind):
            there = its.setdefault(each, more)
            if there is more:
                more = more.copy()
            else:
                for key, amount in more.items():
                    there[key] = there.get(key, 0) + amount
