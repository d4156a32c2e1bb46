"""Exports decisions, or the whole log, with what proves them: a head, rows, and a manifest of them that is signed."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from services.audit.filters.expression import Expression
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log import Log, Place, Raw, Signed
from services.audit.store import DecisionStore, Stored
from services.proof import leaves
from services.proof.columns import time_text
from services.proof.exports import Digest, Entry, Head, Manifest, Row, manifest_text
from services.proof.leaves import Leaf

PAGE: Final = 200
"""Decisions that are read at once: what one export holds in memory."""
_SPAN: Final = 1_024
"""Places of the log that are looked at for other entries at once."""


class Asked(msgspec.Struct, frozen=True):
    """What is to be exported."""

    query: str
    """The filter as it was written; empty for the whole log."""
    expression: Expression
    """It, as a store takes it."""
    proofs: bool
    previous_size: int
    """Size of an earlier log, to prove that this one continues it; 0 for none."""
    now_ms: int
    cosigned: bool = False
    """Only what a witness has seen: the newest checkpoint that one has signed counts."""


class Exported(msgspec.Struct, frozen=True):
    """A row, and the decision where it is one."""

    row: Row
    stored: Stored | None


class Export:
    """One export, as the log is when it begins: entries that are stored later are not in it.

    First ask for `head`, then for all `rows`, then for the `manifest`.
    """

    def __init__(self, store: DecisionStore, checkpoints: Checkpoints, asked: Asked) -> None:
        self._store = store
        self._log: Log = store.log
        self._checkpoints = checkpoints
        self._asked = asked
        self._digest = Digest()
        self._ends = ("", "")
        self._covered = bytearray()
        """For the whole log: which places were in a row."""

    async def head(self) -> tuple[Head, Signed]:
        """What is exported, and the checkpoint of the log as it is now, or as a witness has seen it.

        Raises:
            CallEnded: STORE_UNAVAILABLE when no checkpoint can be signed, NOT_FOUND when no witness has signed one.
        """
        asked = self._asked
        signed = await (self._checkpoints.cosigned() if asked.cosigned else self._checkpoints.now())
        previous = min(asked.previous_size, signed.size)
        head = Head(
            origin=self._checkpoints.signer.key.name,
            query=asked.query,
            at_ms=asked.now_ms,
            time=time_text(asked.now_ms),
            tree_size=signed.size,
            checkpoint=signed.note,
            proofs=asked.proofs,
            previous_size=previous,
            consistency=await self._log.consistency(previous, second=signed.size) if previous else (),
        )
        self._covered = bytearray(0 if asked.query else signed.size)
        return head, signed

    async def rows(self, head: Head) -> AsyncIterator[Exported]:
        """The decisions, the newest first; for the whole log then every other entry, as they stand there."""
        before = ""
        while True:
            asked = self._asked
            page = await self._store.page(asked.expression, now_ms=asked.now_ms, before=before, size=PAGE)
            for exported in await self._decisions(page, head):
                self._count(exported.row)
                self._ends = (self._ends[0] or _id(exported), _id(exported))
                yield exported
            if len(page) < PAGE:
                break
            before = page[-1].record.id
        for start in range(0, len(self._covered), _SPAN):
            end = min(start + _SPAN, len(self._covered))
            if self._covered.count(1, start, end) == end - start:
                continue
            for place in await self._log.places(start, end=end):
                if not self._covered[place.index]:
                    row = (_entry_of(place),)
                    self._digest.add(row)
                    yield Exported(row, None)

    def manifest(self, head: Head) -> str:
        """The signed note of all that was exported."""
        digest = self._digest
        manifest = Manifest(
            head=head,
            rows=digest.rows,
            entries=digest.entries,
            unlogged=digest.unlogged,
            first=self._ends[0],
            last=self._ends[1],
            digest=digest.value,
            unreadable=self._store.unreadable,
        )
        return self._checkpoints.signer.note(manifest_text(manifest)).whole

    def _count(self, row: Row) -> None:
        self._digest.add(row)
        for entry in row:
            if entry.place is not None and self._covered:
                self._covered[entry.place] = 1

    async def _decisions(self, page: Sequence[Stored], head: Head) -> list[Exported]:
        raw = await self._log.raw([stored.record.id for stored in page])
        found = []
        for stored in page:
            written = raw.get(stored.record.id)
            row = () if written is None else _row(written, head.tree_size)
            if row:
                found.append((row, stored))
        if not head.proofs or not head.query:
            return [Exported(row, stored) for row, stored in found]
        places = [entry.place for row, _ in found for entry in row if entry.place is not None]
        proved = await self._log.inclusion(places, size=head.tree_size)
        paths = {place: each.path for place, each in zip(places, proved, strict=True)}
        return [
            Exported(tuple(msgspec.structs.replace(entry, path=_path(entry, paths)) for entry in row), stored)
            for row, stored in found
        ]


def _row(raw: Raw, size: int) -> Row:
    """A decision as it was when the log had so many entries; empty where it was not there yet."""
    if raw.leaf is not None and raw.leaf >= size:
        return ()
    admission = Leaf(leaves.ADMIT, (raw.record, raw.outcome))
    row: Row = (Entry(leaves.ADMIT, raw.leaf, admission.hash, admission),)
    if raw.settlement is None or (raw.settled_leaf is not None and raw.settled_leaf >= size):
        return row
    end = Leaf(leaves.SETTLE, (raw.settlement,))
    return (*row, Entry(leaves.SETTLE, raw.settled_leaf, end.hash, end))


def _path(entry: Entry, paths: "dict[int, tuple[bytes, ...]]") -> tuple[bytes, ...]:
    return () if entry.place is None else paths[entry.place]


def _entry_of(place: Place) -> Entry:
    return Entry(place.kind, place.index, place.hash, place.leaf)


def _id(exported: Exported) -> str:
    return "" if exported.stored is None else exported.stored.record.id
