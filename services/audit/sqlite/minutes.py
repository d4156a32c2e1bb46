"""Counts the calls of routes within windows up to now, from the minutes that the writer keeps."""

import sqlite3
from collections.abc import Sequence

from gateway.core.service_objectives import MINUTE_MS, Counts


def route_counts(
    connection: sqlite3.Connection, routes: Sequence[str], *, windows_ms: Sequence[int], now_ms: int
) -> dict[tuple[str, int], Counts]:
    """The calls by route and window; windows of whole minutes, of which the last is the one that runs."""
    return {
        (route, window): counts
        for route in routes
        for window, counts in _of_route(connection, route, sorted(windows_ms), now_ms=now_ms)
    }


def _of_route(
    connection: sqlite3.Connection, route: str, windows_ms: Sequence[int], *, now_ms: int
) -> list[tuple[int, Counts]]:
    """Each window holds the shorter ones, so a minute is read once and added to all of them."""
    text = """SELECT ifnull(sum(admitted), 0), ifnull(sum(failed), 0), ifnull(sum(slow), 0) FROM route_minute
        WHERE route = ? AND minute > ? AND minute <= ?"""
    minute = now_ms // MINUTE_MS
    found, so_far, until = [], (0, 0, 0), minute
    for window in windows_ms:
        after = minute - window // MINUTE_MS
        added = connection.execute(text, (route, after, until)).fetchone()
        so_far, until = tuple(a + b for a, b in zip(so_far, added, strict=True)), after
        found.append((window, Counts(*so_far)))
    return found
