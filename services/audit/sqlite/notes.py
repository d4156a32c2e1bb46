"""Keeps entries of the log's own in SQLite, and finds them."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from services.audit.noting import COLUMNS, FoundBy, NotesQuery, Written, condition, misplaced

_COLUMNS: Final = ", ".join(f"noted.{name}" for name in COLUMNS)
_KEEP: Final = f"INSERT INTO noted (leaf, raw, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_FIND: Final = "SELECT noted.leaf, leaf.kind, noted.raw FROM noted JOIN leaf ON leaf.number = noted.leaf WHERE "
_ONE_OF: Final = "IN (SELECT value FROM json_each(?))"
_ALL: Final = f"SELECT noted.leaf, leaf.kind, noted.raw, {_COLUMNS} FROM noted JOIN leaf ON leaf.number = noted.leaf"  # noqa: S608


def keep(connection: sqlite3.Connection, noted: Iterable[tuple[int, bytes, FoundBy]]) -> None:
    """Keep entries, each with its index in the log."""
    connection.executemany(_KEEP, [(leaf, raw, *by.row) for leaf, raw, by in noted])


def known(connection: sqlite3.Connection, requests: Collection[str]) -> set[str]:
    """Those requests that are stored already."""
    if not requests:
        return set()
    text = f"SELECT request FROM noted WHERE request <> '' AND request {_ONE_OF}"  # noqa: S608
    return {request for (request,) in connection.execute(text, (_json(requests),))}


def find(connection: sqlite3.Connection, query: NotesQuery, *, before: int, size: int) -> tuple[Written, ...]:
    """See `services.audit.personal.Personal.notes`."""
    text, values = condition(query, mark="?", one_of=_ONE_OF)
    if query.tenants:
        values[-1] = _json(query.tenants)
    found = connection.execute(
        f"{_FIND} {text} AND noted.leaf < ? ORDER BY noted.leaf DESC LIMIT ?", (*values, before, size)
    )
    return tuple(Written(*row) for row in found)


def of_request(connection: sqlite3.Connection, request: str) -> Written | None:
    """See `services.audit.personal.Personal.noted`."""
    found = connection.execute(f"{_FIND} noted.request = ? AND noted.request <> ''", (request,)).fetchone()
    return None if found is None else Written(*found)


def wrong(connection: sqlite3.Connection) -> list[int]:
    """See `services.audit.store.DecisionStore.misnoted`."""
    found: list[int] = []
    rows = connection.execute(_ALL)
    while batch := rows.fetchmany(500):
        found += misplaced([(leaf, kind, _bytes(raw), tuple(row)) for leaf, kind, raw, *row in batch])
    return found


def _bytes(raw: object) -> bytes:
    """What is no bytes was not written by us."""
    return raw if isinstance(raw, bytes) else b""


def _json(texts: Collection[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()
