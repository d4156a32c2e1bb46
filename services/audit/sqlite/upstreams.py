"""Keeps how upstreams have done by the minute, and when they and contracts were last heard of."""

import sqlite3
from typing import Final

import msgspec

from services.audit.upstreams import KEPT_MINUTES, MINUTE_MS, Heard, UpstreamsQuery, UpstreamSums

_ADD: Final = """INSERT INTO upstream_minute (minute, tenant, kind, name, ended, step, calls)
 VALUES (?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET calls = calls + excluded.calls"""
_HEARD: Final = """INSERT INTO upstream_heard (tenant, kind, name, at_ms) VALUES (?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms WHERE at_ms < excluded.at_ms"""
_MINE: Final = "(:all OR tenant IN (SELECT value FROM json_each(:tenants)))"
_COUNTS: Final = f"""SELECT kind, name, ended, step, sum(calls) FROM upstream_minute
 WHERE minute >= :minute AND {_MINE} GROUP BY 1, 2, 3, 4"""
_LAST: Final = f"SELECT kind, name, max(at_ms) FROM upstream_heard WHERE {_MINE} GROUP BY 1, 2"


def add(connection: sqlite3.Connection, heard: Heard) -> None:
    """Add what a batch says."""
    connection.executemany(_ADD, [(*key, calls) for key, calls in heard.counts.items()])
    connection.executemany(_HEARD, [(*key, at_ms) for key, at_ms in heard.last.items()])


def of(connection: sqlite3.Connection, question: UpstreamsQuery) -> UpstreamSums:
    """What is known of the last minutes."""
    values = {
        "all": not question.tenants,
        "tenants": msgspec.json.encode(question.tenants).decode(),
        "minute": question.from_minute,
    }
    return UpstreamSums(connection.execute(_COUNTS, values).fetchall(), connection.execute(_LAST, values).fetchall())


def forget(connection: sqlite3.Connection, *, now_ms: int) -> None:
    """Delete the minutes that nobody asks for any more."""
    connection.execute("DELETE FROM upstream_minute WHERE minute < ?", (now_ms // MINUTE_MS - KEPT_MINUTES,))
