"""Gives and destroys the keys of what records say of customers, in PostgreSQL."""

import functools
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.used import WrappedKey
from services.audit.noting import NotesQuery, Written
from services.audit.personal import Destroyed, ErasureNote, Person
from services.audit.postgres import batch, clearing, inputs, notes
from services.audit.postgres.lanes import Connection, Lane, locked
from services.audit.postgres.texts import kept

_KEYS: Final = "SELECT id, subject_ref, made_ms, wrapped FROM subject_key WHERE id = ANY(%s) AND tenant = %s"
_ERASED_MS: Final = "SELECT at_ms FROM erased WHERE tenant = %s AND subject_ref = %s"
_ERASE: Final = """INSERT INTO erased AS e (tenant, subject_ref, at_ms, told) VALUES (%s, %s, %s, false)
 ON CONFLICT (tenant, subject_ref) DO UPDATE SET at_ms = greatest(e.at_ms, excluded.at_ms), told = false"""
_DESTROY: Final = "DELETE FROM subject_key WHERE tenant = %s AND subject_ref = %s"
_UNTOLD: Final = "SELECT tenant, subject_ref FROM erased WHERE NOT told ORDER BY at_ms LIMIT %s"
_TOLD: Final = "UPDATE erased SET told = true WHERE tenant = %s AND subject_ref = %s"
_AFTER: Final = """SELECT tenant, id, subject_ref, made_ms, wrapped FROM subject_key WHERE id > %s
 ORDER BY id LIMIT %s"""
_REPLACE: Final = "UPDATE subject_key SET wrapped = %s WHERE id = %s AND wrapped = %s"
_BATCH: Final = 1_000


class PostgresPersonal:
    """A `services.audit.personal.Personal`, read in one lane of a store and written in another one."""

    def __init__(self, lane: Lane, *, writer: Lane) -> None:
        self._lane = lane
        self._writer = writer

    async def key(self, tenant: str, key_id: str) -> WrappedKey | None:
        """See `Personal.key`."""
        return next(iter(await self.keys(tenant, [key_id])), None)

    async def keys(self, tenant: str, key_ids: Sequence[str]) -> tuple[WrappedKey, ...]:
        """See `Personal.keys`."""
        wanted = [kept(each) for each in key_ids], kept(tenant)
        found = await self._lane.run(lambda connection: connection.execute(_KEYS, wanted).fetchall(), again=True)
        return tuple(WrappedKey(*row) for row in found)

    async def erased_ms(self, person: Person) -> int:
        """See `Personal.erased_ms`."""
        found = await self._lane.run(
            lambda connection: connection.execute(_ERASED_MS, _named(person)).fetchone(), again=True
        )
        return 0 if found is None else int(found[0])

    async def erase(
        self, people: Sequence[Person], *, now_ms: int, note: Callable[[Destroyed], ErasureNote]
    ) -> tuple[Destroyed, ...]:
        """See `Personal.erase`."""

        def work(connection: Connection) -> tuple[Destroyed, ...]:
            destroyed = tuple(_destroy(connection, person, now_ms=now_ms) for person in people)
            batch.write(connection, [note(each).entry for each in destroyed])
            return destroyed

        return await self._writer.run(lambda connection: locked(connection, lambda: work(connection)))

    async def clear_files(self) -> bool:
        """See `Personal.clear_files`. The write-ahead log, replicas and backups are the server's keeper's."""
        return await self._writer.run(clearing.clear)

    async def untold(self) -> tuple[Person, ...]:
        """See `Personal.untold`."""
        found = await self._lane.run(lambda connection: connection.execute(_UNTOLD, (_BATCH,)).fetchall(), again=True)
        return tuple(Person(*row) for row in found)

    async def told(self, people: Sequence[Person]) -> None:
        """See `Personal.told`."""

        def tell(connection: Connection) -> None:
            with connection.cursor() as cursor:
                cursor.executemany(_TOLD, [_named(each) for each in people])

        await self._writer.run(lambda connection: locked(connection, lambda: tell(connection)))

    async def notes(self, query: NotesQuery, *, before: int, size: int) -> tuple[Written, ...]:
        """See `Personal.notes`."""
        return await self._lane.run(
            lambda connection: notes.find(connection, query, before=before, size=size), again=True
        )

    async def noted(self, request: str) -> Written | None:
        """See `Personal.noted`."""
        return await self._lane.run(lambda connection: notes.of_request(connection, request), again=True)

    async def rewrap(self, wrapped: Callable[[str, WrappedKey], bytes]) -> int:
        """See `Personal.rewrap`."""
        count, last = 0, ""
        while found := await self._lane.run(functools.partial(_after, last), again=True):
            rows = [(wrapped(tenant, key), key.id, key.wrapped) for tenant, key in found]
            await self._writer.run(functools.partial(_replace, rows))
            count, last = count + len(found), found[-1][1].id
        return count


def _destroy(connection: Connection, person: Person, *, now_ms: int) -> Destroyed:
    """Delete a customer's keys and inputs, and keep none that was made before now."""
    connection.execute(_ERASE, (*_named(person), now_ms))
    keys = connection.execute(_DESTROY, _named(person)).rowcount
    ours = inputs.forget(connection, [person.subject_ref]) + inputs.forget_of(connection, person)
    return Destroyed(person, keys, ours)


def _named(person: Person) -> tuple[str, str]:
    return kept(person.tenant), kept(person.subject_ref)


def _after(key_id: str, connection: Connection) -> list[tuple[str, WrappedKey]]:
    return [(tenant, WrappedKey(*row)) for tenant, *row in connection.execute(_AFTER, (key_id, _BATCH))]


def _replace(rows: Sequence[tuple[bytes, str, bytes]], connection: Connection) -> None:
    """Put keys wrapped anew in place of what they were. One that has changed since stays."""

    def replace() -> None:
        with connection.cursor() as cursor:
            cursor.executemany(_REPLACE, rows)

    locked(connection, replace)
