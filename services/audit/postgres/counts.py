"""Counts decisions by method, agent and route, from the hours that the writer keeps; and calls of routes by minutes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.core.record import Record
from gateway.core.service_objectives import MINUTE_MS, Counts
from services.audit.counting import Counted
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept

HOUR_MS: Final = 3_600_000
_ADD: Final = """INSERT INTO decision_hour AS h (hour, tenant, method, agent, route, decisions)
 VALUES (%s, %s, %s, %s, %s, %s)
 ON CONFLICT (hour, tenant, method, agent, route) DO UPDATE SET decisions = h.decisions + excluded.decisions"""
_COUNT: Final = """SELECT method, agent, route, sum(decisions)::bigint FROM decision_hour
 WHERE hour >= %s AND hour < %s AND (%s::text = '' OR tenant = %s) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_MINUTES: Final = """SELECT coalesce(sum(admitted), 0)::bigint, coalesce(sum(failed), 0)::bigint,
 coalesce(sum(slow), 0)::bigint FROM route_minute WHERE route = %s AND minute > %s AND minute <= %s"""


def add(connection: Connection, records: Iterable[tuple[str, Record]]) -> None:
    """Count decisions that are stored for the first time, each with its tenant."""
    found = Counter(
        (
            record.received_ms // HOUR_MS,
            kept(tenant),
            kept(record.method) if record.operation else "",
            kept(record.agent),
            kept(record.route),
        )
        for tenant, record in records
    )
    many(connection, _ADD, [(*key, count) for key, count in found.items()])


def count(connection: Connection, tenant: str, *, start_ms: int, end_ms: int) -> tuple[Counted, ...]:
    """The decisions about calls received within these times, rounded outwards to whole hours; of all tenants for ""."""
    bounds = (start_ms // HOUR_MS, -(-end_ms // HOUR_MS))
    rows = connection.execute(_COUNT, (*bounds, kept(tenant), kept(tenant)))
    return tuple(
        Counted(method=method, agent=agent, route=route, decisions=calls) for method, agent, route, calls in rows
    )


def route_counts(
    connection: Connection, routes: Sequence[str], *, windows_ms: Sequence[int], now_ms: int
) -> dict[tuple[str, int], Counts]:
    """The calls by route and window; windows of whole minutes, of which the last is the one that runs."""
    with connection.transaction():
        return {
            (route, window): counts
            for route in routes
            for window, counts in _of_route(connection, route, sorted(windows_ms), now_ms=now_ms)
        }


def _of_route(
    connection: Connection, route: str, windows_ms: Sequence[int], *, now_ms: int
) -> list[tuple[int, Counts]]:
    """Each window holds the shorter ones, so a minute is read once and added to all of them."""
    minute = now_ms // MINUTE_MS
    found, so_far, until = [], (0, 0, 0), minute
    for window in windows_ms:
        after = minute - window // MINUTE_MS
        added = connection.execute(_MINUTES, (kept(route), after, until)).fetchone() or (0, 0, 0)
        so_far, until = (so_far[0] + added[0], so_far[1] + added[1], so_far[2] + added[2]), after
        found.append((window, Counts(*so_far)))
    return found
