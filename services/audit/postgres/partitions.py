"""The partitions of decisions: a day each by the time in the id, made before they are needed."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

from psycopg import sql
from psycopg.errors import LockNotAvailable

from services.audit.entries import Admitted, Entry
from services.audit.postgres.lanes import Connection, lock

DAY_MS: Final = 86_400_000
TABLES: Final = {"decision": "id", "decision_rule": "decision"}
"""The partitioned tables, and what they are partitioned by."""
MOST_AT_ONCE: Final = 40
"""Partitions that are made in one transaction: each takes a dozen of the server's locks, of which there are 6,400."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - _EPOCH - 1
_THERE: Final = """SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'decision'::regclass"""


_FIRST_LOOK: Final = 2
"""Partitions in which a page is looked for first; then in four times as many, and so on."""


def spans(connection: Connection, *, before: str) -> Iterator[tuple[str, str]]:
    """Parts of the ids, the newest first, as (least, bound); empty for none. Together they are all ids below `before`.

    To plan a question about half a year of partitions takes longer than to answer it from the newest two.
    """
    left = sorted(days(connection), reverse=True)
    size = _FIRST_LOOK
    while len(left) > size:
        least = bounds_of(left[size - 1])[0]
        if not before or least < before:
            yield least, before
            before = least
        left, size = left[size:], size * 4
    yield "", before


def days(connection: Connection) -> list[int]:
    """The days that have a partition, in days since the epoch."""
    names = [name for (name,) in connection.execute(_THERE) if name != "decision_other"]
    return [datetime.strptime(name.rpartition("_")[2], "%Y%m%d").date().toordinal() - _EPOCH for name in names]  # noqa: DTZ007


class Partitions:
    """Makes the partitions that are missing. What has none yet is kept in the default one, and moved once it has."""

    def __init__(self) -> None:
        self._there: set[int] = set()

    def prepare(self, connection: Connection, entries: Iterable[Entry]) -> None:
        """Make the partitions that these entries go to, and those of the next day.

        Where somebody reads for too long what must be locked for a moment, it is left for the next time.
        """
        days = {day for entry in entries if isinstance(entry, Admitted) and (day := day_of(entry)) is not None}
        missing = ({day + 1 for day in days} | days) - self._there
        if not missing:
            return
        try:
            self._make(connection, sorted(missing)[:MOST_AT_ONCE])
        except LockNotAvailable:
            return

    def forget(self, day: int) -> None:
        """Somebody has dropped the partition of that day."""
        self._there.discard(day)

    def _make(self, connection: Connection, days: list[int]) -> None:
        with connection.transaction():
            lock(connection)
            there = {name for (name,) in connection.execute(_THERE)}
            for day in days:
                if f"decision_{name_of(day)}" not in there:
                    for table, key in TABLES.items():
                        _make(connection, day, table=table, key=key)
        self._there.update(days)


def day_of(entry: Admitted) -> int | None:
    """The day of an id, in days since the epoch; `None` where it is not the call's: nobody makes up partitions."""
    day = int(entry.id[:12], 16) // DAY_MS
    return day if abs(day - entry.record.received_ms // DAY_MS) <= 1 and day < _LAST_DAY else None


def name_of(day: int) -> str:
    """The end of a partition's name."""
    return date.fromordinal(_EPOCH + day).strftime("%Y%m%d")


def bounds_of(day: int) -> tuple[str, str]:
    """The least id of a day, and of the day after."""
    first, after = (f"{each * DAY_MS:012x}{'0' * 20}" for each in (day, day + 1))
    return first, after


def _make(connection: Connection, day: int, *, table: str, key: str) -> None:
    """Attaching locks out nobody who reads or writes the table, as CREATE TABLE ... PARTITION OF would."""
    first, after = bounds_of(day)
    names = {
        "table": sql.Identifier(table),
        "key": sql.Identifier(key),
        "other": sql.Identifier(f"{table}_other"),
        "part": sql.Identifier(f"{table}_{name_of(day)}"),
        "first": sql.Literal(first),
        "after": sql.Literal(after),
    }
    for text in (
        sql.SQL("CREATE TABLE {part} (LIKE {table} INCLUDING ALL)"),
        sql.SQL(
            """WITH moved AS (DELETE FROM {other} WHERE {key} >= {first} AND {key} < {after} RETURNING *)
            INSERT INTO {part} SELECT * FROM moved"""
        ),
        sql.SQL("ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({first}) TO ({after})"),
    ):
        connection.execute(text.format(**names))
