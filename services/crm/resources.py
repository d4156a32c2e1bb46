"""The operations that all four services share, each one transaction, each safe to repeat with its `request_id`."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from sqlite3 import Connection
from typing import Any, Generic, NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.core.errors import CallEnded
from services.crm import changes, paging, repeats
from services.crm.asking import own
from services.crm.collection import Collection, Page, R, fitting
from services.crm.store import Store

Filters = Mapping[str, str | int]


class Wanted(NamedTuple, Generic[R]):
    """A resource that is to be created, and the key that makes a repeat harmless."""

    resource: R
    request_id: str
    wanted_id: str = ""


class Resources(Generic[R]):
    """Create, read, list, change and delete the resources of one collection."""

    def __init__(self, store: Store, collection: Collection[R], *, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._collection: Collection[R] = collection
        self._clock_ms = clock_ms

    async def create(self, wanted: Wanted[R], *, then: Callable[[Connection, R], Any] | None = None) -> R:
        """Create one resource; `then` does, in the same transaction, what follows from it."""
        wanted = wanted._replace(request_id=own(wanted.request_id))
        return await self._store.write(lambda connection: self._create(connection, wanted, then=then))

    async def create_many(self, wanted: Sequence[Wanted[R]]) -> tuple[R | CallEnded, ...]:
        """Create many in one transaction: for each the resource, or why it was not created."""

        def one(connection: Connection, each: Wanted[R]) -> R | CallEnded:
            try:
                return self._create(connection, each, then=None)
            except CallEnded as ended:
                return ended

        owned = [each._replace(request_id=own(each.request_id)) for each in wanted]
        return await self._store.write(lambda connection: tuple(one(connection, each) for each in owned))

    async def get(self, name: str) -> R:
        """Read one resource."""
        return await self._store.read(lambda connection: self._collection.get(connection, name))

    async def page(self, filters: Filters, *, page_size: int, page_token: str) -> tuple[tuple[R, ...], str]:
        """One page of those that match every filter that is set, and the token of the next; empty after the last."""
        asked, table = _set_only(filters), self._collection.table
        size = paging.page_size(page_size)
        after = paging.place_after(page_token, table=table, filters=asked)
        page = await self._read_page(asked, after=after, size=size)
        if page.next_place is None:
            return page.resources, ""
        return page.resources, paging.page_token(table, asked, after=page.next_place)

    async def every(self, filters: Filters) -> AsyncIterator[R]:
        """Every resource that matches, oldest first, read page by page so that neither memory nor a reader fills up."""
        place: int | None = 0
        while place is not None:
            page = await self._read_page(_set_only(filters), after=place, size=500)
            for resource in page.resources:
                yield resource
            place = page.next_place

    async def changes(
        self, name: str, *, field: str, page_size: int, page_token: str
    ) -> tuple[Sequence[changes.Change], str]:
        """One page of the changes of a resource, newest first, and the token of the next; `field` is for its errors.

        Raises:
            CallEnded: NOT_FOUND, or ARGUMENT_INVALID.
        """
        table, asked = f"{self._collection.table}_changes", {"name": name}
        size = paging.page_size(page_size)
        before = paging.place_after(page_token, table=table, filters=asked)

        def look(connection: Connection) -> list[changes.Change]:
            self._collection.get(connection, name, field=field)
            return changes.of(connection, self._collection.table, name, before=before, most=size + 1)

        found, whole = fitting(await self._store.read(look), size=size, length=lambda each: len(each.body))
        return found, "" if whole else paging.page_token(table, asked, after=found[-1].place)

    async def update(self, wanted: R, *, mask: FieldMask, request_id: str) -> R:
        """Change the fields of `mask`."""
        collection, paths, key = self._collection, tuple(mask.paths), own(request_id)
        asked = repeats.digest(
            f"update {collection.table}", wanted.SerializeToString(deterministic=True), *(p.encode() for p in paths)
        )

        def change(connection: Connection) -> R:
            now_ms = self._clock_ms()

            def act() -> tuple[bytes, str]:
                resource = collection.update(connection, wanted, paths=paths, now_ms=now_ms)
                return resource.SerializeToString(), collection.subject(resource)

            return collection.kind.FromString(repeats.once(connection, key, asked=asked, act=act, now_ms=now_ms))

        return await self._store.write(change)

    async def delete(self, name: str, *, etag: str, request_id: str) -> None:
        """Delete one resource."""
        collection, key = self._collection, own(request_id)
        asked = repeats.digest(f"delete {collection.table}", name.encode(), etag.encode())

        def change(connection: Connection) -> None:
            def act() -> tuple[bytes, str]:
                return b"", collection.subject(collection.delete(connection, name, etag=etag))

            repeats.once(connection, key, asked=asked, act=act, now_ms=self._clock_ms())

        await self._store.write(change)

    def _create(self, connection: Connection, wanted: Wanted[R], *, then: Callable[[Connection, R], Any] | None) -> R:
        collection, now_ms = self._collection, self._clock_ms()

        def act() -> tuple[bytes, str]:
            resource = collection.insert(connection, wanted.resource, wanted_id=wanted.wanted_id, now_ms=now_ms)
            if then is not None:
                then(connection, resource)
            return resource.SerializeToString(), collection.subject(resource)

        asked = repeats.digest(
            f"create {collection.table}",
            wanted.resource.SerializeToString(deterministic=True),
            wanted.wanted_id.encode(),
        )
        return collection.kind.FromString(
            repeats.once(connection, wanted.request_id, asked=asked, act=act, now_ms=now_ms)
        )

    async def _read_page(self, filters: Filters, *, after: int, size: int) -> Page[R]:
        return await self._store.read(
            lambda connection: self._collection.page(connection, filters, after=after, size=size)
        )


def _set_only(filters: Filters) -> Filters:
    return {field: value for field, value in filters.items() if value}
