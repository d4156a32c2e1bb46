"""Segments that could not be read: named once in the log, and in answers for as long as they cannot be."""

import logging
import sqlite3
import threading
from typing import Final

_BROKEN: Final = frozenset(
    (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
)
_NOT_READ: Final = frozenset(
    (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS)
)
"""Of failures of a disk those in reading: one that cannot be written to may have no room."""

_log = logging.getLogger(__name__)


class Damage:
    """What is known to be damaged, to all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, str] = {}

    def found(self, file: str, error: Exception) -> None:
        """A file cannot be read."""
        with self._lock:
            new = file not in self._files
            self._files[file] = str(error)
        if new:
            extra = {"file": file, "error": str(error)}
            _log.error("a segment cannot be read: answers lack its decisions until it is put back", extra=extra)

    def mended(self, file: str) -> None:
        """A file was read."""
        if file in self._files:
            with self._lock:
                gone = self._files.pop(file, None)
            if gone is not None:
                _log.warning("a segment is read again", extra={"file": file})

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all that cannot be read, in order."""
        with self._lock:
            return tuple(sorted(self._files))


def is_broken(error: sqlite3.Error) -> bool:
    """Whether it is the file that is broken or gone; and not that it is locked, say, or the disk full."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return (
        (code & 0xFF) in _BROKEN
        or code in _NOT_READ
        or (code == sqlite3.SQLITE_ERROR and "no such table" in str(error))
    )
