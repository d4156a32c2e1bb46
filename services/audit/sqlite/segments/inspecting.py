"""Looks through the files of a store from outside: what there is, and whether it can be read. Changes nothing."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from services.audit.sqlite.segments import catalogue, lookups
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.duck import Duck, Error
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import hour_of, name_of
from services.audit.sqlite.segments.rows import of_parquet

SEGMENTS: Final = "segments"
SEALED: Final = "sealed"

_ORDER: Final = "SELECT id FROM decision ORDER BY id"

Told = Callable[[int, int], None]
"""Is told how many decisions were looked at, and of how many."""


class Part(msgspec.Struct, frozen=True):
    """A segment as it is on the disk."""

    segment: Segment
    sqlite_bytes: int
    """-1 where the file should be there and is not; likewise the next."""
    parquet_bytes: int

    @property
    def name(self) -> str:
        """The hour."""
        return name_of(self.segment.hour)

    @property
    def state(self) -> str:
        """One of open, sealed (with a SQLite file that has everything too), cold, changed since it was sealed, over."""
        if not self.segment.sealed:
            return "open" if self.segment.file else "over"
        if self.segment.changed:
            return "changed"
        return "sealed" if self.segment.file else "cold"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a file: "missing", "unreadable", "order", "hour", "count" or "lookup"."""

    file: str
    what: str
    detail: str = ""


def parts(home: Path) -> list[Part]:
    """All segments of the store in `home`, the oldest first.

    Raises:
        sqlite3.Error: there is no store, or its main file cannot be read.
    """
    path = home / "audit" / "decisions.sqlite"
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as main:
        found = catalogue.load(main)
    return [
        Part(
            segment,
            sqlite_bytes=_size(home / "audit" / SEGMENTS, segment.file),
            parquet_bytes=_size(home / "audit" / SEALED, segment.sealed),
        )
        for segment in found.values()
    ]


def faults(home: Path, *, told: Told) -> Iterator[Fault]:
    """Read every file of every segment; what is wrong with them.

    Raises:
        sqlite3.Error: there is no store, or its main file cannot be read.
    """
    found = parts(home)
    total, seen = sum(part.segment.decisions for part in found), 0
    files = Files(home / "audit" / SEGMENTS, busy_seconds=5)
    duck = Duck(home / "audit" / SEALED)
    try:
        for part in found:
            yield from _of_segment(home, part.segment, files=files, duck=duck)
            seen += part.segment.decisions
            told(seen, total)
    finally:
        files.close()
        duck.close()


def _of_segment(home: Path, segment: Segment, *, files: Files, duck: Duck) -> Iterator[Fault]:
    ids: set[str] = set()
    broken = False
    sources: list[tuple[str, Callable[[], Iterator[str]]]] = []
    if segment.file:
        sources.append((segment.file, lambda: _of_sqlite(files, segment)))
    if segment.sealed:
        path = home / "audit" / SEALED / segment.sealed
        sources.append(
            (segment.sealed, lambda: (row[0] for row in of_parquet(duck, str(path.resolve()), columns=("id",))))
        )
    for name, read in sources:
        last, count = "", 0
        try:
            for decision in read():
                count += 1
                if decision <= last:
                    yield Fault(name, "order", decision)
                if hour_of(decision) != segment.hour:
                    yield Fault(name, "hour", decision)
                last = decision
                ids.add(decision)
        except (sqlite3.Error, Error) as error:
            broken = True
            yield Fault(name, "unreadable" if _there(home, name) else "missing", str(error))
    if not broken and len(ids) != segment.decisions:
        yield Fault(segment.file or segment.sealed, "count", f"{len(ids)} / {segment.decisions}")
    if not broken:
        yield from _of_lookup(home, segment, duck=duck)


def _of_lookup(home: Path, segment: Segment, *, duck: Duck) -> Iterator[Fault]:
    if segment.sealed and not lookups.is_right(duck, home / "audit" / SEALED / segment.sealed):
        yield Fault(f"{segment.sealed}{lookups.SUFFIX}", "lookup")


def _of_sqlite(files: Files, segment: Segment) -> Iterator[str]:
    connection = files.connection(segment)
    try:
        for (said,) in connection.execute("PRAGMA quick_check(1)"):
            if said != "ok":
                raise sqlite3.DatabaseError(said)
        yield from (decision for (decision,) in connection.execute(_ORDER))
    finally:
        files.forget(segment)


def _there(home: Path, name: str) -> bool:
    return any((home / "audit" / folder / name).exists() for folder in (SEGMENTS, SEALED))


def _size(folder: Path, name: str) -> int:
    if not name:
        return 0
    path = folder / name
    return path.stat().st_size if path.exists() else -1
