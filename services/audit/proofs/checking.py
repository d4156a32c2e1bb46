"""Checks what a store keeps against its log, and the log against everything that was signed of it."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from services.audit.filters.expression import EVERYTHING, Expression
from services.audit.proofs.log import Log, Place, Raw, Signed
from services.audit.store import Stored
from services.proof import leaves
from services.proof.leaves import Leaf
from services.proof.merkle import Growing
from services.proof.notes import Key
from services.proof.verifying import Broken, Trust, checked_checkpoint

_PAGE: Final = 500
_SPAN: Final = 4_096
"""Hashes of the log that are read at once."""


class Kept(Protocol):
    """The part of a `DecisionStore` that is checked."""

    @property
    def log(self) -> Log:
        """See `DecisionStore.log`."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """See `DecisionStore.unreadable`."""

    async def page(self, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
        """See `DecisionStore.page`."""

    async def differing(self, decisions: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """See `DecisionStore.differing`."""

    async def misleading(self) -> Sequence[str]:
        """See `DecisionStore.misleading`."""

    async def misnoted(self) -> Sequence[int]:
        """See `DecisionStore.misnoted`."""


class Wrong(msgspec.Struct, frozen=True):
    """Something that is wrong: a text of `services.commands.proof_texts`, and what it is about."""

    what: str
    values: Mapping[str, str | int] = {}


class Tally(msgspec.Struct):
    """What was looked at."""

    size: int = 0
    decisions: int = 0
    checkpoints: int = 0
    unlogged: int = 0
    """Decisions that were stored before there was a log."""
    deleted: int = 0
    """Entries of which the log has nothing but the hash."""


class Check:
    """One check of a store. `progress` is told how many steps were taken, of how many.

    What is stored meanwhile is left for the next check.
    """

    def __init__(self, kept: Kept, *, key: Key, now_ms: int, progress: Callable[[int, int], None]) -> None:
        self._kept = kept
        self._log = kept.log
        self._trust = Trust(key)
        self._now_ms = now_ms
        self._progress = progress
        self._covered = bytearray()
        self.tally = Tally()

    async def run(self) -> AsyncIterator[Wrong]:
        """Everything that is wrong."""
        self.tally.size = await self._log.size()
        self._covered = bytearray(self.tally.size)
        async for wrong in self._tree():
            yield wrong
        async for wrong in self._decisions():
            yield wrong
        async for wrong in self._others():
            yield wrong
        for place in await self._kept.misnoted():
            yield Wrong("store-note", {"place": place})
        for file in await self._kept.misleading():
            yield Wrong("store-misleading", {"file": file})
        for file in self._kept.unreadable:
            yield Wrong("store-damaged", {"file": file})

    async def _tree(self) -> AsyncIterator[Wrong]:
        """The hashes against every checkpoint, and the tiles above them against the hashes."""
        signed = {each.size: each for each in await self._log.checkpoints()}
        self.tally.checkpoints = len(signed)
        tree, size = Growing(), self.tally.size
        for each in signed.values():
            if (wrong := self._signature(each)) is not None:
                yield wrong
            if each.size > size:
                yield Wrong("store-shorter", {"size": size, "signed": each.size})
        for start in range(0, size, _SPAN):
            for place in await self._log.hashes(start, end=min(start + _SPAN, size)):
                if tree.size in signed and signed[tree.size].root != tree.root:
                    yield Wrong("store-forked", {"signed": tree.size})
                tree.add(place)
        if size in signed and signed[size].root != tree.root:
            yield Wrong("store-forked", {"signed": size})
        try:
            whole = await self._log.root(size) == tree.root
        except KeyError:
            whole = False
        if not whole:
            yield Wrong("store-tiles")

    def _signature(self, signed: Signed) -> Wrong | None:
        try:
            said, _ = checked_checkpoint(signed.note, self._trust)
        except Broken as broken:
            return Wrong("store-checkpoint", {"signed": signed.size, "problem": broken.problem.what})
        if (said.size, said.root) != (signed.size, signed.root):
            return Wrong("store-checkpoint", {"signed": signed.size, "problem": "head-differs"})
        return None

    async def _decisions(self) -> AsyncIterator[Wrong]:
        """Every decision that queries find: what was written of it, and what it came to."""
        before = ""
        while True:
            try:
                page = await self._kept.page(EVERYTHING, now_ms=self._now_ms, before=before, size=_PAGE)
            except (msgspec.DecodeError, ValueError, TypeError):
                # Which one it is, the log says: all that were not looked at here are looked at there.
                yield Wrong("store-undecodable", {"decision": before or "ffffffffffffffffffffffffffffffff"})
                return
            async for wrong in self._page(page, before=before):
                yield wrong
            self._progress(self.tally.decisions, max(self.tally.size, 1))
            if len(page) < _PAGE:
                return
            before = page[-1].record.id

    async def _page(self, page: Sequence[Stored], *, before: str) -> AsyncIterator[Wrong]:
        ids = [stored.record.id for stored in page]
        raw = await self._log.raw(ids)
        hashes = await self._hashes_of(raw.values())
        for decision, columns in (await self._kept.differing(ids)).items():
            yield Wrong("store-columns", {"decision": decision, "columns": ", ".join(columns)})
        for stored in page:
            self.tally.decisions += 1
            written = raw.get(stored.record.id)
            if written is not None:
                for what in self._decision(written, hashes):
                    yield Wrong(what, {"decision": stored.record.id})
        if lost := {*ids} - raw.keys():
            # They are found, but not under the id that they have; unless they have been deleted just now.
            again = await self._kept.page(EVERYTHING, now_ms=self._now_ms, before=before, size=_PAGE)
            for decision in sorted(lost & {stored.record.id for stored in again}):
                yield Wrong("store-columns", {"decision": decision, "columns": "id"})

    async def _hashes_of(self, raw: Iterable[Raw]) -> Mapping[int, bytes]:
        """The hashes that the log has where decisions say that they stand."""
        places = [
            place
            for each in raw
            for place in (each.leaf, each.settled_leaf)
            if place is not None and place < self.tally.size
        ]
        found: dict[int, bytes] = {}
        for start, end in _spans(sorted(places)):
            found |= dict(enumerate(await self._log.hashes(start, end=end), start=start))
        return found

    def _decision(self, raw: Raw, hashes: Mapping[int, bytes]) -> list[str]:
        wrong = []
        if raw.leaf is None:
            self.tally.unlogged += 1
        elif not self._agrees(Leaf(leaves.ADMIT, (raw.record, raw.outcome)), raw.leaf, hashes):
            wrong.append("store-changed")
        end, place = raw.settlement, raw.settled_leaf
        if end is not None and place is not None and not self._agrees(Leaf(leaves.SETTLE, (end,)), place, hashes):
            wrong.append("store-end-changed")
        return wrong

    def _agrees(self, leaf: Leaf, place: int, hashes: Mapping[int, bytes]) -> bool:
        """Whether the log has this leaf at its place, and no other decision says to be there."""
        if place >= self.tally.size:
            return True
        first, self._covered[place] = not self._covered[place], 1
        return first and hashes.get(place) == _hash_of(leaf)

    async def _others(self) -> AsyncIterator[Wrong]:
        """Every entry that no decision covers."""
        for start in range(0, self.tally.size, _SPAN):
            end = min(start + _SPAN, self.tally.size)
            if self._covered.count(1, start, end) == end - start:
                continue
            for place in await self._log.places(start, end=end):
                if self._covered[place.index]:
                    continue
                wrong = await self._other(place)
                if wrong is not None:
                    yield wrong

    async def _other(self, place: Place) -> Wrong | None:
        if place.leaf is not None:
            return None if _hash_of(place.leaf) == place.hash else Wrong("store-entry", {"place": place.index})
        if place.decision and await self._log.raw([place.decision]):
            # The decision is there, and says that this entry of it is not, or is elsewhere.
            return Wrong("store-entry", {"place": place.index})
        if place.kind and place.kind not in leaves.OF_DECISIONS:
            # Nothing deletes entries of the log's own.
            return Wrong("store-entry", {"place": place.index})
        self.tally.deleted += 1
        return None


def _hash_of(leaf: Leaf) -> bytes:
    """Its hash; none where what is kept of it is no leaf at all."""
    try:
        return leaf.hash
    except (ValueError, TypeError):
        return b""


def _spans(places: Sequence[int]) -> list[tuple[int, int]]:
    """These places in few spans that hold little else."""
    spans: list[tuple[int, int]] = []
    for place in places:
        if spans and place - spans[-1][1] < 64:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans
