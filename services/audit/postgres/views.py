"""Saved views in PostgreSQL."""

from typing import Any, Final

from services.audit.postgres.lanes import Connection, Lane, locked
from services.audit.views import COLUMNS, View, values_of, view_of

_SELECT: Final = f"SELECT {COLUMNS} FROM view"
_INSERT: Final = f"""INSERT INTO view ({COLUMNS})
 SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s WHERE (SELECT count(*) FROM view) < %s ON CONFLICT DO NOTHING"""
_UPDATE: Final = """UPDATE view SET title = %s, filter = %s, order_by = %s, columns = %s, owner = %s, created_ms = %s,
 updated_ms = %s, version = %s WHERE name = %s AND version = %s"""


class PostgresViews:
    """A `services.audit.views.ViewStore`, read in one lane of a store and written in another one."""

    def __init__(self, lane: Lane, *, writer: Lane) -> None:
        self._lane = lane
        self._writer = writer

    async def list(self, *, after: str, size: int) -> tuple[View, ...]:
        """See `ViewStore.list`."""
        return await self._found(f"{_SELECT} WHERE name > %s ORDER BY name LIMIT %s", (after, size))

    async def get(self, name: str) -> View | None:
        """See `ViewStore.get`."""
        found = await self._found(f"{_SELECT} WHERE name = %s", (name,))
        return found[0] if found else None

    async def create(self, view: View, *, most: int) -> bool:
        """See `ViewStore.create`."""
        return await self._changed(_INSERT, (view.name, *values_of(view), most))

    async def update(self, view: View, *, expected: int) -> bool:
        """See `ViewStore.update`."""
        return await self._changed(_UPDATE, (*values_of(view), view.name, expected))

    async def delete(self, name: str, *, expected: int) -> bool:
        """See `ViewStore.delete`."""
        return await self._changed("DELETE FROM view WHERE name = %s AND version = %s", (name, expected))

    async def _found(self, text: str, parameters: tuple[Any, ...]) -> tuple[View, ...]:
        def read(connection: Connection) -> tuple[View, ...]:
            return tuple(view_of(row) for row in connection.execute(text.encode(), _kept(parameters)))

        return await self._lane.run(read, again=True)

    async def _changed(self, text: str, parameters: tuple[Any, ...]) -> bool:
        def change(connection: Connection) -> bool:
            return locked(connection, lambda: bool(connection.execute(text.encode(), _kept(parameters)).rowcount))

        return await self._writer.run(change)


def _kept(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without NUL, which PostgreSQL does not take."""
    return tuple(each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in parameters)
