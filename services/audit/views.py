"""Saved views, and what is needed of a store of them. Pure."""

from typing import Any, Final, Protocol

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A search under a name. Times are milliseconds since the epoch."""

    name: str
    """Without "views/"."""
    title: str
    filter: str = ""
    order_by: str = ""
    columns: tuple[str, ...] = ()
    owner: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    version: int = 1
    """Grows by one with every change."""


COLUMNS: Final = "name, title, filter, order_by, columns, owner, created_ms, updated_ms, version"
"""Columns in which every store keeps a view."""


class ViewStore(Protocol):
    """Keeps views. Every method raises `CallEnded` with STORE_UNAVAILABLE when the store is locked, full or broken."""

    async def list(self, *, after: str, size: int) -> tuple[View, ...]:
        """The first `size` views by name, of those behind that name."""

    async def get(self, name: str) -> View | None:
        """The view of that name; `None` when there is none."""

    async def create(self, view: View, *, most: int) -> bool:
        """Keep a view; returns whether it was: there is none of its name, and fewer than `most` altogether."""

    async def update(self, view: View, *, expected: int) -> bool:
        """Put a view in the place of its version `expected`; returns whether that was the one."""

    async def delete(self, name: str, *, expected: int) -> bool:
        """Delete that version of a view; returns whether it was the one."""


def values_of(view: View) -> tuple[Any, ...]:
    """The values of `COLUMNS` but for the name."""
    columns = msgspec.json.encode(view.columns).decode()
    return (
        *(view.title, view.filter, view.order_by, columns, view.owner),
        *(view.created_ms, view.updated_ms, view.version),
    )


def view_of(row: tuple[Any, ...]) -> View:
    """The view that a row of `COLUMNS` is."""
    name, title, text, order_by, columns, owner, created_ms, updated_ms, version = row
    return View(
        name=name,
        title=title,
        filter=text,
        order_by=order_by,
        columns=tuple(msgspec.json.decode(columns, type=list[str])),
        owner=owner,
        created_ms=created_ms,
        updated_ms=updated_ms,
        version=version,
    )
