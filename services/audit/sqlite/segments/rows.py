"""All decisions of a segment in the order of their ids, whichever files they are in, with all that is kept of them."""

import heapq
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from gateway.core.record import DEFAULT_KEEP_DAYS, Record
from services.audit.sqlite.functions import text_of
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.shape import DERIVED, TYPES, table

AT_ONCE: Final = 1_000
DAY_MS: Final = 86_400_000
NEVER_MS: Final = 1 << 62
_KINDS: Final = {kind: name for name, kind in TYPES.items()}

Row = tuple[Any, ...]
"""The id first."""

_rules: Final = msgspec.json.Decoder(Record)


class _Kept(msgspec.Struct):
    """What a record says of how long it is kept."""

    received_ms: int = 0
    keep_days: int = 0


_kept: Final = msgspec.json.Decoder(_Kept)


def over_ms(record: bytes) -> int:
    """When a decision has been kept for as long as its class of retention says; never, where it does not say it."""
    try:
        kept = _kept.decode(record)
    except msgspec.DecodeError:
        return NEVER_MS
    return kept.received_ms + (kept.keep_days or DEFAULT_KEEP_DAYS) * DAY_MS


def columns_in(duck: Duck, path: str) -> dict[str, str]:
    """The same of a Parquet file as this version reads it, but for `DERIVED`."""
    source, parameters = table(duck, [path])
    found = duck.rows(f"SELECT column_name, column_type FROM (DESCRIBE {source})", parameters)  # noqa: S608
    return {name: _KINDS[kind] for name, kind in found if name not in DERIVED}


def columns_of(connection: sqlite3.Connection) -> dict[str, str]:
    """The columns of `decision` with their types in SQLite, the id first."""
    found = {name: kind for _, name, kind, *_ in connection.execute("PRAGMA table_info(decision)")}
    return {"id": found.pop("id"), **found}


def of_sqlite(connection: sqlite3.Connection, columns: tuple[str, ...]) -> Iterator[Row]:
    """Those of a SQLite file, with `DERIVED` at the end."""
    at = [columns.index(name) for name in ("record", "outcome", "rule", "reason")]
    cursor = connection.execute(f"SELECT {', '.join(columns)} FROM decision ORDER BY id")  # noqa: S608
    while rows := cursor.fetchmany(AT_ONCE):
        for row in rows:
            record, outcome, rule, reason = (row[index] for index in at)
            yield (*row, _rules_of(record, rule=rule), text_of(record, outcome, rule, reason))


def of_parquet(duck: Duck, path: str, *, columns: tuple[str, ...]) -> Iterator[Row]:
    """Those of a Parquet file, likewise. It was written in order, and one thread at a time reads it in order."""
    source, parameters = table(duck, [path])
    cursor = duck.cursor()
    try:
        cursor.execute(f"SELECT {', '.join((*columns, *DERIVED))} FROM ({source})", parameters)  # noqa: S608
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows
    finally:
        cursor.close()


def merged(under: Iterator[Row], over: Iterator[Row]) -> Iterator[Row]:
    """Both in order; of two with one id that of `over`."""
    last = ""
    for row in heapq.merge(over, under, key=lambda row: str(row[0])):
        if row[0] != last:
            last = row[0]
            yield row


def _rules_of(record: bytes, *, rule: str) -> list[str]:
    try:
        names = {rule, *(look.rule for look in _rules.decode(record).rules)}
    except msgspec.DecodeError:
        names = {rule}
    return sorted(name for name in names if name)
