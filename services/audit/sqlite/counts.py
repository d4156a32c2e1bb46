"""Counts decisions by method, agent and route, from the hours that the writer keeps."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.core.record import Record
from services.audit.counting import Counted

HOUR_MS: Final = 3_600_000
_ADD: Final = """INSERT INTO decision_hour (hour, tenant, method, agent, route, decisions) VALUES (?, ?, ?, ?, ?, ?)
 ON CONFLICT (hour, tenant, method, agent, route) DO UPDATE SET decisions = decisions + excluded.decisions"""
_COUNT: Final = """SELECT method, agent, route, sum(decisions) FROM decision_hour
 WHERE hour >= ? AND hour < ? AND (? = '' OR tenant = ?) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


def add(connection: sqlite3.Connection, records: Iterable[tuple[str, Record]]) -> None:
    """Count decisions that are stored for the first time, each with its tenant."""
    found = Counter(
        (
            record.received_ms // HOUR_MS,
            tenant,
            record.method if record.operation else "",
            record.agent,
            record.route,
        )
        for tenant, record in records
    )
    connection.executemany(_ADD, [(*key, count) for key, count in found.items()])


def count(connection: sqlite3.Connection, tenant: str, *, start_ms: int, end_ms: int) -> tuple[Counted, ...]:
    """The decisions about calls received within these times, rounded outwards to whole hours; of all tenants for ""."""
    bounds = (start_ms // HOUR_MS, -(-end_ms // HOUR_MS))
    rows = connection.execute(_COUNT, (*bounds, tenant, tenant))
    return tuple(
        Counted(method=method, agent=agent, route=route, decisions=calls) for method, agent, route, calls in rows
    )
