"""Keeps what came of copies of calls, once each, in SQLite; and finds it again by decision."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.shadows import ShadowResult
from services.audit.entries import Copied

_KEEP: Final = """INSERT OR IGNORE INTO copy
 (decision, kind, tenant, route, arm, version, at_ms, end, sent, took_us, served_us, result)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_OF: Final = """SELECT decision, result FROM copy
 WHERE decision IN (SELECT value FROM json_each(?)) ORDER BY decision, kind DESC"""
_result: Final = msgspec.json.Decoder(ShadowResult)


def keep(connection: sqlite3.Connection, copies: Iterable[Copied]) -> None:
    """Store copies. Of one decision the first of each kind counts; what comes again is the same."""
    connection.executemany(_KEEP, [_row(copy) for copy in copies])


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
