"""Saved views, and what is needed of a store of them. Pure."""

from typing import Protocol

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
