"""Keeps how upstreams have done by the minute, and when they and contracts were last heard of."""

from collections import Counter
from typing import Any, Final

from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept
from services.audit.upstreams import KEPT_MINUTES, MINUTE_MS, Heard, UpstreamsQuery, UpstreamSums

_ADD: Final = """INSERT INTO upstream_minute AS m (minute, tenant, kind, name, ended, step, calls)
 VALUES (%s, %s, %s, %s, %s, %s, %s)
 ON CONFLICT (minute, tenant, kind, name, ended, step) DO UPDATE SET calls = m.calls + excluded.calls"""
_HEARD: Final = """INSERT INTO upstream_heard AS h (tenant, kind, name, at_ms) VALUES (%s, %s, %s, %s)
 ON CONFLICT (tenant, kind, name) DO UPDATE SET at_ms = greatest(h.at_ms, excluded.at_ms)"""
_MINE: Final = "(%(all)s OR tenant = ANY(%(tenants)s))"
_COUNTS: Final = f"""SELECT kind, name, ended, step, sum(calls)::bigint FROM upstream_minute
 WHERE minute >= %(minute)s AND {_MINE} GROUP BY 1, 2, 3, 4"""
_LAST: Final = f"SELECT kind, name, max(at_ms) FROM upstream_heard WHERE {_MINE} GROUP BY 1, 2"


def add(connection: Connection, heard: Heard) -> None:
    """Add what a batch says."""
    counts = Counter[tuple[object, ...]]()
    for (minute, tenant, kind, name, end, step), calls in heard.counts.items():
        counts[minute, kept(tenant), kind, kept(name), end, step] += calls
    many(connection, _ADD, [(*key, calls) for key, calls in counts.items()])
    many(connection, _HEARD, [(kept(t), kind, kept(name), at_ms) for (t, kind, name), at_ms in heard.last.items()])


def of(connection: Connection, question: UpstreamsQuery) -> UpstreamSums:
    """What is known of the last minutes."""
    values: dict[str, Any] = {
        "all": not question.tenants,
        "tenants": [kept(each) for each in question.tenants],
        "minute": question.from_minute,
    }
    return UpstreamSums(
        connection.execute(_COUNTS.encode(), values).fetchall(), connection.execute(_LAST.encode(), values).fetchall()
    )


def forget(connection: Connection, *, now_ms: int) -> None:
    """Delete the minutes that nobody asks for any more, inside the caller's transaction."""
    connection.execute("DELETE FROM upstream_minute WHERE minute < %s", (now_ms // MINUTE_MS - KEPT_MINUTES,))
