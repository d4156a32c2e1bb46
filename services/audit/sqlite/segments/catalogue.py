"""Which segments there are: a table of the main file, and the same as a value that readers look at."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from services.audit.sqlite.segments.hours import hour_of, name_of


class Segment(msgspec.Struct, frozen=True):
    """One hour of decisions.

    It has a SQLite file, a Parquet file or both. With both, the SQLite file either has all decisions too, and is read
    alone; or it lies over the Parquet file and has only those that have changed since that was written.
    """

    hour: int
    file: str
    """Name of its SQLite file; empty for none."""
    decisions: int
    first: str
    """The least id."""
    last: str
    """The greatest id."""
    whole: bool = True
    """Whether the SQLite file has all of its decisions."""
    changed: bool = True
    """Whether the SQLite file has something that the Parquet file has not."""
    sealed: str = ""
    """Name of its Parquet file; empty for none."""
    sealed_ms: int = 0
    bytes: int = 0
    """Of the Parquet file."""
    files: int = 1
    """How many SQLite and Parquet files it has had."""
    over_ms: int = 0
    """When the first of the decisions in its Parquet file has been kept for long enough; 0 where that is not known."""
    dropped: int = 0
    """How many have been, and are gone."""

    @property
    def cold(self) -> str:
        """The Parquet file that is read for it; empty where the SQLite file has everything."""
        return "" if self.file and self.whole else self.sealed


Catalogue = Mapping[int, Segment]
"""Segments by their hours, in the order of time."""

_NAMES: Final = tuple(field.name for field in msgspec.structs.fields(Segment))
_COLUMNS: Final = ", ".join(_NAMES)
_GROW: Final = """INSERT INTO segment (hour, file, decisions, first, last) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (hour) DO UPDATE SET decisions = decisions + excluded.decisions,
 first = min(first, excluded.first), last = max(last, excluded.last)"""
_TOUCH: Final = f"""UPDATE segment SET changed = 1, whole = (file <> '' AND whole),
 files = files + (file = ''), file = iif(file = '', ? || '.' || files || '.sqlite', file)
 WHERE hour = ? RETURNING {_COLUMNS}"""  # noqa: S608
_PUT: Final = f"UPDATE segment SET {', '.join(f'{name} = ?' for name in _NAMES[1:])} WHERE hour = ?"  # noqa: S608


def load(connection: sqlite3.Connection) -> Catalogue:
    """All segments."""
    found = connection.execute(f"SELECT {_COLUMNS} FROM segment ORDER BY hour")  # noqa: S608
    return {row[0]: _segment(row) for row in found}


def grow(connection: sqlite3.Connection, new: Iterable[str], *, also: Iterable[int]) -> tuple[Segment, ...]:
    """Count decisions that are stored for the first time, by their ids; returns their segments.

    Those and the segments of the hours in `also` are going to be written to, which takes a SQLite file.
    """
    hours: dict[int, list[str]] = {}
    for decision in new:
        hours.setdefault(hour_of(decision), []).append(decision)
    rows = [(hour, f"{name_of(hour)}.sqlite", len(ids), min(ids), max(ids)) for hour, ids in hours.items()]
    connection.executemany(_GROW, rows)
    touched = (connection.execute(_TOUCH, (name_of(hour), hour)).fetchone() for hour in sorted({*hours, *also}))
    return tuple(_segment(row) for row in touched)


def put(connection: sqlite3.Connection, segment: Segment) -> None:
    """Keep a segment as it is now."""
    hour, *values = msgspec.structs.astuple(segment)
    connection.execute(_PUT, (*values, hour))


def with_changes(catalogue: Catalogue, changed: Iterable[Segment]) -> Catalogue:
    """The list with these segments as they are now."""
    return dict(sorted({**catalogue, **{segment.hour: segment for segment in changed}}.items()))


def newest_first(catalogue: Catalogue, *, low: int, high: int) -> Iterator[Segment]:
    """The segments of these hours, both included."""
    return (catalogue[hour] for hour in reversed(tuple(catalogue)) if low <= hour <= high)


def _segment(row: tuple[object, ...]) -> Segment:
    return msgspec.convert(dict(zip(_NAMES, row, strict=True)), Segment, strict=False)
