"""What lies in the partitions of a database, for whoever looks after it."""

from typing import Final

import msgspec

from services.audit.postgres import schema
from services.audit.postgres.address import parameters
from services.audit.postgres.lanes import Lane

_DAYS: Final = """SELECT right(c.relname, 8), pg_total_relation_size(c.oid) + pg_total_relation_size(r.oid),
 coalesce(n.decisions, 0) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
 JOIN pg_class AS r ON r.relnamespace = c.relnamespace AND r.relname = 'decision_rule_' || substr(c.relname, 10)
 LEFT JOIN (SELECT tableoid AS part, count(*) AS decisions FROM decision GROUP BY 1) AS n ON n.part = c.oid
 WHERE i.inhparent = 'decision'::regclass ORDER BY c.relname = 'decision_other' DESC, 1"""
_SIZE: Final = "SELECT pg_database_size(current_database())"


class Day(msgspec.Struct, frozen=True):
    """The partition of one day."""

    date: str
    """As YYYYMMDD; empty for what has no day of its own."""
    size: int
    """Bytes on disk, with its indexes and the rules of its decisions."""
    decisions: int


async def days_of(url: str) -> tuple[tuple[Day, ...], int]:
    """The days of a store, the oldest first, and the size of its whole database in bytes. Reads every decision's key.

    Raises:
        CallEnded: STORE_UNAVAILABLE when the server does not answer, or has no store of this version.
        ValueError: `url` is no URL of PostgreSQL.
    """
    lane = Lane(parameters(url), threads=1, name="audit-look", made=schema.be_there)
    try:
        rows = await lane.run(lambda connection: connection.execute(_DAYS.encode()).fetchall())
        ((size,),) = await lane.run(lambda connection: connection.execute(_SIZE).fetchall())
    finally:
        await lane.close()
    days = (Day(date if date.isdecimal() else "", size, count) for date, size, count in rows)
    return tuple(day for day in days if day.date or day.decisions), int(size)
