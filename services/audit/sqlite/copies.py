"""Keeps what came of copies of calls, once each, in SQLite; and finds it again by decision."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.shadows import ShadowResult
from services.audit.entries import Copied

_KEEP: Final = """INSERT OR IGNORE INTO copy
 (decision, kind, tenant, route, arm, version, at_ms, end, sent, took_us, served_us, result, leaf)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_KNOWN: Final = "SELECT 1 FROM copy WHERE decision = ? AND kind = ?"
_OF: Final = """SELECT decision, result FROM copy
 WHERE decision IN (SELECT value FROM json_each(?)) ORDER BY decision, kind DESC"""
_result: Final = msgspec.json.Decoder(ShadowResult)


def new(connection: sqlite3.Connection, copies: Iterable[Copied]) -> list[Copied]:
    """Those that are not stored yet. Of one decision the first of each kind counts; what comes again is the same."""
    first = {(copy.id, copy.result.kind): copy for copy in reversed(list(copies))}
    return [copy for key, copy in first.items() if connection.execute(_KNOWN, key).fetchone() is None]


def keep(connection: sqlite3.Connection, copies: Iterable[tuple[Copied, int]]) -> None:
    """Store copies that are new, each with its index in the log."""
    connection.executemany(_KEEP, [(*_row(copy), leaf) for copy, leaf in copies])


def copies_of(connection: sqlite3.Connection, decisions: Sequence[str]) -> Mapping[str, tuple[ShadowResult, ...]]:
    """The copies of each decision that had any; a shadow comes before a mirror."""
    found: dict[str, tuple[ShadowResult, ...]] = {}
    wanted = msgspec.json.encode(decisions).decode()
    for decision, result in connection.execute(_OF, (wanted,)):
        found[decision] = (*found.get(decision, ()), _result.decode(result))
    return found


def _row(copy: Copied) -> tuple[object, ...]:
    result = copy.result
    return (
        *(result.id, result.kind, copy.tenant, result.route, result.arm, result.version),
        *(result.received_ms, result.end.value, result.sent, result.took_us, result.served_us, copy.raw.decode()),
    )
