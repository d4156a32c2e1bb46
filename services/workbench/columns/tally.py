"""How often each value came in one hour, and of what: tables of numbers, that are added up and rest as such. Pure.

What a row is of stands there by its place in lists, each name once. Most of a tally's rows count one value, and there
are millions: so no row is an object, and calls of customers in several segments are one row, told apart where it is
read.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.measured import Segments

Places = NDArray[np.int64]
_T = TypeVar("_T")
_FARTHEST: Final = 1 << 62
WIDTH: Final = 4
"""Columns of `Rows.places`."""


class Listed(Generic[_T]):
    """Names, each once, by place."""

    def __init__(self) -> None:
        self._places: dict[_T, int] = {}
        self.names = list[_T]()

    def places(self, names: Iterable[_T]) -> Places:
        """Those of these names; new ones are added."""
        found = list[int]()
        for name in names:
            place = self._places.setdefault(name, len(self.names))
            if place == len(self.names):
                self.names.append(name)
            found.append(place)
        return np.array(found, dtype=np.int64)


class Rows(NamedTuple):
    """How often each value came."""

    places: Places
    """Of each row the series, the segments, the measure, and the word or cell."""
    counts: Places

    def moved(self, *to: Sequence[int] | Places) -> "Rows":
        """The same, with each column's places those of other lists."""
        if not len(self.places):
            return self
        columns = (np.asarray(each)[column] for each, column in zip(to, self.places.T, strict=True))
        return Rows(np.column_stack(tuple(columns)), self.counts)


class Series(NamedTuple):
    """Whose calls, of one tenant."""

    agent: str
    version: str
    method: str


class Measure(NamedTuple):
    """What was measured of calls."""

    name: str
    field: str
    of_everyone: bool
    """Whether it counts for all customers too, and not by segment only."""


class Tally(NamedTuple):
    """Of one tenant and hour; places are those in the lists here."""

    series: Sequence[Series]
    segments: Sequence[Segments]
    measures: Sequence[Measure]
    words: Sequence[str]
    cells: Places
    """Of `GRID`, in order."""
    named: Rows
    numbered: Rows

    def rows(self, *, numbers: bool) -> Rows:
        """Those of numbers, or of words."""
        return self.numbered if numbers else self.named


def summed(places: Places, counts: Places | None = None) -> Rows:
    """Rows, each once, with how often it came; `counts` says how often each of these did, if not once."""
    if not len(places):
        return Rows(np.empty((0, WIDTH), dtype=np.int64), np.empty(0, dtype=np.int64))
    code, bound = np.zeros(len(places), dtype=np.int64), 1
    for column in places.T:  # all columns as one number
        size = int(column.max()) + 1
        if bound * size >= _FARTHEST:
            several, code = np.unique(code, return_inverse=True)
            bound = several.size
        code, bound = code * size + column, bound * size
    if counts is None:
        _, first, sums = np.unique(code, return_index=True, return_counts=True)
    else:
        _, first, of = np.unique(code, return_index=True, return_inverse=True)
        sums = np.bincount(of, weights=counts).astype(np.int64)
    return Rows(places[first], sums)


def only_used(tally: Tally) -> Tally:
    """The same, without what no row is of."""
    named, numbered = tally.named.places, tally.numbered.places
    used = [np.unique(np.concatenate((named[:, at], numbered[:, at]))) for at in range(WIDTH - 1)]
    words, cells = np.unique(named[:, -1]), np.unique(numbered[:, -1])
    sizes = len(tally.series), len(tally.segments), len(tally.measures)
    to = [_moves(each, size) for each, size in zip(used, sizes, strict=True)]
    return Tally(
        [tally.series[at] for at in used[0].tolist()],
        [tally.segments[at] for at in used[1].tolist()],
        [tally.measures[at] for at in used[2].tolist()],
        [tally.words[at] for at in words.tolist()],
        tally.cells[cells],
        tally.named.moved(*to, _moves(words, len(tally.words))),
        tally.numbered.moved(*to, _moves(cells, len(tally.cells))),
    )


def added(one: Tally, more: Tally) -> Tally:
    """Both together."""
    series, segments, measures, words = Listed[Series](), Listed[Segments](), Listed[Measure](), Listed[str]()
    cells = np.union1d(one.cells, more.cells)
    named, numbered = list[Rows](), list[Rows]()
    for each in (one, more):
        to = series.places(each.series), segments.places(each.segments), measures.places(each.measures)
        named.append(each.named.moved(*to, words.places(each.words)))
        numbered.append(each.numbered.moved(*to, np.searchsorted(cells, each.cells)))
    lists = series.names, segments.names, measures.names, words.names
    return Tally(*lists, cells, _together(named), _together(numbered))


def packed(tally: Tally) -> bytes:
    """It as bytes; `unpacked` gives it again."""
    told = _Packed(
        series=list(tally.series),
        segments=list(tally.segments),
        measures=list(tally.measures),
        words=list(tally.words),
        cells=tally.cells.tobytes(),
        named=_columns(tally.named),
        numbered=_columns(tally.numbered),
    )
    return _encode(told)


def unpacked(told: bytes) -> Tally:
    """The tally of these bytes."""
    found = _packed.decode(told)
    cells = np.frombuffer(found.cells, dtype=np.int64)
    lists = found.series, found.segments, found.measures, found.words
    return Tally(*lists, cells, _rows(found.named), _rows(found.numbered))


_Column = tuple[str, bytes]
"""Whole numbers: numpy's name of their kind, and they."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    series: list[Series]
    segments: list[Segments]
    measures: list[Measure]
    words: list[str]
    cells: bytes
    named: list[_Column]
    numbered: list[_Column]


_encode: Final = msgspec.msgpack.Encoder().encode
_packed: Final = msgspec.msgpack.Decoder(_Packed)


def _columns(rows: Rows) -> list[_Column]:
    """As few bytes a number as the largest one of a column needs: most places are those in short lists."""
    if not len(rows.places):
        return []
    small = (each.astype(np.min_scalar_type(int(each.max()))) for each in (*rows.places.T, rows.counts))
    return [(each.dtype.str, each.tobytes()) for each in small]


def _rows(columns: Sequence[_Column]) -> Rows:
    if not columns:
        return summed(np.empty((0, WIDTH), dtype=np.int64))
    *places, counts = (np.frombuffer(told, dtype=kind).astype(np.int64) for kind, told in columns)
    return Rows(np.column_stack(places), counts)


def _moves(used: Places, size: int) -> Places:
    """Of each place of a list the one in the list of the used ones."""
    moves = np.zeros(size, dtype=np.int64)
    moves[used] = np.arange(used.size)
    return moves


def _together(parts: Iterable[Rows]) -> Rows:
    places, counts = zip(*parts, strict=True)
    return summed(np.concatenate(places), np.concatenate(counts))
