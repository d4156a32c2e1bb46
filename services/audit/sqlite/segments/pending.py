"""What is promised to segments: kept in the main file in a batch's transaction, until the batch after it."""

import sqlite3
from collections.abc import Collection, Mapping

import msgspec

from services.audit.sqlite.segments import work
from services.audit.sqlite.segments.work import Work

Works = Mapping[int, Work]
"""By hour."""


def promise(connection: sqlite3.Connection, works: Works, *, waiting: Collection[int]) -> None:
    """Keep this, inside the caller's transaction, instead of what was kept before: that has been done.

    It has not in the hours of `waiting`, whose segments cannot be read.
    """
    hours = msgspec.json.encode(sorted(waiting)).decode()
    connection.execute("DELETE FROM pending WHERE hour NOT IN (SELECT value FROM json_each(?))", (hours,))
    rows = [(hour, work.written(each)) for hour, each in works.items()]
    connection.executemany("INSERT INTO pending (hour, work) VALUES (?, ?)", rows)


def promised(connection: sqlite3.Connection) -> list[tuple[int, Work]]:
    """What may not have been done when the process ended, with its hour, in the order in which it was promised."""
    rows = connection.execute("SELECT hour, work FROM pending ORDER BY rowid")
    return [(hour, work.read(written)) for hour, written in rows]
