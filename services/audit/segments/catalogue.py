"""Which segments there are: a table of the main file, and the same as a value that readers look at."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from services.audit.segments.hours import hour_of, name_of

_COLUMNS: Final = "hour, file, decisions, first, last"
_GROW: Final = f"""INSERT INTO segment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (hour) DO UPDATE SET decisions = decisions + excluded.decisions,
 first = min(first, excluded.first), last = max(last, excluded.last) RETURNING {_COLUMNS}"""  # noqa: S608


class Segment(msgspec.Struct, frozen=True):
    """One hour of decisions."""

    hour: int
    file: str
    """Name of its SQLite file."""
    decisions: int
    first: str
    """The least id."""
    last: str
    """The greatest id."""


Catalogue = Mapping[int, Segment]
"""Segments by their hours, in the order of time."""


def load(connection: sqlite3.Connection) -> Catalogue:
    """All segments."""
    found = connection.execute(f"SELECT {_COLUMNS} FROM segment ORDER BY hour")  # noqa: S608
    return {row[0]: Segment(*row) for row in found}


def grow(connection: sqlite3.Connection, new: Iterable[str]) -> tuple[Segment, ...]:
    """Count decisions that are stored for the first time, by their ids; returns their segments."""
    hours: dict[int, list[str]] = {}
    for decision in new:
        hours.setdefault(hour_of(decision), []).append(decision)
    rows = [(hour, f"{name_of(hour)}.sqlite", len(ids), min(ids), max(ids)) for hour, ids in hours.items()]
    return tuple(Segment(*connection.execute(_GROW, row).fetchone()) for row in rows)


def with_changes(catalogue: Catalogue, changed: Iterable[Segment]) -> Catalogue:
    """The list with these segments as they are now."""
    return dict(sorted({**catalogue, **{segment.hour: segment for segment in changed}}.items()))


def newest_first(catalogue: Catalogue, *, low: int, high: int) -> Iterator[Segment]:
    """The segments of these hours, both included."""
    return (catalogue[hour] for hour in reversed(tuple(catalogue)) if low <= hour <= high)
