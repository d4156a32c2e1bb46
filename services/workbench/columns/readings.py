"""What is measured of the calls of one step, as numbers. Pure.

They are made where calls are opened, and summed up where sums are kept. Each value is one row of numbers: of which call
it is, what it measures, and which value. So there are no objects to make of each, nor to send from one process to
another.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.measured import LARGEST, Measured, Segments, Values, measured, segments_of
from services.workbench.columns.sums import GRID


class Readings(msgspec.Struct, frozen=True, array_like=True):
    """Of calls, each once. Places are those in the lists here."""

    calls: list[str]
    """Ids of the decisions."""
    segments: list[Segments]
    """Which segments a customer is in: each combination that came, once."""
    measures: list[tuple[str, str]]
    """What is measured: measure and field."""
    words: list[str]
    segments_of: bytes = b""
    """One 32-bit integer for each call: the place of its segments."""
    named: bytes = b""
    """Three for each word that came: the places of its call, of what it measures, and of the word."""
    numbered: bytes = b""
    """Two for each number that came: the places of its call and of what it measures."""
    cells: bytes = b""
    """One 64-bit integer for each of those: the cell of the number in `GRID`."""

    def table(self, name: str, width: int) -> NDArray[np.int64]:
        """One of those of 32-bit integers, as a table of that many columns."""
        return np.frombuffer(getattr(self, name), dtype=np.int32).astype(np.int64).reshape(-1, width)


NONE: Final = Readings(calls=[], segments=[], measures=[], words=[])


def readings_of(values: Mapping[str, Values]) -> Readings:
    """What is measured of these values, by the id of the decision."""
    segments, measures, words = dict[Segments, int](), dict[tuple[str, str], int](), dict[str, int]()
    known, of_numbers = dict[tuple[str, str], Measured | None](), dict[str, int]()
    its_segments, named, numbered, numbers = list[int](), list[int](), list[int](), list[float]()

    def measure(found: Measured) -> int:
        return measures.setdefault((found.measure, found.field), len(measures))

    for call, pairs in enumerate(values.values()):
        its = segments_of(pairs)
        its_segments.append(segments.setdefault(its, len(segments)))
        for name, value in pairs:
            kind = type(value)
            if kind is float and -LARGEST < value < LARGEST and (place := of_numbers.get(name)) is not None:
                numbered += (call, place)
                numbers.append(value)
                continue
            if kind is not str:
                found = measured(name, value, its)
            elif (name, value) in known:  # words are few; they are known for these calls only: texts are among them
                found = known[name, value]
            else:
                found = known[name, value] = measured(name, value, its)
            if found is None:
                continue
            place = measure(found)
            if isinstance(found.value, str):
                named += (call, place, words.setdefault(found.value, len(words)))
            else:
                numbered += (call, place)
                numbers.append(found.value)
                if kind is float:
                    of_numbers[name] = place
    return Readings(
        calls=list(values),
        segments=list(segments),
        measures=list(measures),
        words=list(words),
        segments_of=_packed(its_segments),
        named=_packed(named),
        numbered=_packed(numbered),
        cells=GRID.cells(np.array(numbers, dtype=np.float64)).tobytes(),
    )


def _packed(numbers: Sequence[int]) -> bytes:
    return np.array(numbers, dtype=np.int32).tobytes()
