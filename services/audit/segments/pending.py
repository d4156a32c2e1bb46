"""What is promised to segments: kept in the main file in a batch's transaction, until the batch after it."""

import sqlite3
from collections.abc import Mapping

from services.audit.segments import work
from services.audit.segments.work import Work

Works = Mapping[int, Work]
"""By hour."""


def promise(connection: sqlite3.Connection, works: Works) -> None:
    """Keep this, inside the caller's transaction, instead of what was kept before: that has been done."""
    connection.execute("DELETE FROM pending")
    rows = [(hour, work.written(each)) for hour, each in works.items()]
    connection.executemany("INSERT INTO pending (hour, work) VALUES (?, ?)", rows)


def promised(connection: sqlite3.Connection) -> Works:
    """What may not have been done when the process ended."""
    rows = connection.execute("SELECT hour, work FROM pending")
    return {hour: work.read(written) for hour, written in rows}
