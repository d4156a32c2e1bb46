"""Seals hours that are over: writes them to Parquet files, and takes SQLite files away once they are rarely read."""

import logging
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from services.audit.sqlite import beside
from services.audit.sqlite.segments import catalogue, lookups, parquet, rows
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import HOUR_MS, name_of
from services.audit.sqlite.segments.parquet import Written
from services.audit.sqlite.segments.rows import Row

_RUNNING: Final = "SELECT EXISTS (SELECT 1 FROM decision WHERE state = 'RUNNING')"

_log = logging.getLogger(__name__)


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How long hours are kept in which way; milliseconds."""

    grace_ms: int = 15 * 60_000
    """From the end of an hour until it is sealed, and from a late change until it is sealed once more."""
    hot_ms: int = 48 * HOUR_MS
    """From the sealing until the SQLite file goes."""


class Stopped(Exception):
    """The process ends."""


class Sealed(msgspec.Struct, frozen=True):
    """A Parquet file that has been written and is not in use yet."""

    segment: Segment
    """As it was when it was read."""
    batch: int
    """The last batch that it has."""
    written: Written
    gone: bytes
    """The ids of decisions that were left out, because they had been kept for long enough: 16 bytes each, in order."""

    @property
    def dropped(self) -> int:
        """How many those are."""
        return len(self.gone) // beside.ID_BYTES


class Sealer:
    """Reads segments and writes Parquet files, in a thread of its own. What is in use is for the writer to say."""

    def __init__(self, folder: Path, *, files: Files, duck: Duck) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (*folder.glob("*.lines"), *folder.glob("*.part")):
            left.unlink()
        self._folder = folder
        self._files = files
        self._duck = duck
        self._changed_ms: dict[int, int] = {}
        self._stopped = False

    def stop(self) -> None:
        """Let what runs end before long, from another thread."""
        self._stopped = True

    def due(self, segments: catalogue.Catalogue, *, keeping: Keeping, now_ms: int) -> Iterator[Segment]:
        """Segments that may be sealed now, the oldest first: nothing has come to them for a while."""
        for hour, segment in segments.items():
            if not (segment.file and segment.changed):
                self._changed_ms.pop(hour, None)
                if segment.sealed and 0 < segment.over_ms <= now_ms:
                    yield segment
            elif segment.sealed:
                if now_ms >= self._changed_ms.setdefault(hour, now_ms) + keeping.grace_ms:
                    yield segment
            elif now_ms >= (hour + 1) * HOUR_MS + keeping.grace_ms:
                yield segment

    def seal(self, segment: Segment, *, now_ms: int) -> Sealed | None:
        """Write a segment to a Parquet file; `None` while something in it still runs.

        Decisions that have been kept for long enough are left out.

        Raises:
            sqlite3.Error, duckdb.Error, OSError, Damaged: it could not be read or written.
            Stopped: it was told to stop.
        """
        if not segment.file:
            columns = rows.columns_in(self._duck, self._path(segment))
            found = rows.of_parquet(self._duck, self._path(segment), columns=tuple(columns))
            return self._written(segment, found, columns, batch=0, now_ms=now_ms)
        connection = self._files.connection(segment)
        connection.execute("BEGIN")  # one snapshot for all steps
        try:
            if connection.execute(_RUNNING).fetchone()[0]:
                return None
            (batch,) = connection.execute("SELECT batch FROM done").fetchone()
            columns = rows.columns_of(connection)
            found = rows.of_sqlite(connection, tuple(columns))
            if segment.cold:
                under = rows.of_parquet(self._duck, self._path(segment), columns=tuple(columns))
                found = rows.merged(under, found)
            return self._written(segment, found, columns, batch=batch, now_ms=now_ms)
        finally:
            connection.execute("ROLLBACK")
            self._files.forget(segment)  # a hundred of them in a row are not kept open

    def drop(self, sealed: Sealed) -> None:
        """Take back a file that is not going to be used."""
        for suffix in ("", lookups.SUFFIX):
            (self._folder / f"{sealed.written.name}{suffix}").unlink(missing_ok=True)

    def _path(self, segment: Segment) -> str:
        return str((self._folder / segment.sealed).resolve())

    def _written(
        self, segment: Segment, found: Iterator[Row], columns: Mapping[str, str], *, batch: int, now_ms: int
    ) -> Sealed:
        at, gone = tuple(columns).index("record"), bytearray()

        def kept() -> Iterator[Row]:
            for row in found:
                if self._stopped:
                    raise Stopped
                if rows.over_ms(row[at]) <= now_ms:
                    gone.extend(bytes.fromhex(row[0]))
                else:
                    yield row

        number = f".{segment.files}" if segment.sealed or segment.files > 1 else ""
        name = f"{name_of(segment.hour)}{number}.parquet"
        written = parquet.write(self._folder, name, rows=kept(), columns=columns, duck=self._duck)
        return Sealed(segment, batch, written, bytes(gone))


def register(main: sqlite3.Connection, sealed: Sealed, *, now: Segment, batch: int, now_ms: int) -> Segment | None:
    """Use a Parquet file from now on, inside the caller's transaction; `None` where the segment has changed meanwhile.

    `now` is the segment as it is, and `batch` the last batch that it has. A SQLite file that had only changes is done
    with; one that has everything is read on.
    """
    before, written = sealed.segment, sealed.written
    if batch != sealed.batch or (now.file, now.sealed) != (before.file, before.sealed):
        return None
    if written.decisions + sealed.dropped != now.decisions:
        _log.error(
            "a segment has not as many decisions as were stored: it is not sealed",
            extra={"segment": name_of(now.hour), "found": written.decisions, "stored": now.decisions},
        )
        return None
    # A SQLite file that still has what is over goes, and a Parquet file that has nothing is none.
    stays = bool(now.whole and not sealed.dropped)
    after = msgspec.structs.replace(
        now,
        file=now.file if stays else "",
        decisions=written.decisions,
        changed=False,
        over_ms=written.over_ms,
        dropped=now.dropped + sealed.dropped,
        sealed=written.name if written.decisions else "",
        sealed_ms=now_ms,
        bytes=written.bytes,
        files=now.files + 1,
    )
    catalogue.put(main, after)
    if sealed.gone:
        beside.forget(main, now.hour, gone=sealed.gone, all_gone=not written.decisions)
    # What was promised has been done, or it would not be the same batch; the file that it was done to may go.
    main.execute("DELETE FROM pending WHERE hour = ?", (now.hour,))
    retire(main, [f"sealed/{now.sealed}"] if now.sealed else [])
    retire(main, [f"segments/{now.file}"] if now.file and not stays else [])
    retire(main, [] if written.decisions else [f"sealed/{written.name}"])
    return after


def cool(
    main: sqlite3.Connection,
    segments: catalogue.Catalogue,
    *,
    keeping: Keeping,
    now_ms: int,
    damaged: Collection[str] = (),
) -> list[Segment]:
    """Let SQLite files go that have been sealed for long enough, inside the caller's transaction; returns theirs.

    Those that are damaged go at once: the Parquet file has everything too.
    """
    cooled = []
    for segment in segments.values():
        old = now_ms >= segment.sealed_ms + keeping.hot_ms or segment.file in damaged
        if old and segment.file and segment.sealed and not segment.changed:
            after = msgspec.structs.replace(segment, file="")
            catalogue.put(main, after)
            main.execute("DELETE FROM pending WHERE hour = ?", (segment.hour,))
            retire(main, [f"segments/{segment.file}"])
            cooled.append(after)
    return cooled


def retire(main: sqlite3.Connection, files: list[str]) -> None:
    """Let files be deleted a while later."""
    main.executemany("INSERT OR IGNORE INTO retired (file) VALUES (?)", [(file,) for file in files])


def retired(main: sqlite3.Connection) -> list[str]:
    """Files that may be deleted: nobody was told of them for a while."""
    return [file for (file,) in main.execute("SELECT file FROM retired")]


def delete(home: Path, files: list[str]) -> None:
    """Delete retired files, and what is beside them."""
    for file in files:
        for suffix in ("", "-wal", "-shm", lookups.SUFFIX):
            (home / f"{file}{suffix}").unlink(missing_ok=True)
