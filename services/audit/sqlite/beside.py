"""Deletes what the main file keeps beside decisions that are gone: what customers did, copies, settlements that wait.

The hashes of the log stay.
"""

import bisect
import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from gateway.core.record import DEFAULT_KEEP_DAYS
from services.audit.sqlite.segments.catalogue import Catalogue
from services.audit.sqlite.segments.hours import HOUR_MS, first_id, hour_of

ID_BYTES: Final = 16
_KEEP_HOURS: Final = DEFAULT_KEEP_DAYS * 24
_TABLES: Final[Mapping[str, tuple[str, Callable[[str], str | bytes]]]] = {
    "outcome": ("decision", bytes.fromhex),
    "copy": ("decision", str),
    "early_settlement": ("id", str),
}
"""Each with the column of the decision, and how that is written there."""


def forget(main: sqlite3.Connection, hour: int, *, gone: bytes, all_gone: bool) -> None:
    """Delete what belongs to decisions of an hour, inside the caller's transaction.

    `gone` are their ids, 16 bytes each, in order. With `all_gone` nothing is left of the hour: so that goes too which
    came after its decision had gone.
    """
    for table, (column, written) in _TABLES.items():
        where = f"FROM {table} WHERE {column}"
        bounds = (written(first_id(hour)), written(first_id(hour + 1)))
        if all_gone:
            main.execute(f"DELETE {where} >= ? AND {column} < ?", bounds)
            continue
        there = main.execute(f"SELECT DISTINCT {column} {where} >= ? AND {column} < ?", bounds).fetchall()
        rows = [row for row in there if _among(gone, row[0])]
        main.executemany(f"DELETE {where} = ?", rows)


def forget_unclaimed(main: sqlite3.Connection, catalogue: Catalogue, *, now_ms: int) -> None:
    """Delete settlements that have waited for their admissions for half a year, inside the caller's transaction.

    Those of an hour that has decisions stay: they may wait because its segment cannot be read.
    """
    oldest = first_id(max(now_ms // HOUR_MS - _KEEP_HOURS, 0))
    there = main.execute("SELECT id FROM early_settlement WHERE id < ?", (oldest,)).fetchall()
    empty = [row for row in there if not ((found := catalogue.get(hour_of(row[0]))) and found.decisions)]
    main.executemany("DELETE FROM early_settlement WHERE id = ?", empty)


def _among(ids: bytes, decision: str | bytes) -> bool:
    wanted = decision if isinstance(decision, bytes) else bytes.fromhex(decision)
    count = len(ids) // ID_BYTES
    at = bisect.bisect_left(range(count), wanted, key=lambda number: _at(ids, number))
    return at < count and _at(ids, at) == wanted


def _at(ids: bytes, number: int) -> bytes:
    return ids[number * ID_BYTES : (number + 1) * ID_BYTES]
