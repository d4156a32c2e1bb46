"""Keeps what customers did after contacts, each event once, in SQLite."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gateway.core.record import CustomerOutcome
from services.audit.entries import Reported

_KEEP: Final = """INSERT INTO outcome
 (decision, tenant, type, event, occurred_ms, reported_ms, reporter, revenue_cents, currency, question, answer, raw,
 leaf)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_KNOWN: Final = "SELECT 1 FROM outcome WHERE decision = ? AND tenant = ? AND type = ? AND event = ?"
_TOLD: Final = (
    "type",
    "occurred_ms",
    "reported_ms",
    "reporter",
    "revenue_cents",
    "currency",
    "event",
    "question",
    "answer",
)
_OF: Final = f"""SELECT decision, {", ".join(_TOLD)} FROM outcome
 WHERE decision IN ({{}}) ORDER BY occurred_ms, reported_ms, type, event"""  # noqa: S608
_AT_ONCE: Final = 500
"""Decisions that are asked for in one statement: each by itself costs 2 us, of which most is the asking."""


def new(connection: sqlite3.Connection, told: Iterable[Reported]) -> list[Reported]:
    """Those that are not stored yet, each event once: what comes again is the same."""
    first = {_key(entry): entry for entry in reversed(list(told))}
    return [entry for key, entry in first.items() if connection.execute(_KNOWN, key).fetchone() is None]


def keep(connection: sqlite3.Connection, told: Iterable[tuple[Reported, int]]) -> None:
    """Store what is new, each with its index in the log."""
    connection.executemany(_KEEP, [_row(entry, leaf) for entry, leaf in told])


def of(connection: sqlite3.Connection, decisions: Iterable[str]) -> Mapping[str, tuple[CustomerOutcome, ...]]:
    """What customers did after these decisions, oldest first; those after which nobody did anything are left out."""
    found: dict[str, list[CustomerOutcome]] = {}
    keys = [bytes.fromhex(decision) for decision in decisions]
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        for key, *row in connection.execute(_OF.format(",".join("?" * len(some))), some):
            found.setdefault(key.hex(), []).append(_told(key.hex(), row))
    return {decision: tuple(told) for decision, told in found.items()}


def _told(decision: str, row: Sequence[Any]) -> CustomerOutcome:
    return CustomerOutcome(decision=decision, **dict(zip(_TOLD, row, strict=True)))


def _row(entry: Reported, leaf: int) -> tuple[object, ...]:
    told = entry.outcome
    return (
        *(*_key(entry), told.occurred_ms, told.reported_ms),
        *(told.reporter, told.revenue_cents, told.currency, told.question, told.answer, entry.raw, leaf),
    )


def _key(entry: Reported) -> tuple[bytes, str, str, str]:
    told = entry.outcome
    return bytes.fromhex(told.decision), entry.tenant, told.type, told.event
