"""Deletes decisions that are kept no longer: a partition at once where all of its are, the others by themselves.

What customers did after them and what came of their copies goes with them. What was summed of them stays, and so do the
hashes of the log.
"""

from typing import Final

from psycopg import sql
from psycopg.errors import LockNotAvailable

from gateway.core.record import DEFAULT_KEEP_DAYS
from services.audit.postgres.lanes import Connection, lock
from services.audit.postgres.partitions import DAY_MS, TABLES, bounds_of, name_of

_PATIENCE: Final = "200ms"
"""Longest wait for those who read: others who want to read wait behind us meanwhile."""
_LATE_MS: Final = 2 * DAY_MS
"""How long a partition without decisions stays after its day, for those that come late."""
_BESIDE: Final = {"outcome": "decision", "copy": "decision", "early_settlement": "id"}
"""What is kept beside decisions, and by what it belongs to them."""
_DELETE: Final = """WITH gone AS
 (DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE until_ms <= %s LIMIT 1000) RETURNING id),
 rules AS (DELETE FROM decision_rule USING gone WHERE decision_rule.decision = gone.id),
 told AS (DELETE FROM outcome USING gone WHERE outcome.decision = gone.id),
 copies AS (DELETE FROM copy USING gone WHERE copy.decision = gone.id),
 waiting AS (DELETE FROM early_settlement USING gone WHERE early_settlement.id = gone.id)
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
            if until_ms is not None:
                _forget_beside(connection, day)
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


def forget_unclaimed(connection: Connection, *, now_ms: int) -> None:
    """Delete settlements that have waited for their admissions for half a year, inside the caller's transaction."""
    day = now_ms // DAY_MS - DEFAULT_KEEP_DAYS
    if day > 0:
        connection.execute("DELETE FROM early_settlement WHERE id < %s::uuid", (bounds_of(day)[0],))


def _forget_beside(connection: Connection, day: int) -> None:
    """Delete what is kept beside decisions of a day, of which none is left: also what came after they had gone."""
    for table, column in _BESIDE.items():
        text = sql.SQL("DELETE FROM {table} WHERE {column} >= %s::uuid AND {column} < %s::uuid")
        names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
        connection.execute(text.format(**names), bounds_of(day))
