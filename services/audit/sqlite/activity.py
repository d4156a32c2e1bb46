"""Keeps what has been going on in the last minutes, by second, and which buckets are nearly full."""

import sqlite3
from typing import Final

import msgspec

from services.audit.activity import KEPT_S, KINDS, MOST_NEAR, Activity, Busy, Near, Question, Tally

_ADD: Final = """INSERT INTO activity (kind, at_s, tenant, value, calls, refused) VALUES (?, ?, ?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, refused = refused + excluded.refused"""
_FIELDS: Final = "tenant, cell, name, kind, mode, by, used, capacity, period_ms, at_ms, wait_ms"
# What was looked at earlier may be stored later, by another gateway's stream.
_LOOK: Final = f"""INSERT INTO near_bucket ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET mode = excluded.mode, used = excluded.used, capacity = excluded.capacity,
 period_ms = excluded.period_ms, at_ms = excluded.at_ms, wait_ms = excluded.wait_ms WHERE at_ms <= excluded.at_ms"""
_RECOVERED: Final = """DELETE FROM near_bucket
 WHERE tenant = ? AND cell = ? AND name = ? AND kind = ? AND by = ? AND at_ms <= ?"""
_MINE: Final = "(:all OR tenant IN (SELECT value FROM json_each(:tenants)))"
_SERIES: Final = f"""SELECT at_s, value, sum(calls) FROM activity
 WHERE kind = :kind AND at_s >= :start AND at_s < :end AND {_MINE} GROUP BY 1, 2"""
_BUSY: Final = f"""SELECT kind, tenant, value, sum(calls), sum(refused) FROM activity
 WHERE kind = :kind AND at_s >= :recent AND at_s < :end AND {_MINE} GROUP BY 2, 3"""
_EMPTIED: Final = "at_ms + max(period_ms, 60000) < :now_ms"
_COUNT: Final = f"SELECT count(*) FROM near_bucket WHERE NOT ({_EMPTIED}) AND {_MINE}"
_NEAR: Final = f"""SELECT {_FIELDS} FROM near_bucket WHERE NOT ({_EMPTIED}) AND {_MINE}
 ORDER BY used * 1.0 / capacity DESC, at_ms DESC, name, by LIMIT :top"""
_EVER: Final = f"SELECT EXISTS (SELECT 1 FROM (SELECT name AS tenant FROM tenant) WHERE {_MINE})"


def add(connection: sqlite3.Connection, tally: Tally) -> None:
    """Add what a batch says."""
    connection.executemany(_ADD, [(*key, calls, tally.refused[key]) for key, calls in tally.seconds.items()])
    looks = tally.looks.values()
    connection.executemany(_LOOK, [msgspec.structs.astuple(each) for each in looks if each.full])
    connection.executemany(_RECOVERED, [(*each.key, each.at_ms) for each in looks if not each.full])


def of(connection: sqlite3.Connection, question: Question) -> Activity:
    """What is known of the last minutes."""
    values = {
        "all": not question.tenants,
        "tenants": msgspec.json.encode(question.tenants).decode(),
        "recent": question.recent_s,
        "end": question.end_s,
        "now_ms": question.end_s * 1_000,
        "top": question.top,
    }

    def series(kind: str, *, start_s: int) -> dict[tuple[int, str], int]:
        rows = connection.execute(_SERIES, values | {"kind": kind, "start": start_s})
        return {(at_s, verdict): calls for at_s, verdict, calls in rows}

    return Activity(
        verdicts=series("verdict", start_s=question.recent_s),
        series=series("series", start_s=question.series_s),
        busy=tuple(
            Busy(*row)
            for kind in ("reason", "agent", "version")
            for row in connection.execute(_BUSY, values | {"kind": kind})
        ),
        near=tuple(Near(*row) for row in connection.execute(_NEAR, values)),
        near_total=connection.execute(_COUNT, values).fetchone()[0],
        ever=bool(connection.execute(_EVER, values).fetchone()[0]),
    )


def forget(connection: sqlite3.Connection, *, now_ms: int) -> None:
    """Delete what is over."""
    values = {"before": now_ms // 1_000 - KEPT_S, "now_ms": now_ms}
    for kind in KINDS:
        connection.execute("DELETE FROM activity WHERE kind = :kind AND at_s < :before", values | {"kind": kind})
    connection.execute(f"DELETE FROM near_bucket WHERE {_EMPTIED}", values)
    connection.execute(
        """DELETE FROM near_bucket WHERE (tenant, cell, name, kind, by) IN
        (SELECT tenant, cell, name, kind, by FROM near_bucket ORDER BY at_ms DESC LIMIT -1 OFFSET ?)""",
        (MOST_NEAR,),
    )
