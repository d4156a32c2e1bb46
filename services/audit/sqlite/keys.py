"""Keeps the keys of what records say of customers in SQLite, and destroys them."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.core.used import WrappedKey
from services.audit.entries import Admitted
from services.audit.personal import SKEW_MS, Person, until_ms

_KEEP: Final = """INSERT INTO subject_key (id, tenant, subject_ref, made_ms, wrapped, until_ms)
 SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS
 (SELECT 1 FROM erased WHERE tenant = ?2 AND subject_ref = ?3 AND at_ms + ?7 >= ?4)
 ON CONFLICT (id) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)"""
_ERASED: Final = """INSERT INTO erased (tenant, subject_ref, at_ms, told) VALUES (?, ?, ?, 0)
 ON CONFLICT (tenant, subject_ref) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms), told = 0"""
_BATCH: Final = 1_000


def keep(connection: sqlite3.Connection, admitted: Iterable[Admitted]) -> None:
    """Store the keys that came beside records, but for those that were made before their customer was erased."""
    rows = [
        (key.id, tenant_of(entry), key.subject_ref, key.made_ms, key.wrapped, until_ms(entry.record), SKEW_MS)
        for entry in admitted
        if (key := entry.key) is not None
    ]
    connection.executemany(_KEEP, rows)


def expire(connection: sqlite3.Connection, *, now_ms: int) -> None:
    """Delete the keys whose records are over."""
    connection.execute("DELETE FROM subject_key WHERE until_ms <= ?", (now_ms,))


def tenant_of(entry: Admitted) -> str:
    """Whose record it is. Values are bound to the tenant that the record names."""
    return entry.record.tenant


def those(connection: sqlite3.Connection, tenant: str, key_ids: Sequence[str]) -> tuple[WrappedKey, ...]:
    """The keys of these ids that are kept."""
    text = """SELECT id, subject_ref, made_ms, wrapped FROM subject_key
     WHERE id IN (SELECT value FROM json_each(?)) AND tenant = ?"""
    found = connection.execute(text, (msgspec.json.encode(list(key_ids)).decode(), tenant))
    return tuple(WrappedKey(*row) for row in found)


def erased_ms(connection: sqlite3.Connection, person: Person) -> int:
    """When the customer was erased last; 0 for never."""
    text = "SELECT at_ms FROM erased WHERE tenant = ? AND subject_ref = ?"
    found = connection.execute(text, (person.tenant, person.subject_ref)).fetchone()
    return 0 if found is None else int(found[0])


def destroy(connection: sqlite3.Connection, person: Person, *, now_ms: int) -> int:
    """Delete a customer's keys, and keep none that was made before now; returns how many there were."""
    connection.execute(_ERASED, (person.tenant, person.subject_ref, now_ms))
    text = "DELETE FROM subject_key WHERE tenant = ? AND subject_ref = ?"
    return connection.execute(text, (person.tenant, person.subject_ref)).rowcount


def clear(connection: sqlite3.Connection) -> bool:
    """Bring all of the write-ahead log into the file, and leave nothing in it; False while somebody reads from it.

    What was deleted is overwritten in the file itself: the connection has `secure_delete`.
    """
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def untold(connection: sqlite3.Connection) -> tuple[Person, ...]:
    """Who was erased since the gateways were told last."""
    text = "SELECT tenant, subject_ref FROM erased WHERE told = 0 ORDER BY at_ms LIMIT ?"
    return tuple(Person(*row) for row in connection.execute(text, (_BATCH,)))


def told(connection: sqlite3.Connection, people: Sequence[Person]) -> None:
    """The gateways were told of these."""
    text = "UPDATE erased SET told = 1 WHERE tenant = ? AND subject_ref = ?"
    connection.executemany(text, [(each.tenant, each.subject_ref) for each in people])


def after(connection: sqlite3.Connection, key_id: str) -> list[tuple[str, WrappedKey]]:
    """The next keys after one, by id, each with its tenant."""
    text = "SELECT tenant, id, subject_ref, made_ms, wrapped FROM subject_key WHERE id > ? ORDER BY id LIMIT ?"
    return [(tenant, WrappedKey(*row)) for tenant, *row in connection.execute(text, (key_id, _BATCH))]


def replace(connection: sqlite3.Connection, wrapped: Sequence[tuple[bytes, str, bytes]]) -> None:
    """Put keys wrapped anew in place of what they were: (new, id, old). One that has changed since stays."""
    connection.executemany("UPDATE subject_key SET wrapped = ? WHERE id = ? AND wrapped = ?", wrapped)
