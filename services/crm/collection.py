"""How one kind of resource is kept: a table of message bytes, and beside them the columns that lists filter by.

Everything here runs inside one transaction of `services.crm.store`, on its thread.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from pilote.crm.v1.activity_pb2 import Activity
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.deal_pb2 import Deal
from pilote.crm.v1.message_pb2 import Message
from services.crm import changes, checks, contracts, words

Row = TypeVar("Row")
R = TypeVar("R", Contact, Deal, Activity, Message)

MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
"""A page ends early rather than outgrow the 4 MiB that a gRPC message may have."""
QUERY: Final = "query"
"""The filter that is text of which a resource must have all words."""


class Page(NamedTuple, Generic[R]):
    """One page of a list. `next_place` is where the following page begins; `None` after the last one."""

    resources: tuple[R, ...]
    next_place: int | None


class Collection(Generic[R]):
    """The resources of one kind. Subclasses say what is special about theirs."""

    kind: type[R]
    table: ClassVar[str]
    """Collection part of the names, "deals" in `deals/{deal}`, and name of the table."""
    word: ClassVar[str]
    """Name of the resource in requests: "deal" in `UpdateDealRequest.deal`."""
    id_prefix: ClassVar[str]
    limits: ClassVar[Mapping[str, int]]
    """Most characters of each text field."""
    filters: ClassVar[tuple[str, ...]]
    """Fields that lists can filter by."""
    searched: ClassVar[bool] = False
    """Whether lists can search by words."""
    remembered: ClassVar[bool] = False
    """Whether it is kept what a resource was after each change."""

    def problems(self, resource: R) -> Iterator[checks.Problem]:
        """Whatever is wrong with the resource beyond lengths, patterns, enums and missing fields."""
        yield from ()

    def complete(self, resource: R, *, before: R | None, now: Timestamp) -> Iterator[checks.Problem]:
        """Fill in what the service sets itself. `before` is what is replaced, `None` on Create."""
        yield from ()

    def references(self, resource: R) -> tuple[str, ...]:
        """Names of the resources that must exist for this one to make sense."""
        return ()

    def subject(self, resource: R) -> str:
        """Name of the contact that the resource is about."""
        raise NotImplementedError

    def filter_value(self, resource: R, field: str) -> str | int:
        """What lists compare with a filter on `field`."""
        value: str | int = getattr(resource, field)
        return value

    def texts(self, resource: R) -> Iterator[str]:
        """What the resource is found by, where it is `searched`."""
        yield from ()

    def deleted(self, connection: sqlite3.Connection, resource: R) -> None:
        """Delete what must not outlive the resource."""

    def schema(self) -> tuple[str, ...]:
        """The statements that make the table where there is none."""
        columns = "".join(f", {field} ANY NOT NULL" for field in self.filters)
        return (
            f"""CREATE TABLE IF NOT EXISTS {self.table} (place INTEGER PRIMARY KEY AUTOINCREMENT,
                name TEXT NOT NULL UNIQUE, body BLOB NOT NULL{columns}) STRICT""",
            *(
                f"CREATE INDEX IF NOT EXISTS {self.table}_{field} ON {self.table} ({field}, place)"
                for field in self.filters
            ),
            *(words.schema(self.table) if self.searched else ()),
            *(changes.schema(self.table) if self.remembered else ()),
        )

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Let what an earlier version kept be found by its words too."""
        if not self.searched or connection.execute(f"SELECT 1 FROM {self.table}_words LIMIT 1").fetchone():
            return
        for place, body in connection.execute(f"SELECT place, body FROM {self.table}").fetchall():
            words.index(connection, self.table, place, self.texts(self.kind.FromString(body)))

    def insert(self, connection: sqlite3.Connection, wanted: R, *, wanted_id: str, now_ms: int) -> R:
        """Keep `wanted` under a new name and return it as it is kept.

        Raises:
            CallEnded: ARGUMENT_INVALID with every mistake, ALREADY_EXISTS, or NOT_FOUND for what it refers to.
        """
        resource: R = self.kind()
        resource.CopyFrom(wanted)
        contracts.clear_service_fields(resource)
        if wanted_id and not checks.valid_id(wanted_id):
            text = "must be 1 to 63 characters of a-z, 0-9, _ and -"
            field = f"{self.word}_id"
            raise CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", violations=((field, text),))
        resource.name = f"{self.table}/{wanted_id or f'{self.id_prefix}_{secrets.token_hex(10)}'}"
        resource.create_time.FromMilliseconds(now_ms)
        body = self._sealed(connection, resource, before=None, now_ms=now_ms)
        columns = ", ".join(("name", "body", *self.filters))
        marks = ", ".join("?" * (2 + len(self.filters)))
        try:
            cursor = connection.execute(
                f"INSERT INTO {self.table} ({columns}) VALUES ({marks})",
                (resource.name, body, *self._filter_values(resource)),
            )
        except sqlite3.IntegrityError as error:
            raise CallEnded(
                Reason.ALREADY_EXISTS, f"{resource.name} exists.", metadata={"name": resource.name}
            ) from error
        self._kept(connection, cursor.lastrowid or 0, before=None, resource=resource, now_ms=now_ms)
        return resource

    def get(self, connection: sqlite3.Connection, name: str, *, field: str = "name") -> R:
        """The resource of that name; `field` is where the request has it.

        Raises:
            CallEnded: ARGUMENT_INVALID when `name` is no name of this kind, NOT_FOUND when nothing has it.
        """
        collection, _, last = name.partition("/")
        if collection != self.table or not checks.valid_id(last):
            text = f"must be {self.table}/ and an identifier"
            raise CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", violations=((field, text),))
        row = connection.execute(f"SELECT body FROM {self.table} WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise not_found(name)
        return self.kind.FromString(row[0])

    def page(
        self, connection: sqlite3.Connection, filters: Mapping[str, str | int], *, after: int, size: int
    ) -> Page[R]:
        """At most `size` resources that match all `filters`, oldest first, behind place `after`.

        The filter "query" is text of which they must have all words.
        """
        asked: list[str] = words.words_of(str(filters.get(QUERY, "")))
        fields: list[str] = [field for field in filters if field != QUERY]
        where = "".join(f" AND {field} = ?" for field in fields) + words.condition(self.table, asked)
        rows = connection.execute(
            f"SELECT place, body FROM {self.table} WHERE place > ?{where} ORDER BY place LIMIT ?",
            (after, *(filters[field] for field in fields), *words.bounds(asked), size + 1),
        )
        found, whole = fitting(rows, size=size, length=lambda row: len(row[1]))
        resources = tuple(self.kind.FromString(body) for _, body in found)
        return Page(resources, next_place=None if whole else found[-1][0])

    def update(self, connection: sqlite3.Connection, wanted: R, *, paths: tuple[str, ...], now_ms: int) -> R:
        """Change the fields of `paths` to those of `wanted` and return the resource as it is kept.

        Raises:
            CallEnded: NOT_FOUND, CONFLICT when `wanted.etag` is set and not the present one, ARGUMENT_INVALID.
        """
        held = self._current(connection, wanted.name, etag=wanted.etag, field=f"{self.word}.name")
        resource: R = contracts.updated(held, wanted, paths=paths)
        body = self._sealed(connection, resource, before=held, now_ms=now_ms)
        assignments = ", ".join(f"{column} = ?" for column in ("body", *self.filters))
        ((place,),) = connection.execute(
            f"UPDATE {self.table} SET {assignments} WHERE name = ? RETURNING place",
            (body, *self._filter_values(resource), resource.name),
        ).fetchall()
        self._kept(connection, place, before=held, resource=resource, now_ms=now_ms)
        return resource

    def delete(self, connection: sqlite3.Connection, name: str, *, etag: str) -> R:
        """Delete the resource and return what it was.

        Raises:
            CallEnded: NOT_FOUND, or CONFLICT when `etag` is set and not the present one.
        """
        held = self._current(connection, name, etag=etag, field="name")
        connection.execute(f"DELETE FROM {self.table} WHERE name = ?", (name,))
        self.deleted(connection, held)
        return held

    def _kept(self, connection: sqlite3.Connection, place: int, *, before: R | None, resource: R, now_ms: int) -> None:
        if self.searched:
            words.index(connection, self.table, place, self.texts(resource))
        if self.remembered:
            changes.note(connection, self.table, resource.name, before=before, after=resource, at_ms=now_ms)

    def _current(self, connection: sqlite3.Connection, name: str, *, etag: str, field: str) -> R:
        held = self.get(connection, name, field=field)
        if etag and etag != held.etag:
            raise CallEnded(
                Reason.CONFLICT,
                f"{name} has changed since it was read; read it again, then retry.",
                metadata={"name": name, "etag": held.etag},
            )
        return held

    def _sealed(self, connection: sqlite3.Connection, resource: R, *, before: R | None, now_ms: int) -> bytes:
        """Complete and check the resource, stamp it, and return its bytes."""
        now: Timestamp = Timestamp()
        now.FromMilliseconds(now_ms)
        # A mistake that `complete` finds is listed with the others: the caller gets all of them at once.
        found = [*self.complete(resource, before=before, now=now)]
        found += ((field, "is required") for field in contracts.missing_fields(resource))
        found += (*checks.texts(resource, self.limits), *checks.enums(resource), *checks.times(resource))
        found += self.problems(resource)
        if found:
            violations = tuple((f"{self.word}.{field}", text) for field, text in found)
            raise CallEnded(Reason.ARGUMENT_INVALID, f"{violations[0][0]} {violations[0][1]}.", violations=violations)
        for name in self.references(resource):
            # The collection part was checked against its field's pattern, so it is a table of ours.
            table = name.partition("/")[0]
            if connection.execute(f"SELECT 1 FROM {table} WHERE name = ?", (name,)).fetchone() is None:
                raise not_found(name)
        resource.update_time.CopyFrom(now)
        resource.ClearField("etag")
        version = before.etag if before is not None else ""
        state = version.encode() + resource.SerializeToString(deterministic=True)
        resource.etag = hashlib.sha256(state).hexdigest()[:16]
        return resource.SerializeToString(deterministic=True)

    def _filter_values(self, resource: R) -> tuple[str | int, ...]:
        return tuple(self.filter_value(resource, field) for field in self.filters)


def fitting(rows: Iterable[Row], *, size: int, length: Callable[[Row], int]) -> tuple[list[Row], bool]:
    """The first `size` rows, or fewer where they would outgrow a page, and whether these are all.

    `length` says how many bytes a row adds. One row always fits.
    """
    found: list[Row] = []
    total_bytes = 0
    for row in rows:
        total_bytes += length(row)
        if len(found) == size or (found and total_bytes > MAX_PAGE_BYTES):
            return found, False
        found.append(row)
    return found, True


def not_found(name: str) -> CallEnded:
    """The end of a call that names a resource which does not exist."""
    return CallEnded(Reason.NOT_FOUND, f"{name} does not exist.", metadata={"name": name})
