"""The SQLite files of segments, and connections to them: one thread's, of which the longest unused are closed."""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Final

from services.audit.sqlite import functions, schema
from services.audit.sqlite.segments.catalogue import Segment

MOST_OPEN: Final = 48
"""Connections that a thread keeps: each holds up to three files open, of the 1,024 that a process has by default."""
STEPS: Final = "services.audit.sqlite.segments.schema"


class Empty(sqlite3.DatabaseError):
    """The file has lost what was in it."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def __init__(self) -> None:
        super().__init__("the file is empty")


class Files:
    """Segments of one folder, as one thread opens them. `busy_seconds` is how long to wait for another's lock.

    A writer's commits are on the disk when they return: what they hold is deleted from the main file afterwards.
    """

    def __init__(self, folder: Path, *, busy_seconds: float, writes: bool = False) -> None:
        self._folder = folder
        self._busy_seconds = busy_seconds
        self._writes = writes
        self._open: OrderedDict[str, sqlite3.Connection] = OrderedDict()

    def connection(self, segment: Segment, *, make: bool = False) -> sqlite3.Connection:
        """A connection to a segment; a writer makes the file with `make` where there is none.

        Raises:
            sqlite3.Error: it cannot be opened, or has nothing in it.
            CallEnded: STORE_UNAVAILABLE when a newer version of Pilote wrote it.
        """
        found = self._open.get(segment.file)
        if found is None:
            found = self._open[segment.file] = self._opened(self._folder / segment.file, make=make)
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(segment.file)
        return found

    def forget(self, segment: Segment) -> None:
        """Close the connection to a segment, if there is one."""
        connection = self._open.pop(segment.file, None)
        if connection is not None:
            connection.close()

    def only(self, names: Collection[str]) -> None:
        """Close the connections to all other segments: their files may be gone, but for our holding them."""
        for name in [name for name in self._open if name not in names]:
            self._open.pop(name).close()

    def close(self) -> None:
        """Close all."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _opened(self, path: Path, *, make: bool) -> sqlite3.Connection:
        new = make and not path.exists()
        uri = f"{path.resolve().as_uri()}?mode={'rwc' if new else 'rw' if self._writes else 'ro'}"
        # Each connection stays with its thread; only `close` comes from another, once the threads have ended.
        connection = sqlite3.connect(
            uri, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            functions.add(connection)
            if not make and not connection.execute("PRAGMA user_version").fetchone()[0]:
                raise Empty
            if self._writes:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                schema.bring_up_to_date(connection, STEPS)
            if new:
                keep_name(self._folder)
        except BaseException:
            connection.close()
            raise
        return connection


def keep_name(folder: Path) -> None:
    """Make the names of new files as durable as what they hold."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
