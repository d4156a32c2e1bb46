"""Reads sums: the histograms of each series by hour, for all customers and by segment."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.insights.drift.histograms import Histogram
from services.workbench.columns import sum_table
from services.workbench.columns.measured import Segments
from services.workbench.columns.sums import GRID, Group, Sheet, Summing
from services.workbench.columns.tally import Listed, Measure, Places, Series, Tally

_BITS: Final = 21
"""Of the place of a name in one number that says what a row is of: two million of each kind of name."""
_LAST: Final = (1 << _BITS) - 1


class _Of(NamedTuple):
    """What a histogram is of but for the hour; in the order of the fields of `Group`."""

    tenant: str
    agent: str
    version: str
    method: str
    segment: str
    measure: str
    field: str
    numbers: bool


def histograms(
    found: Mapping[str, NDArray[Any]], *, sealing: Summing, least: int, most: int
) -> Iterator[tuple[Group, Histogram]]:
    """The sums of sheets that `sum_table.BETWEEN` has found: of series with `least` values, the `most` largest.

    What is sealed is opened twice, since all of it at once may be too much.
    """
    names, codes, counts = _Names(), list[Places](), list[Places]()
    for sheet, tally in _tallies(found, sealing):
        for numbers in (False, True):
            rows = tally.rows(numbers=numbers)
            several, of = np.unique(names.coded(sheet.tenant, tally, numbers=numbers), return_inverse=True)
            codes.append(several)
            counts.append(np.bincount(of, weights=rows.counts, minlength=several.size))
    sizes = dict[_Of, float]()
    kinds, of = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *codes]), return_inverse=True)
    for code, size in zip(kinds.tolist(), np.bincount(of, weights=np.concatenate([[], *counts])), strict=True):
        for each in names.said(code):
            sizes[each] = sizes.get(each, 0.0) + size
    enough = ((each, size) for each, size in sizes.items() if size >= least)
    largest = [each for each, _ in nsmallest(most, enough, key=lambda each: (-each[1], each[0]))]
    wanted = {each: place for place, each in enumerate(largest)}
    into = {code: [wanted[each] for each in names.said(code) if each in wanted] for code in kinds.tolist()}
    for sheet, tally in _tallies(found, sealing):
        for numbers in (False, True):
            coded = names.coded(sheet.tenant, tally, numbers=numbers)
            for place, histogram in _parts(tally, coded, into, numbers=numbers):
                yield Group(*largest[place], at_hour=sheet.at_hour), histogram


class _Names:
    """Says what rows are of in one number, the same in all tallies."""

    def __init__(self) -> None:
        self._series = Listed[tuple[str, Series]]()
        self._segments = Listed[Segments]()
        self._measures = Listed[tuple[Measure, bool]]()

    def coded(self, tenant: str, tally: Tally, *, numbers: bool) -> Places:
        """One number for each row."""
        places = tally.rows(numbers=numbers).places
        if not len(places):
            return np.empty(0, dtype=np.int64)
        series = self._series.places((tenant, each) for each in tally.series)[places[:, 0]]
        segments = self._segments.places(tally.segments)[places[:, 1]]
        measures = self._measures.places((each, numbers) for each in tally.measures)[places[:, 2]]
        return series << 2 * _BITS | segments << _BITS | measures

    def said(self, code: int) -> Sequence[_Of]:
        """All that the values of such a row count for."""
        tenant, series = self._series.names[code >> 2 * _BITS]
        segments = self._segments.names[code >> _BITS & _LAST]
        measure, numbers = self._measures.names[code & _LAST]
        those = ("", *segments) if measure.of_everyone else segments
        return [_Of(tenant, *series, segment, measure.name, measure.field, numbers) for segment in those]


def _tallies(found: Mapping[str, NDArray[Any]], sealing: Summing) -> Iterator[tuple[Sheet, Tally]]:
    names = zip(found["tenant"].tolist(), found["at_hour"].tolist(), strict=True)
    for (tenant, at_hour), sealed in zip(names, found["sealed"], strict=True):
        sheet = Sheet(str(tenant), int(at_hour))
        if (tally := sum_table.opened(sheet, sealed, sealing=sealing)) is not None:
            yield sheet, tally


def _parts(
    tally: Tally, codes: Places, into: Mapping[int, Sequence[int]], *, numbers: bool
) -> Iterator[tuple[int, Histogram]]:
    """The histograms of one tally, each with its place; `into` says those that rows of a code count for."""
    rows = tally.rows(numbers=numbers)
    several, of = np.unique(codes, return_inverse=True)
    each = [into[code] for code in several.tolist()]
    widths = np.array(list(map(len, each)), dtype=np.int64)
    those = np.array(list(chain.from_iterable(each)), dtype=np.int64)
    if not those.size:
        return
    # A row for each place that it counts for: its first one, and how many places further.
    copied = np.repeat(np.arange(of.size), widths[of])
    ends = np.cumsum(widths[of])
    further = np.arange(copied.size) - np.repeat(ends - widths[of], widths[of])
    places = those[(np.cumsum(widths) - widths)[of[copied]] + further]
    keys, order = np.unique(tally.cells if numbers else np.array(tally.words, dtype=np.str_), return_inverse=True)
    its = order[rows.places[copied, -1]]
    told, at = np.unique(places * keys.size + its, return_inverse=True)
    counts = np.asarray(np.bincount(at, weights=rows.counts[copied]), dtype=np.float64)
    groups, its = np.divmod(told, keys.size)
    starts = np.flatnonzero(np.diff(groups, prepend=-1)).tolist()
    for start, end in pairwise([*starts, told.size]):
        yield int(groups[start]), Histogram(GRID if numbers else None, keys[its[start:end]], counts[start:end])
