"""What a resource was after each change, for as long as it exists."""

from collections.abc import Iterator
from sqlite3 import Connection
from typing import Final, NamedTuple

from google.protobuf.message import Message

KEPT: Final = 1_000
"""Changes of one resource that are kept; older ones go."""


class Change(NamedTuple):
    """One change: where it stands among all, when it was made (milliseconds since the epoch), and what came of it."""

    place: int
    at_ms: int
    fields: tuple[str, ...]
    """Names of those that have changed, in the contract's order."""
    body: bytes


def schema(table: str) -> tuple[str, ...]:
    """The statements that make the changes of `table` where there are none."""
    return (
        f"""CREATE TABLE IF NOT EXISTS {table}_changes (place INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
            at_ms INTEGER NOT NULL, fields TEXT NOT NULL, body BLOB NOT NULL) STRICT""",
        f"CREATE INDEX IF NOT EXISTS {table}_changes_name ON {table}_changes (name, place)",
        f"""CREATE TRIGGER IF NOT EXISTS {table}_changes_gone AFTER DELETE ON {table}
            BEGIN DELETE FROM {table}_changes WHERE name = old.name; END""",
    )


def note(connection: Connection, table: str, name: str, *, before: Message | None, after: Message, at_ms: int) -> None:
    """Keep what a resource is after a change; one that changes nothing but its times is none."""
    fields = tuple(_changed(before or type(after)(), after))
    if not fields:
        return
    connection.execute(
        f"INSERT INTO {table}_changes (name, at_ms, fields, body) VALUES (?, ?, ?, ?)",
        (name, at_ms, " ".join(fields), after.SerializeToString(deterministic=True)),
    )
    connection.execute(
        f"""DELETE FROM {table}_changes WHERE name = ? AND place <=
            (SELECT place FROM {table}_changes WHERE name = ? ORDER BY place DESC LIMIT 1 OFFSET ?)""",
        (name, name, KEPT),
    )


def of(connection: Connection, table: str, name: str, *, before: int, most: int) -> list[Change]:
    """At most so many changes of a resource, newest first, of those before a place; 0: from the newest on."""
    rows = connection.execute(
        f"""SELECT place, at_ms, fields, body FROM {table}_changes
            WHERE name = ? AND (? = 0 OR place < ?) ORDER BY place DESC LIMIT ?""",
        (name, before, before, most),
    )
    return [Change(place, at_ms, tuple(fields.split()), body) for place, at_ms, fields, body in rows]


def _changed(before: Message, after: Message) -> Iterator[str]:
    for field in after.DESCRIPTOR.fields:
        name = field.name
        if name in {"name", "etag", "create_time", "update_time"}:
            continue
        if field.message_type is not None and not field.is_repeated:
            if before.HasField(name) != after.HasField(name) or getattr(before, name) != getattr(after, name):
                yield name
        elif getattr(before, name) != getattr(after, name):
            yield name
