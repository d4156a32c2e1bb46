"""Keeps what has been going on in the last minutes, by second, and which buckets are nearly full."""

from typing import Any, Final

import msgspec

from services.audit.activity import KEPT_S, KINDS, MOST_NEAR, Activity, Busy, Near, Question, Tally
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept

_ADD: Final = """INSERT INTO activity AS a (kind, at_s, tenant, value, calls, refused) VALUES (%s, %s, %s, %s, %s, %s)
 ON CONFLICT (kind, at_s, tenant, value)
 DO UPDATE SET calls = a.calls + excluded.calls, refused = a.refused + excluded.refused"""
_FIELDS: Final = "tenant, cell, name, kind, mode, by, used, capacity, period_ms, at_ms, wait_ms"
# What was looked at earlier may be stored later, by another gateway's stream.
_LOOK: Final = f"""INSERT INTO near_bucket AS n ({_FIELDS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
 ON CONFLICT (tenant, cell, name, kind, by) DO UPDATE SET mode = excluded.mode, used = excluded.used,
 capacity = excluded.capacity, period_ms = excluded.period_ms, at_ms = excluded.at_ms, wait_ms = excluded.wait_ms
 WHERE n.at_ms <= excluded.at_ms"""
_RECOVERED: Final = """DELETE FROM near_bucket
 WHERE tenant = %s AND cell = %s AND name = %s AND kind = %s AND by = %s AND at_ms <= %s"""
_MINE: Final = "(%(all)s OR tenant = ANY(%(tenants)s))"
_SERIES: Final = f"""SELECT at_s, value, sum(calls)::bigint FROM activity
 WHERE kind = %(kind)s AND at_s >= %(start)s AND at_s < %(end)s AND {_MINE} GROUP BY 1, 2"""
_BUSY: Final = f"""SELECT kind, tenant, value, sum(calls)::bigint, sum(refused)::bigint FROM activity
 WHERE kind IN ('reason', 'agent', 'version') AND at_s >= %(recent)s AND at_s < %(end)s AND {_MINE} GROUP BY 1, 2, 3"""
_EMPTIED: Final = "at_ms + greatest(period_ms, 60000) < %(now_ms)s"
_COUNT: Final = f"SELECT count(*) FROM near_bucket WHERE NOT ({_EMPTIED}) AND {_MINE}"
_NEAR: Final = f"""SELECT {_FIELDS} FROM near_bucket WHERE NOT ({_EMPTIED}) AND {_MINE}
 ORDER BY used * 1.0 / capacity DESC, at_ms DESC, name, by LIMIT %(top)s"""
_EVER: Final = f"SELECT EXISTS (SELECT 1 FROM (SELECT name AS tenant FROM tenant) AS t WHERE {_MINE})"


def add(connection: Connection, tally: Tally) -> None:
    """Add what a batch says."""
    sums: dict[tuple[str, int, str, str], list[int]] = {}
    for (kind, at_s, tenant, value), calls in tally.seconds.items():
        both = sums.setdefault((kind, at_s, kept(tenant), kept(value)), [0, 0])
        both[0] += calls
        both[1] += tally.refused[kind, at_s, tenant, value]
    many(connection, _ADD, [(*key, *both) for key, both in sums.items()])
    looks = [_kept(each) for each in tally.looks.values()]
    many(connection, _LOOK, [msgspec.structs.astuple(each) for each in looks if each.full])
    many(connection, _RECOVERED, [(*each.key, each.at_ms) for each in looks if not each.full])


def of(connection: Connection, question: Question) -> Activity:
    """What is known of the last minutes."""
    values: dict[str, Any] = {
        "all": not question.tenants,
        "tenants": [kept(each) for each in question.tenants],
        "recent": question.recent_s,
        "end": question.end_s,
        "now_ms": question.end_s * 1_000,
        "top": question.top,
    }

    def series(kind: str, *, start_s: int) -> dict[tuple[int, str], int]:
        rows = _rows(connection, _SERIES, values | {"kind": kind, "start": start_s})
        return {(at_s, verdict): calls for at_s, verdict, calls in rows}

    return Activity(
        verdicts=series("verdict", start_s=question.recent_s),
        series=series("series", start_s=question.series_s),
        busy=tuple(Busy(*row) for row in _rows(connection, _BUSY, values)),
        near=tuple(Near(*row) for row in _rows(connection, _NEAR, values)),
        near_total=_rows(connection, _COUNT, values)[0][0],
        ever=bool(_rows(connection, _EVER, values)[0][0]),
    )


def forget(connection: Connection, *, now_ms: int) -> None:
    """Delete what is over, inside the caller's transaction."""
    before = "DELETE FROM activity WHERE kind = ANY(%s) AND at_s < %s"
    connection.execute(before, (list(KINDS), now_ms // 1_000 - KEPT_S))
    connection.execute(f"DELETE FROM near_bucket WHERE {_EMPTIED}".encode(), {"now_ms": now_ms})
    connection.execute(
        """DELETE FROM near_bucket WHERE (tenant, cell, name, kind, by) IN
        (SELECT tenant, cell, name, kind, by FROM near_bucket ORDER BY at_ms DESC OFFSET %s)""",
        (MOST_NEAR,),
    )


def _kept(near: Near) -> Near:
    """The bucket with names that the store can keep."""
    names = {"tenant": kept(near.tenant), "limit": kept(near.limit), "by": kept(near.by), "mode": kept(near.mode)}
    return msgspec.structs.replace(near, **names)


def _rows(connection: Connection, text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return connection.execute(text.encode(), values).fetchall()
