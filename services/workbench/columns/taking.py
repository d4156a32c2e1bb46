"""Takes the log in, step by step, and holds each entry against its hash. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from pilote.audit.v1 import log_pb2
from services.proof.leaves import ADMIT, SETTLE, hash_of
from services.proof.merkle import HASH_BYTES, Growing, parted
from services.workbench.columns.readings import NONE, Readings

AT_ONCE: Final = 50_000
"""Entries that are taken in in one step: what is read anew where the process ends meanwhile."""
Entry = tuple[str, Sequence[bytes], bytes]
"""Kind, parts and hash of an entry of the log; no parts where they were deleted."""


class LogDiffers(Exception):
    """What the audit service gives is not the log that was signed, or not the one that was read before."""


class Step(msgspec.Struct, array_like=True):
    """Entries that follow each other and are kept together."""

    start: int
    """Place of the first one."""
    size: int = 0
    """Of the log, as it was when reading began."""
    count: int = 0
    """Of entries, also of those that are in none of these lists: their parts were deleted."""
    peaks: list[bytes] = []
    """Of the tree of all entries up to the last one of these, see `merkle.Growing`."""
    admits: list[int] = []
    """Places of the admissions; the next two have the parts of each."""
    records: list[bytes] = []
    outcomes: list[bytes] = []
    settles: list[int] = []
    """Places of the ends; the next one has the part of each."""
    settlements: list[bytes] = []
    rest: list[tuple[int, str, tuple[bytes, ...]]] = []
    """Place, kind and parts of the others."""
    readings: Readings = NONE
    """What was measured of its calls."""


class Taking:
    """Makes steps of entries as they come."""

    def __init__(self, tree: Growing, *, until: int) -> None:
        """Goes on from `tree`, which grows. A step ends where it is full, and at the place `until`."""
        self._tree = tree
        self._until = until
        self._begin()

    @property
    def place(self) -> int:
        """Of the next entry."""
        return self._step.start + len(self._hashes)

    def taken(self, *, size: int) -> Step:
        """The step, of a log of that size; the next one begins."""
        step, hashes = self._step, self._hashes
        self._tree.extend(hashes)
        step.size, step.count, step.peaks = size, len(hashes), list(self._tree.peaks)
        self._begin()
        return step

    def add(self, entries: Iterable[Entry]) -> None:
        """Take entries in as they are: nobody looks at their hashes, and the step is as large as they are many."""
        for kind, parts, leaf_hash in entries:
            self._add(kind, tuple(parts))
            self._hashes.append(leaf_hash)

    def span(self, span: log_pb2.LogSpan) -> Iterator[None]:
        """Take a span in. Comes back where a step is at its end, for that to be `taken` before it goes on.

        Raises:
            LogDiffers: its entries are not what their hashes say, or it is no span.
        """
        kinds, told, counts, places = list(span.kinds), span.leaf_hashes, span.part_counts, span.kind_places
        parts = list(span.parts)
        whole = len(told) == len(places) * HASH_BYTES and len(counts) == len(places) and sum(counts) == len(parts)
        if not whole or max(places, default=-1) >= len(kinds):
            raise LogDiffers(f"The entries of the log from {span.start_index} on are not what a span says of them.")
        rest = iter(parts)
        entries = ((kinds[place], tuple(islice(rest, count))) for place, count in zip(places, counts, strict=True))
        return self._checked(zip(entries, parted(told), strict=True), start=span.start_index)

    def each(self, entries: Sequence[log_pb2.LogEntry]) -> Iterator[None]:
        """Likewise entries of an audit service that knows no spans yet."""
        those = (((each.kind, tuple(each.parts)), each.leaf_hash) for each in entries)
        return self._checked(those, start=entries[0].index if entries else 0)

    def _checked(self, entries: Iterable[tuple[tuple[str, tuple[bytes, ...]], bytes]], *, start: int) -> Iterator[None]:
        hashes, most = self._hashes, self._most
        for index, ((kind, parts), told) in enumerate(entries, start=start):
            if parts:
                try:
                    right = hash_of(kind, parts) == told
                except ValueError:
                    right = False
                if not right:
                    raise LogDiffers(f"The entry {index} of the log is not what its hash says.")
                self._add(kind, parts)
            hashes.append(told)
            if len(hashes) == most:
                yield
                hashes, most = self._hashes, self._most

    def _begin(self) -> None:
        start = self._tree.size
        self._step, self._hashes = Step(start), list[bytes]()
        left = self._until - start
        self._most = min(AT_ONCE, left) if left > 0 else AT_ONCE

    def _add(self, kind: str, parts: tuple[bytes, ...]) -> None:
        """Put an entry where those of its kind are; the next one to have a hash."""
        step, place = self._step, self._step.start + len(self._hashes)
        if kind == SETTLE and len(parts) == 1:
            step.settles.append(place)
            step.settlements.append(parts[0])
        elif kind == ADMIT and len(parts) == 2:
            step.admits.append(place)
            step.records.append(parts[0])
            step.outcomes.append(parts[1])
        elif parts:
            step.rest.append((place, kind, parts))
