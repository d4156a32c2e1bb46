"""What is measured of the values that a call was decided by: numbers, words that many share, lengths of texts. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

SCORE: Final = "score"
FACT: Final = "fact"
INPUT: Final = "input"
LENGTH: Final = "length"
SEGMENTS: Final = "segments"
NONE: Final = "∅"
"""The word for a value that is not there."""
LARGEST: Final = 1e300
"""Larger numbers count as this one."""
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


def measured(name: str, value: Any, segments: Segments) -> Measured | None:
    """What is measured of a value of that name; `segments` are those of the customer. `None`: nothing of that name."""
    if name == _SEGMENTS_OF:
        return Measured(SEGMENTS, "", " + ".join(segments) or NONE)
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
    return max(-LARGEST, min(float(value), LARGEST)) if abs(value) < 1 << 1000 else math.nan


def _is_word(text: str) -> bool:
    """Whether it may be one of few: a free text, a number and an id are none."""
    return _WORD.fullmatch(text) is not None and len(_DIGIT.findall(text)) <= _MOST_DIGITS


def _words(found: Any) -> Iterable[str]:
    listed = found if isinstance(found, list | tuple) else ()
    return {each for each in listed if isinstance(each, str) and 0 < len(each) <= 63 and each != _CUT}
