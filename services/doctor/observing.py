"""What was seen of an installation: one thing at a time, with how bad it is. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

Part: TypeAlias = Literal[
    "processes", "store", "clocks", "certificates", "revision", "streams", "disk", "versions", "keys", "database"
]


class Grade(StrEnum):
    """How bad something is."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """It could not be looked at, for a reason that is told by itself: the store is down, for one."""
    WARNING = "warning"
    """It will become bad, or be so in another situation."""
    BAD = "bad"
    """Calls are refused, or something is lost or unprotected."""


EXIT_CODES: Final = {Grade.GOOD: 0, Grade.UNKNOWN: 0, Grade.WARNING: 1, Grade.BAD: 2}
"""Of `pilote doctor`, by the worst that was seen."""


class Observation(msgspec.Struct, frozen=True):
    """One thing that was seen; `services.doctor.texts` says it, and how to mend it."""

    part: Part
    what: str
    """Key of a text; never renamed, for whoever reads the JSON."""
    grade: Grade
    values: dict[str, str | int | float] = {}
    """What the text interpolates. No URL, no secret, no text of an exception: what names a place is a path or an
    address without credentials."""


def good(part: Part, what: str, **values: str | float) -> Observation:
    """Something that is as it should be."""
    return Observation(part, what, Grade.GOOD, values)


def unknown(part: Part, what: str, **values: str | float) -> Observation:
    """Something that could not be looked at."""
    return Observation(part, what, Grade.UNKNOWN, values)


def warning(part: Part, what: str, **values: str | float) -> Observation:
    """Something that somebody should look at today."""
    return Observation(part, what, Grade.WARNING, values)


def bad(part: Part, what: str, **values: str | float) -> Observation:
    """Something that somebody should look at now."""
    return Observation(part, what, Grade.BAD, values)


def exit_code(observations: Iterable[Observation]) -> int:
    """0 when all is well, 1 with warnings, 2 when something is bad."""
    return max((EXIT_CODES[each.grade] for each in observations), default=0)


def graded(value: float, *, warn: float, worst: float) -> Grade:
    """The grade of something that is the worse the more there is of it."""
    return Grade.BAD if value >= worst else Grade.WARNING if value >= warn else Grade.GOOD
