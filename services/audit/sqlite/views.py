"""Saved views in the main file of the SQLite store."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from services.audit.views import COLUMNS, View, values_of, view_of

T = TypeVar("T")
_SELECT: Final = f"SELECT {COLUMNS} FROM view"  # noqa: S608
_INSERT: Final = f"""INSERT OR IGNORE INTO view ({COLUMNS})
 SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM view) < ?"""  # noqa: S608
_UPDATE: Final = """UPDATE view SET title = ?, filter = ?, order_by = ?, columns = ?, owner = ?, created_ms = ?,
 updated_ms = ?, version = ? WHERE name = ? AND version = ?"""


class Work(Protocol):
    """Runs something on a connection of the store."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]:
        """What the work returns."""


class SqliteViews:
    """A `services.audit.views.ViewStore`; `write` runs in a transaction."""

    def __init__(self, *, read: Work, write: Work) -> None:
        self._read = read
        self._write = write

    async def list(self, *, after: str, size: int) -> tuple[View, ...]:
        """See `ViewStore.list`."""
        text = f"{_SELECT} WHERE name > ? ORDER BY name LIMIT ?"
        found = await self._read(lambda connection: connection.execute(text, (after, size)).fetchall())
        return tuple(view_of(row) for row in found)

    async def get(self, name: str) -> View | None:
        """See `ViewStore.get`."""
        text = f"{_SELECT} WHERE name = ?"
        row = await self._read(lambda connection: connection.execute(text, (name,)).fetchone())
        return None if row is None else view_of(row)

    async def create(self, view: View, *, most: int) -> bool:
        """See `ViewStore.create`."""
        return await self._changed(_INSERT, (view.name, *values_of(view), most))

    async def update(self, view: View, *, expected: int) -> bool:
        """See `ViewStore.update`."""
        return await self._changed(_UPDATE, (*values_of(view), view.name, expected))

    async def delete(self, name: str, *, expected: int) -> bool:
        """See `ViewStore.delete`."""
        return await self._changed("DELETE FROM view WHERE name = ? AND version = ?", (name, expected))

    async def _changed(self, text: str, parameters: tuple[Any, ...]) -> bool:
        return bool(await self._write(lambda connection: connection.execute(text, parameters).rowcount))
