"""Gathers what was measured of the calls of one step by what it will be sums of, and sums it up all at once. Pure."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from services.workbench.columns.measured import Segments
from services.workbench.columns.readings import Readings
from services.workbench.columns.sums import GRID, LATENCY, VERDICT, Sheet
from services.workbench.columns.tally import Measure, Places, Series, Tally, only_used, summed

Whose = tuple[str, str, str, str, int]
"""Tenant, agent, version, method, and hour since the epoch."""
_VERDICT: Final = Measure(VERDICT, "", of_everyone=False)
_LATENCY: Final = Measure(LATENCY, "", of_everyone=False)


class Gathered:
    """What is summed up of one step; `readings` has what was measured of its calls."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._its_segments = readings.table("segments_of", 1)[:, 0]
        self._places: list[int] = self._its_segments.tolist()
        self._whose: dict[Whose, int] = {}
        self._first = np.full(len(readings.calls), -1, dtype=np.int64)
        self._words = {word: place for place, word in enumerate(readings.words)}
        self._segments = {segments: place for place, segments in enumerate(readings.segments)}
        self._decided = list[int]()
        self._took = list[int]()
        self._took_us = list[float]()

    def segments(self, call: int) -> Segments:
        """The segments of a call's customer."""
        return self._readings.segments[self._places[call]]

    def decided(self, whose: Whose, call: int, *, verdict: str, first: bool) -> None:
        """What a call was decided by, where it is the `first` one that counts; how, by segment, at every one."""
        place, words = self._whose.setdefault(whose, len(self._whose)), self._words
        # Every call: who was refused was so at a later one, as often as not.
        if self.segments(call):
            self._decided += (place, self._places[call], words.setdefault(verdict, len(words)))
        if first:
            self._first[call] = place

    def took(self, whose: Whose, segments: Segments, *, took_us: float) -> None:
        """How long a call took, by segment; of one that was decided in an earlier step, too."""
        place = self._whose.setdefault(whose, len(self._whose))
        self._took += (place, self._segments.setdefault(segments, len(self._segments)))
        self._took_us.append(took_us)

    def sums(self) -> Mapping[Sheet, Tally]:
        """All of them."""
        readings = self._readings
        measures = [*(Measure(*each, of_everyone=True) for each in readings.measures), _VERDICT, _LATENCY]
        decided = np.array(self._decided, dtype=np.int64).reshape(-1, 3)
        decided = np.insert(decided, 2, len(measures) - 2, axis=1)
        named = np.concatenate((self._of_first(readings.table("named", 3)), decided))

        took_us = GRID.cells(np.array(self._took_us, dtype=np.float64))
        of_calls = np.frombuffer(readings.cells, dtype=np.int64)
        cells, places = np.unique(np.concatenate((of_calls, took_us)), return_inverse=True)
        took = np.array(self._took, dtype=np.int64).reshape(-1, 2)
        took = np.column_stack((took, np.full(len(took), len(measures) - 1), places[of_calls.size :]))
        numbered = np.column_stack((readings.table("numbered", 2), places[: of_calls.size]))
        numbered = np.concatenate((self._of_first(numbered), took))
        lists = list(self._segments), measures, list(self._words), cells
        return _by_sheet(list(self._whose), lists, named=named, numbered=numbered)

    def _of_first(self, rows: Places) -> Places:
        """Of rows of calls those that count: whose, segments, measure, key."""
        calls = rows[:, 0]
        whose = self._first[calls]
        return np.column_stack((whose, self._its_segments[calls], rows[:, 1:]))[whose >= 0]


def _by_sheet(
    whose: list[Whose],
    lists: tuple[list[Segments], list[Measure], list[str], Places],
    *,
    named: Places,
    numbered: Places,
) -> Mapping[Sheet, Tally]:
    if not whose:
        return {}
    sheets, series = dict[Sheet, int](), dict[Series, int]()
    its_sheet = np.array([sheets.setdefault(Sheet(each[0], each[-1]), len(sheets)) for each in whose], dtype=np.int64)
    its_series = np.array([series.setdefault(Series(*each[1:-1]), len(series)) for each in whose], dtype=np.int64)
    parts = []
    for rows in (named, numbered):
        of = its_sheet[rows[:, 0]]
        rows[:, 0] = its_series[rows[:, 0]]
        order = np.argsort(of, kind="stable")
        ends = np.cumsum(np.bincount(of, minlength=len(sheets)))
        parts.append(np.split(rows[order], ends[:-1]))
    found = {
        sheet: only_used(Tally(list(series), *lists, summed(its_named), summed(its_numbered)))
        for sheet, its_named, its_numbered in zip(sheets, *parts, strict=True)
    }
    return {sheet: tally for sheet, tally in found.items() if tally.series}
