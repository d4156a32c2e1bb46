"""Keeps entries of the log's own in PostgreSQL, and finds them."""

from collections.abc import Collection, Sequence
from typing import Final

from services.audit.noting import COLUMNS, FoundBy, NotesQuery, Written, condition, misplaced
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy

_COLUMNS: Final = ", ".join(f"noted.{name}" for name in COLUMNS)
_KNOWN: Final = "SELECT request FROM noted WHERE request <> '' AND request = ANY(%s::text[])"
_FIND: Final = "SELECT noted.leaf, leaf.kind, noted.raw FROM noted JOIN leaf ON leaf.number = noted.leaf WHERE "
_ALL: Final = f"""SELECT noted.leaf, leaf.kind, noted.raw, {_COLUMNS} FROM noted JOIN leaf ON leaf.number = noted.leaf
 WHERE noted.leaf > %s ORDER BY noted.leaf LIMIT 500"""


def keep(connection: Connection, noted: Sequence[tuple[int, bytes, FoundBy]]) -> None:
    """Keep entries, each with its index in the log."""
    if noted:
        copy(connection, "noted", ("leaf", "raw", *COLUMNS), rows=[(leaf, raw, *by.row) for leaf, raw, by in noted])


def known(connection: Connection, requests: Collection[str]) -> set[str]:
    """Those requests that are stored already."""
    return {request for (request,) in connection.execute(_KNOWN, (list(requests),))} if requests else set()


def find(connection: Connection, query: NotesQuery, *, before: int, size: int) -> tuple[Written, ...]:
    """See `services.audit.personal.Personal.notes`."""
    text, values = condition(query, mark="%s", one_of="= ANY(%s::text[])")
    if query.tenants:
        values[-1] = list(query.tenants)
    whole = f"{_FIND} {text} AND noted.leaf < %s ORDER BY noted.leaf DESC LIMIT %s"
    return tuple(Written(*row) for row in connection.execute(whole.encode(), (*values, before, size)))


def of_request(connection: Connection, request: str) -> Written | None:
    """See `services.audit.personal.Personal.noted`."""
    text = f"{_FIND} noted.request = %s AND noted.request <> ''"
    found = connection.execute(text.encode(), (request,)).fetchone()
    return None if found is None else Written(*found)


def wrong(connection: Connection) -> list[int]:
    """See `services.audit.store.DecisionStore.misnoted`."""
    found: list[int] = []
    last = -1
    while batch := connection.execute(_ALL.encode(), (last,)).fetchall():
        found += misplaced([(leaf, kind, raw, tuple(row)) for leaf, kind, raw, *row in batch])
        last = batch[-1][0]
    return found
