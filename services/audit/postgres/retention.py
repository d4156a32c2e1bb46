"""Deletes decisions that are kept no longer: a partition at once where all of its are, the others by themselves.

What was summed of them stays, and so do the hashes of the log.
"""

from typing import Final

from psycopg import sql
from psycopg.errors import LockNotAvailable

from services.audit.postgres.lanes import Connection, lock
from services.audit.postgres.partitions import DAY_MS, TABLES, name_of

_PATIENCE: Final = "200ms"
"""Longest wait for those who read: others who want to read wait behind us meanwhile."""
_LATE_MS: Final = 2 * DAY_MS
"""How long a partition without decisions stays after its day, for those that come late."""
_DELETE: Final = """WITH gone AS
 (DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE until_ms <= %s LIMIT 1000) RETURNING id),
 rules AS (DELETE FROM decision_rule USING gone WHERE decision_rule.decision = gone.id)
 SELECT count(*) FROM gone"""


def drop(connection: Connection, day: int, *, now_ms: int) -> bool:
    """Drop the partition of a day if nothing in it is kept any longer; returns whether it was.

    Where somebody reads from it, it is left for the next time.
    """
    part = sql.Identifier(f"decision_{name_of(day)}")
    try:
        with connection.transaction():
            lock(connection)
            found = connection.execute(sql.SQL("SELECT max(until_ms) FROM {}").format(part)).fetchone()
            until_ms = found[0] if found is not None else None
            if now_ms < ((day + 1) * DAY_MS + _LATE_MS if until_ms is None else until_ms):
                return False
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (_PATIENCE,))
            for table in TABLES:
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(f"{table}_{name_of(day)}")))
    except LockNotAvailable:
        return False
    return True


def delete(connection: Connection, *, now_ms: int) -> int:
    """Delete some of those that are over, inside the caller's transaction; returns how many."""
    ((count,),) = connection.execute(_DELETE, (now_ms,)).fetchall()
    return int(count)
