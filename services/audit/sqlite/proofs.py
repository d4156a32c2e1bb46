"""A `services.audit.proofs.log.Log` in SQLite."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from services.audit.proofs.log import Place, Proved, Raw, Say, Signed, Span
from services.audit.sqlite import checkpoints as sqlite_checkpoints
from services.audit.sqlite import kept
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite.segments.reading import SegmentReader
from services.proof.tiles import Tree

T = TypeVar("T")
Run = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
"""Runs something with a connection, off the event loop; see `services.audit.sqlite.store`."""


class SqliteLog:
    """The log of one store.

    `read` runs what only reads, `write` in a transaction of its own; `segments` gives what looks decisions up, where
    `read` runs.
    """

    def __init__(self, *, read: Run, write: Run, segments: Callable[[], SegmentReader]) -> None:
        self._read = read
        self._write = write
        self._segments = segments

    async def size(self) -> int:
        """See `Log.size`."""
        return int(await self._read(sqlite_log.size))

    async def root(self, size: int) -> bytes:
        """See `Log.root`."""
        return bytes(await self._read(lambda connection: sqlite_log.tree(connection, size).root()))

    async def places(self, start: int, *, end: int) -> tuple[Place, ...]:
        """See `Log.places`."""
        return (await self.span(start, end=end)).places()

    async def span(self, start: int, *, end: int) -> Span:
        """See `Log.span`."""
        found: Span = await self._read(
            lambda connection: kept.span(connection, start, end=end, each=self._segments().each)
        )
        return found

    async def decisions(self, start: int, *, end: int) -> tuple[str, ...]:
        """See `Log.decisions`."""
        found: tuple[str, ...] = await self._read(lambda connection: kept.decisions(connection, start, end=end))
        return found

    async def hashes(self, start: int, *, end: int) -> Sequence[bytes]:
        """See `Log.hashes`."""
        found: Sequence[bytes] = await self._read(lambda connection: kept.hashes(connection, start, end=end))
        return found

    async def raw(self, decisions: Sequence[str]) -> Mapping[str, Raw]:
        """See `Log.raw`."""
        found: Mapping[str, Raw] = await self._read(lambda _: self._segments().raw(decisions))
        return found

    async def inclusion(self, indexes: Sequence[int], *, size: int) -> tuple[Proved, ...]:
        """See `Log.inclusion`."""

        def prove(connection: sqlite3.Connection) -> tuple[Proved, ...]:
            tree = sqlite_log.tree(connection, size)
            return tuple(_proved(tree, index) for index in indexes)

        found: tuple[Proved, ...] = await self._read(prove)
        return found

    async def sign(self, say: Say, *, now_ms: int) -> Signed:
        """See `Log.sign`."""
        found: Signed = await self._write(lambda connection: sqlite_checkpoints.sign(connection, say, now_ms=now_ms))
        return found

    async def newest(self, *, cosigned: bool = False) -> Signed | None:
        """See `Log.newest`."""
        found: Signed | None = await self._read(lambda each: sqlite_checkpoints.newest(each, cosigned=cosigned))
        return found

    async def checkpoint(self, size: int) -> Signed | None:
        """See `Log.checkpoint`."""
        found: Signed | None = await self._read(lambda connection: sqlite_checkpoints.of(connection, size))
        return found

    async def checkpoints(self) -> tuple[Signed, ...]:
        """See `Log.checkpoints`."""
        found: tuple[Signed, ...] = await self._read(sqlite_checkpoints.every)
        return found

    async def cosign(self, size: int, add: Callable[[str], str]) -> bool:
        """See `Log.cosign`."""
        return bool(await self._write(lambda connection: sqlite_checkpoints.cosign(connection, size, add)))

    async def consistency(self, first: int, *, second: int) -> tuple[bytes, ...]:
        """See `Log.consistency`."""
        found: tuple[bytes, ...] = await self._read(
            lambda connection: sqlite_log.tree(connection, second).consistency(first)
        )
        return found


def _proved(tree: Tree, index: int) -> Proved:
    return Proved(tree.leaf(index), tree.inclusion(index))
