"""The `services.audit.personal.Personal` of the embedded store."""

import functools
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.core.used import WrappedKey
from services.audit.entries import Entry
from services.audit.noting import NotesQuery, Written
from services.audit.personal import Destroyed, ErasureNote, Person
from services.audit.sqlite import inputs as sqlite_inputs
from services.audit.sqlite import keys as sqlite_keys
from services.audit.sqlite import notes as sqlite_notes

Work = Callable[[sqlite3.Connection], Any]
Run = Callable[[Work], Awaitable[Any]]
"""Runs work off the event loop."""


class SqlitePersonal:
    """See `services.audit.personal.Personal`.

    `read` has a connection of its own, `write` is a transaction, `outside` none; `enter` is a transaction that also
    enters what its work returns. `about` finds the decisions about customers whose inputs are kept.
    """

    def __init__(
        self,
        *,
        read: Run,
        write: Run,
        outside: Run,
        enter: Callable[[Callable[[sqlite3.Connection], Sequence[Entry]]], Awaitable[None]],
        about: Callable[[Sequence[str]], Awaitable[Sequence[str]]],
    ) -> None:
        self._read = read
        self._write = write
        self._outside = outside
        self._enter = enter
        self._about = about

    async def key(self, tenant: str, key_id: str) -> WrappedKey | None:
        """See `Personal.key`."""
        return next(iter(await self.keys(tenant, [key_id])), None)

    async def keys(self, tenant: str, key_ids: Sequence[str]) -> tuple[WrappedKey, ...]:
        """See `Personal.keys`."""
        found: tuple[WrappedKey, ...] = await self._read(
            lambda connection: sqlite_keys.those(connection, tenant, key_ids)
        )
        return found

    async def erased_ms(self, person: Person) -> int:
        """See `Personal.erased_ms`."""
        return int(await self._read(lambda connection: sqlite_keys.erased_ms(connection, person)))

    async def erase(
        self, people: Sequence[Person], *, now_ms: int, note: Callable[[Destroyed], ErasureNote]
    ) -> tuple[Destroyed, ...]:
        """See `Personal.erase`."""
        decisions = {each: await self._about([each.subject_ref]) for each in people}
        found: list[Destroyed] = []

        def work(connection: sqlite3.Connection) -> Sequence[Entry]:
            found.clear()
            for each in people:
                keys = sqlite_keys.destroy(connection, each, now_ms=now_ms)
                inputs = sqlite_inputs.forget(connection, decisions[each])
                found.append(Destroyed(each, keys, inputs + sqlite_inputs.forget_of(connection, each)))
            return [note(each).entry for each in found]

        await self._enter(work)
        return tuple(found)

    async def clear_files(self) -> bool:
        """See `Personal.clear_files`."""
        return bool(await self._outside(sqlite_keys.clear))

    async def untold(self) -> tuple[Person, ...]:
        """See `Personal.untold`."""
        return tuple(await self._read(sqlite_keys.untold))

    async def told(self, people: Sequence[Person]) -> None:
        """See `Personal.told`."""
        await self._write(lambda connection: sqlite_keys.told(connection, people))

    async def notes(self, query: NotesQuery, *, before: int, size: int) -> tuple[Written, ...]:
        """See `Personal.notes`."""
        found: tuple[Written, ...] = await self._read(
            lambda connection: sqlite_notes.find(connection, query, before=before, size=size)
        )
        return found

    async def noted(self, request: str) -> Written | None:
        """See `Personal.noted`."""
        found: Written | None = await self._read(lambda connection: sqlite_notes.of_request(connection, request))
        return found

    async def rewrap(self, wrapped: Callable[[str, WrappedKey], bytes]) -> int:
        """See `Personal.rewrap`."""
        return await rewrap(wrapped, read=self._read, write=self._write)


async def rewrap(wrapped: Callable[[str, WrappedKey], bytes], *, read: Run, write: Run) -> int:
    """See `Personal.rewrap`; also beside the process that writes the file."""
    count, last = 0, ""
    while batch := await read(functools.partial(_after, last)):
        rows = [(wrapped(tenant, key), key.id, key.wrapped) for tenant, key in batch]
        await write(functools.partial(_replace, rows))
        count, last = count + len(batch), batch[-1][1].id
    return count


def _after(key_id: str, connection: sqlite3.Connection) -> list[tuple[str, WrappedKey]]:
    return sqlite_keys.after(connection, key_id)


def _replace(rows: Sequence[tuple[bytes, str, bytes]], connection: sqlite3.Connection) -> None:
    sqlite_keys.replace(connection, rows)
