"""Gathers values of calls by what their sums will be of, and sums them up all at once. Pure.

Each value is one row of numbers: whose it is, what it is of, and which value. So there are no small lists to make, of
which there would be as many as sums.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.measured import Measuring, Segments, Values
from services.workbench.columns.sums import GRID, VERDICT, Counts, Kind, Sheet, Sums

Whose = tuple[str, str, str, str, int]
"""The fields of a `Sheet`."""
_WIDTH: Final = 3


class Gathered:
    """Values of the calls of one step."""

    def __init__(self) -> None:
        self._sheets: dict[Whose, int] = {}
        self._kinds: dict[tuple[tuple[str, ...], str, str, bool], int] = {}
        self._words: dict[str, int] = {}
        self._named = list[int]()
        self._numbered = list[int]()
        self._numbers = list[float]()
        self._measuring = Measuring()  # for these values only: texts of customers are among them

    def decided(self, whose: Whose, values: Values, segments: Segments, *, verdict: str, first: bool) -> None:
        """What a call was decided by, where it is the `first` one that counts; how, by segment, at every one."""
        sheet, words = self._sheets.setdefault(whose, len(self._sheets)), self._words
        if segments:  # every call of it: who was refused was so at a later one, as often as not
            kind = self._kind(segments, VERDICT, "", numbers=False)
            self._named += (sheet, kind, words.setdefault(verdict, len(words)))
        if first:
            everyone = ("", *segments)
            for each in self._measuring.of(values, segments):
                value = each.value
                if isinstance(value, str):
                    kind = self._kind(everyone, each.measure, each.field, numbers=False)
                    self._named += (sheet, kind, words.setdefault(value, len(words)))
                else:
                    self._numbered += (sheet, self._kind(everyone, each.measure, each.field, numbers=True))
                    self._numbers.append(value)

    def took(self, whose: Whose, segments: Segments, *, measure: str, value: float) -> None:
        """A number that is measured of a call by segment only."""
        sheet = self._sheets.setdefault(whose, len(self._sheets))
        self._numbered += (sheet, self._kind(segments, measure, "", numbers=True))
        self._numbers.append(value)

    def sums(self) -> Sums:
        """All of them."""
        found = dict[int, dict[Kind, Counts]]()
        kinds = [
            [(segment, measure, field, numbers) for segment in segments]
            for segments, measure, field, numbers in self._kinds
        ]
        named = np.array(self._named, dtype=np.int64).reshape(-1, _WIDTH)
        _add(found, named[:, 0], named[:, 1], named[:, 2], keys=list(self._words), kinds=kinds)
        numbered = np.array(self._numbered, dtype=np.int64).reshape(-1, _WIDTH - 1)
        cells, places = np.unique(GRID.cells(np.array(self._numbers, dtype=np.float64)), return_inverse=True)
        _add(found, numbered[:, 0], numbered[:, 1], places, keys=cells.tolist(), kinds=kinds)
        sheets = list(self._sheets)
        return {Sheet(*sheets[sheet]): its for sheet, its in found.items()}

    def _kind(self, segments: tuple[str, ...], measure: str, field: str, *, numbers: bool) -> int:
        kinds, asked = self._kinds, (segments, measure, field, numbers)
        return kinds.setdefault(asked, len(kinds))


def _add(
    found: dict[int, dict[Kind, Counts]],
    sheets: NDArray[np.int64],
    kinds_of: NDArray[np.int64],
    places: NDArray[np.int64],
    *,
    keys: Sequence[Any],
    kinds: Sequence[Sequence[Kind]],
) -> None:
    """Count how often each key came in each sheet, and add that to each of the kinds that it is of.

    What tells a count apart is one number: of a step's entries none of the three is above 2^22, and sheets are no more
    than entries, fewer than 2^17.
    """
    if not sheets.size:
        return
    of = sheets * len(kinds) + kinds_of
    told, counts = np.unique(of * len(keys) + places, return_counts=True)
    groups, place = np.divmod(told, len(keys))
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    named = [keys[at] for at in place.tolist()]
    amounts, bounds = counts.tolist(), [*starts.tolist(), told.size]
    for group, (start, end) in zip(groups[starts].tolist(), pairwise(bounds), strict=True):
        sheet, kind = divmod(group, len(kinds))
        its = found.setdefault(sheet, {})
        for each in kinds[kind]:
            there = its.get(each)
            if there is None:
                its[each] = dict(zip(named[start:end], amounts[start:end], strict=True))
            else:
                for key, amount in zip(named[start:end], amounts[start:end], strict=True):
                    there[key] = there.get(key, 0) + amount
