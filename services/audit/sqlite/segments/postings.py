"""Which Parquet files have anything about a customer, a rule, a version or an agent."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from services.audit.filters.expression import All, Comparison, Expression, SubjectIs
from services.audit.sqlite.segments.rows import Row

KINDS: Final = ("agent", "version", "subject_ref", "rules")
_FIELDS: Final = {"record.agent": "agent", "record.version": "version", "record.subject_ref": "subject_ref"}
_THERE: Final = """SELECT EXISTS (SELECT 1 FROM posting WHERE hour = ? AND kind = ?
 AND value IN (SELECT value FROM json_each(?)))"""

Posting = tuple[str, int]
"""A kind and the hash of a value."""
Wanted = tuple[tuple[str, tuple[int, ...]], ...]
"""Kinds, each with the hashes of values of which a match has one."""


def of(row: Row, names: tuple[str, ...]) -> Iterator[Posting]:
    """What a decision is about."""
    for kind in KINDS:
        value = row[names.index(kind)]
        for each in value if isinstance(value, list) else [value]:
            yield kind, hash_of(each)


def wanted(expression: Expression) -> Wanted:
    """What every match of a filter is about."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    found: list[tuple[str, tuple[int, ...]]] = []
    for part in parts:
        match part:
            case SubjectIs(refs=refs):
                found.append(("subject_ref", tuple(hash_of(ref) for ref in refs)))
            case Comparison(comparator="=", value=str(value)) if kind := _kind(part):
                found.append((kind, (hash_of(value),)))
    return tuple(found)


def keep(connection: sqlite3.Connection, hour: int, *, postings: Iterable[Posting]) -> None:
    """Keep what the Parquet file of an hour is about, instead of what was kept before."""
    connection.execute("DELETE FROM posting WHERE hour = ?", (hour,))
    rows = [(hour, *posting) for posting in sorted(postings)]
    connection.executemany("INSERT INTO posting (hour, kind, value) VALUES (?, ?, ?)", rows)


def may_have(connection: sqlite3.Connection, hour: int, *, about: Wanted) -> bool:
    """Whether the Parquet file of an hour may have a match."""
    return all(
        connection.execute(_THERE, (hour, kind, msgspec.json.encode(values).decode())).fetchone()[0]
        for kind, values in about
    )


def hash_of(value: str) -> int:
    """64 bits, as SQLite keeps them."""
    return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), signed=True)


def _kind(part: Comparison) -> str:
    where = part.field.path
    if where.source == "rules":
        return "rules"
    return "" if where.inner or where.shape else _FIELDS.get(f"{where.source}.{where.name}", "")
