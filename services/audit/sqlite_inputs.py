"""Keeps what calls were decided by, sealed and for a while, in SQLite."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from services.audit.entries import Recorded
from services.audit.inputs import InputsQuery, Kept, Mark

_KEEP: Final = "INSERT OR IGNORE INTO input (decision, tenant, at_ms, expires_ms, sealed) VALUES (?, ?, ?, ?, ?)"
_WANTED: Final = """input.expires_ms > ? AND input.at_ms >= ? AND input.at_ms < ? AND (? = '' OR input.tenant = ?)
 AND (? = '' OR input.decision = ?)"""
_NEWEST: Final = f"""SELECT at_ms, decision FROM input WHERE {_WANTED}
 ORDER BY at_ms DESC, decision DESC LIMIT 1 OFFSET ?"""  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM input WHERE {_WANTED} AND (at_ms, decision) >= (?, ?)"  # noqa: S608
_PAGE: Final = f"""SELECT input.decision, input.at_ms, input.sealed, decision.record, decision.outcome
 FROM input JOIN decision ON decision.id = input.decision
 WHERE {_WANTED} AND (input.at_ms, input.decision) >= (?, ?) ORDER BY input.at_ms, input.decision LIMIT ?"""  # noqa: S608


def keep(connection: sqlite3.Connection, recorded: Iterable[Recorded]) -> None:
    """Store inputs, of each decision the first: what comes again is the same."""
    rows = [(each.id, each.tenant, each.said.at_ms, each.said.expires_ms, each.sealed) for each in recorded]
    connection.executemany(_KEEP, rows)


def expire(connection: sqlite3.Connection, *, now_ms: int) -> int:
    """Delete what has expired; returns how many there were."""
    return connection.execute("DELETE FROM input WHERE expires_ms <= ?", (now_ms,)).rowcount


def forget(connection: sqlite3.Connection, subject_refs: Iterable[str]) -> int:
    """Delete what decisions about these customers were decided by; returns how many there were."""
    text = """DELETE FROM input WHERE decision IN
     (SELECT id FROM decision WHERE subject_ref IN (SELECT value FROM json_each(?)))"""
    return connection.execute(text, (msgspec.json.encode(list(subject_refs)).decode(),)).rowcount


def begin(connection: sqlite3.Connection, query: InputsQuery, *, now_ms: int) -> tuple[Mark, int]:
    """Where the newest so many begin, and how many there are."""
    wanted = _parameters(query, now_ms)
    mark = (0, "")
    if query.most:
        mark = connection.execute(_NEWEST, (*wanted, query.most - 1)).fetchone() or mark
    (count,) = connection.execute(_COUNT, (*wanted, *mark)).fetchone()
    return mark, count


def page(connection: sqlite3.Connection, query: InputsQuery, *, now_ms: int, at: Mark, size: int) -> tuple[Kept, ...]:
    """The inputs from a place on, oldest first, of decisions that are stored by now."""
    rows = connection.execute(_PAGE, (*_parameters(query, now_ms), *at, size))
    return tuple(Kept(decision, at_ms, sealed, record, outcome) for decision, at_ms, sealed, record, outcome in rows)


def _parameters(query: InputsQuery, now_ms: int) -> tuple[object, ...]:
    return (
        *(now_ms, query.start_ms, query.end_ms),
        *(query.tenant, query.tenant, query.decision, query.decision),
    )
