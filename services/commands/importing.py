"""Brings an export into an empty store: every entry in the order of the log, so that the same log comes of it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from gateway.core import keys
from services.audit import entries as streams
from services.audit.entries import Entry, Noted
from services.audit.store import DecisionStore
from services.commands.export_reading import row_at, rows_of
from services.proof import leaves
from services.proof.leaves import Leaf
from services.proof.verifying import Report

_BATCH: Final = 500


class NotEmpty(Exception):
    """There is something in the store already."""


class Foreign(Exception):
    """An entry of the export is none that this version of Pilote stores; says why."""


class Imported(msgspec.Struct, frozen=True):
    """What came of an import."""

    entries: int
    same_log: bool
    """The store's log is the one that the export was made of, to the last hash."""


async def import_lines(
    path: Path, report: Report, store: DecisionStore, *, progress: Callable[[int, int], None]
) -> Imported:
    """Import an export in JSON Lines that was verified as `report` says into an empty store.

    Raises:
        NotEmpty: the store has decisions, or other entries.
        Foreign: an entry cannot be stored; what came before it is.
        CallEnded: STORE_UNAVAILABLE when the store cannot be written.
    """
    if await store.count() or await store.log.size():
        raise NotEmpty
    order = await asyncio.to_thread(_order, path)
    done = 0
    with path.open("rb") as file:
        for start in range(0, len(order), _BATCH):
            batch = [_entry(leaf) for leaf in _leaves(file, order[start : start + _BATCH])]
            await store.write(batch)
            done += len(batch)
            progress(done, len(order))
    checkpoint = report.checkpoint
    same = (
        checkpoint is not None
        and await store.log.size() == checkpoint.size
        and await store.log.root(checkpoint.size) == checkpoint.root
    )
    return Imported(done, same)


def _order(path: Path) -> list[tuple[int, int, int]]:
    """Place in the log, where the row is in the file, and which entry of it: as they stand in the log.

    Those that were in no log come last, the oldest first.
    """
    found = []
    for at, row in rows_of(path):
        for which, entry in enumerate(row):
            if entry.leaf is not None:
                # Rows are the newest first, so of what has no place the row that comes last goes first.
                key = (0, entry.place, 0) if entry.place is not None else (1, -at, which)
                found.append((key, at, which))
    found.sort()
    return [(key[1], at, which) for key, at, which in found]


def _leaves(file: IO[bytes], order: Sequence[tuple[int, int, int]]) -> list[Leaf]:
    found = []
    for _, at, which in order:
        leaf = row_at(file, at)[which].leaf
        if leaf is not None:
            found.append(leaf)
    return found


def _entry(leaf: Leaf) -> Entry:
    """The entry that a leaf was made of, read as strictly as one from a stream."""
    parts, stream = leaf.parts, b""
    match leaf.kind:
        case leaves.ADMIT:
            fields = {b"k": b"admit", b"r": parts[0], b"o": parts[1]}
        case leaves.SETTLE:
            fields = {b"k": b"settle", b"r": parts[0]}
        case leaves.OUTCOME | leaves.COPY:
            fields = {b"k": leaf.kind.encode(), b"r": parts[1]}
            stream = keys.decisions(keys.cell(parts[0].decode())).encode()
        case _:
            return Noted(leaf.kind, parts[0])
    entry = streams.read(fields, stream=stream)
    if isinstance(entry, streams.Corrupt):
        raise Foreign(entry.why)
    return entry
