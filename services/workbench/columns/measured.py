"""What is measured of the values that a call was decided by: numbers, words that many share, lengths of texts. Pure."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

SCORE: Final = "score"
FACT: Final = "fact"
INPUT: Final = "input"
LENGTH: Final = "length"
SEGMENTS: Final = "segments"
NONE: Final = "∅"
"""The word for a value that is not there."""
MOST_SEGMENTS: Final = 8
"""Of one customer, by name; what is measured of them counts in each."""
_SEGMENTS_OF: Final = "facts.segments"
_SCORES: Final = ("facts.scores[", "facts.pressure")
_WORD: Final = re.compile(r"[^\W\d_][\w.:/+-]{0,39}")
_DIGIT: Final = re.compile(r"\d")
_MOST_DIGITS: Final = 3
"""Of a word; with more it is a number, a date or an id, and only its length is measured."""
_CUT: Final = "…"
"""The last element of a list that was too long to be recorded."""

Values = Sequence[tuple[str, Any]]
"""Names and values, as `gateway.core.used.UsedValues` has them; none of them personal by its contract."""


class Measured(msgspec.Struct, frozen=True):
    """One thing that is measured of a call."""

    measure: str
    field: str
    """Its name as a condition writes it."""
    value: float | str
    """A word, or a number; NaN for one that is not there."""


Segments = tuple[str, ...]
"""Names of them, in order."""


def segments_of(values: Values) -> Segments:
    """The segments of the customer, by name; none where nothing says them."""
    for name, value in values:
        if name == _SEGMENTS_OF:
            return tuple(sorted(_words(value))[:MOST_SEGMENTS])
    return ()


class Measuring:
    """Says what is measured of values; knows the words that have come, which are few, for as long as it is kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Measured | None] = {}

    def of(self, values: Values, segments: Segments) -> Iterator[Measured]:
        """What is measured of these values, each name once; `segments` are those that they say."""
        known = self._known
        for name, value in values:
            if name == _SEGMENTS_OF:
                found: Measured | None = Measured(SEGMENTS, "", " + ".join(segments) or NONE)
            elif type(value) is not str:
                found = _measured(name, value)
            elif (name, value) in known:
                found = known[name, value]
            else:
                found = known[name, value] = _measured(name, value)
            if found is not None:
                yield found


def _measured(name: str, value: Any) -> Measured | None:
    if name.startswith(_SCORES):
        return Measured(SCORE, name, _number(value))
    if name.startswith("facts."):
        return _one(FACT, name, value)
    return _one(INPUT, name, value) if name.startswith("request.") else None


def _one(measure: str, name: str, value: Any) -> Measured:
    match value:
        case bool():
            return Measured(measure, name, str(value).lower())
        case int() | float():
            return Measured(measure, name, _number(value))
        case {"size": int() as size}:
            return Measured(measure, name, float(size))
        case {"set": bool() as there}:
            return Measured(measure, name, str(there).lower())
        case list() | tuple():
            return Measured(measure, name, float(len(value)))
        case str() if _is_word(value):
            return Measured(measure, name, value)
        case str() if value:
            return Measured(LENGTH, name, float(len(value)))
    return Measured(measure, name, NONE)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return max(-1e300, min(float(value), 1e300)) if abs(value) < 1 << 1000 else math.nan


def _is_word(text: str) -> bool:
    """Whether it may be one of few: a free text, a number and an id are none."""
    return _WORD.fullmatch(text) is not None and len(_DIGIT.findall(text)) <= _MOST_DIGITS


def _words(found: Any) -> Iterable[str]:
    listed = found if isinstance(found, list | tuple) else ()
    return {each for each in listed if isinstance(each, str) and 0 < len(each) <= 63 and each != _CUT}
