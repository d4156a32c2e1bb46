"""Sums over Parquet files that were made before: a file never changes, so what it answers stays true."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from services.audit.sql.dialects import Parameter, Sql
from services.audit.sqlite.segments.cold import Rows

MOST_ROWS: Final = 100_000
"""Rows that are kept, each of one value and its count: some 20 MB."""

Key = tuple[tuple[tuple[str, int, int], ...], str, tuple[Parameter, ...], tuple[str, ...]]


class Answers:
    """What was answered lately about files of one folder, to all threads; the longest unused go first."""

    def __init__(self, folder: Path, *, most_rows: int = MOST_ROWS) -> None:
        self._folder = folder
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Rows] = OrderedDict()
        self._rows = 0

    def key(self, files: Sequence[str], query: Sql, *, hidden: Collection[str]) -> Key | None:
        """What stands for a question; `None` where a file cannot be looked at.

        A file's size and time are part of it, so that damage done to one is found as if nothing were kept.
        """
        found = []
        for file in files:
            try:
                stat = (self._folder / file).stat()
            except OSError:
                return None
            found.append((file, stat.st_size, stat.st_mtime_ns))
        return tuple(found), query.text, tuple(query.parameters), tuple(hidden)

    def get(self, key: Key) -> Rows | None:
        """The answer; `None` where it is not kept."""
        with self._lock:
            rows = self._kept.get(key)
            if rows is not None:
                self._kept.move_to_end(key)
            return rows

    def keep(self, key: Key, rows: Rows) -> None:
        """Keep an answer, which nobody changes any more."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._rows += _size(rows) - (0 if before is None else _size(before))
            self._kept[key] = rows
            while self._rows > self._most_rows:
                self._rows -= _size(self._kept.popitem(last=False)[1])


def _size(rows: Rows) -> int:
    return len(rows) + 1
