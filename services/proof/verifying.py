"""Verifies an export with nothing but what is in it and the public key of the log. Pure.

Every problem names a text of `services.commands.proof_texts` and the row that it is about.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.proof.columns import DECISION, Columns
from services.proof.exports import Digest, Entry, Head, Manifest, Row, columns_of, hash_text, read_manifest
from services.proof.merkle import HASH_BYTES, Growing, consistent, root_by_inclusion
from services.proof.notes import Checkpoint, Key, Malformed, Note, cosigned_at, read_checkpoint, read_note, signed_by

MOST_PROBLEMS: Final = 20
"""Problems that are told of one file; one is enough to trust it no more."""


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong."""

    what: str
    row: int = 0
    """From 1; 0 for what is about the whole file."""
    values: Mapping[str, str | int] = {}


class Trust(msgspec.Struct, frozen=True):
    """What is known before a file is looked at."""

    key: Key
    previous: Checkpoint | None = None
    """A checkpoint of the same log that was seen earlier."""
    witnesses: tuple[Key, ...] = ()
    """Who must have seen the checkpoint too."""


class Report(msgspec.Struct, frozen=True):
    """What came of verifying one file."""

    problems: tuple[Problem, ...]
    checkpoint: Checkpoint | None = None
    manifest: Manifest | None = None
    cosigned_s: tuple[int, ...] = ()
    """When each witness has signed, seconds since the epoch."""
    deleted: int = 0
    """Entries of which only the hash is left."""


class Broken(Exception):
    """There is a problem after which nothing else in the file means anything."""

    def __init__(self, what: str, **values: str | int) -> None:
        super().__init__(what)
        self.problem = Problem(what, 0, values)


def checked_checkpoint(whole: str, trust: Trust) -> tuple[Checkpoint, tuple[int, ...]]:
    """What a signed checkpoint says, and when each witness has seen it.

    Raises:
        Broken: it is none, or not signed by whom it must be.
    """
    try:
        note = read_note(whole)
        checkpoint = read_checkpoint(note.text)
    except Malformed as error:
        raise Broken("checkpoint-malformed", why=str(error)) from error
    _signed(note, trust.key, what="checkpoint")
    if checkpoint.origin != trust.key.name:
        raise Broken("checkpoint-origin", origin=checkpoint.origin, wanted=trust.key.name)
    times = []
    for witness in trust.witnesses:
        at_s = cosigned_at(note, witness)
        if at_s is None:
            raise Broken("witness-missing", witness=witness.name)
        times.append(at_s)
    return checkpoint, tuple(times)


class Verifier:
    """Verifies one export: give it the manifest, then every row, and ask for the report.

    Raises:
        Broken: the manifest or the checkpoint are not what they must be.
    """

    def __init__(self, manifest: str, trust: Trust) -> None:
        try:
            note = read_note(manifest)
            self._manifest = read_manifest(note)
        except Malformed as error:
            raise Broken("manifest-malformed", why=str(error)) from error
        _signed(note, trust.key, what="manifest")
        self.head: Final[Head] = self._manifest.head
        self.rows: Final = self._manifest.rows
        """How many rows there must be."""
        self._trust = trust
        self._checkpoint, self._times = checked_checkpoint(self.head.checkpoint, trust)
        if (self.head.origin, self.head.tree_size) != (self._checkpoint.origin, self._checkpoint.size):
            raise Broken("head-differs")
        self._whole = not self.head.query
        self._seen = _Seen(self.head.tree_size)
        self._digest = Digest()
        self._problems: list[Problem] = []
        self._deleted = 0
        self._last: tuple[str, int] | None = None
        """Id of the last decision, and place of the last other entry."""

    def problem(self, row: int, what: str, **values: str | int) -> None:
        """Something is wrong with a row; of very many such only the first are told."""
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(what, row, values))

    def add(self, number: int, row: Row) -> Columns | None:
        """Verify the next row, the `number`-th; returns what it must say in columns, `None` where that is not known."""
        self._digest.add(row)
        for entry in row:
            self._deleted += entry.leaf is None
            self._entry(number, entry)
        try:
            columns = columns_of(row, at_ms=self.head.at_ms)
        except Malformed as error:
            self.problem(number, "row-malformed", why=str(error))
            return None
        self._order(number, columns)
        return columns

    def report(self) -> Report:
        """What came of it, once all rows were given."""
        digest, manifest = self._digest, self._manifest
        if digest.rows != manifest.rows:
            what = "rows-missing" if digest.rows < manifest.rows else "rows-added"
            self.problem(0, what, count=abs(digest.rows - manifest.rows), rows=manifest.rows)
        elif digest.value != manifest.digest and not self._problems:
            self.problem(0, "digest")
        if self._whole:
            self._rebuild()
        if self._trust.previous is not None:
            self._continues(self._trust.previous)
        return Report(tuple(self._problems), self._checkpoint, manifest, self._times, self._deleted)

    def _entry(self, number: int, entry: Entry) -> None:
        place, size = entry.place, self.head.tree_size
        if place is None:
            return
        if place >= size:
            self.problem(number, "place-outside", place=place, size=size)
            return
        if not self._seen.add(place, entry.hash):
            self.problem(number, "place-twice", place=place)
        if entry.path:
            root = root_by_inclusion(entry.hash, entry.path, index=place, size=size)
            if root != self._checkpoint.root:
                self.problem(number, "not-included", place=place)
        elif self.head.proofs and not self._whole and size > 1:
            self.problem(number, "proof-missing", place=place)

    def _order(self, number: int, columns: Columns) -> None:
        """Decisions come first, the newest first of all; then other entries as they stand in the log."""
        if columns["kind"] == DECISION:
            decision, before = str(columns["id"]), self._last
            if before is not None and (before[1] >= 0 or decision >= before[0]):
                self.problem(number, "order")
            self._last = (decision, -1)
        else:
            place, before = int(columns["leaf"] or 0), self._last
            if before is not None and place <= before[1]:
                self.problem(number, "order")
            self._last = ("", place)

    def _rebuild(self) -> None:
        """Build the root anew from all entries."""
        missing = self._seen.missing()
        if missing:
            self.problem(0, "leaves-missing", count=len(missing), place=missing[0])
            return
        root = self._seen.root(self.head.tree_size)
        if root != self._checkpoint.root:
            self.problem(0, "root", root=hash_text(root), wanted=hash_text(self._checkpoint.root))

    def _continues(self, previous: Checkpoint) -> None:
        """Whether the log of this export continues one that was seen earlier."""
        now = self._checkpoint
        if previous.size > now.size:
            self.problem(0, "older", size=now.size, previous=previous.size)
        elif previous.size == now.size:
            if previous.root != now.root:
                self.problem(0, "forked", size=now.size)
        elif self._whole:
            if not self._seen.missing() and self._seen.root(previous.size) != previous.root:
                self.problem(0, "rewritten", previous=previous.size)
        elif self.head.previous_size != previous.size and previous.size:
            self.problem(0, "not-comparable", previous=previous.size)
        elif not consistent(
            self.head.consistency if previous.size else (),
            first=(previous.size, previous.root),
            second=(now.size, now.root),
        ):
            self.problem(0, "rewritten", previous=previous.size)


class _Seen:
    """The hashes that were seen, by their places; 33 bytes for each place up to the last one seen."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._there = bytearray()
        self._hashes = bytearray()

    def add(self, place: int, value: bytes) -> bool:
        """Keep a hash; whether it is the first of that place."""
        if place >= len(self._there):
            more = min(max(place + 1, 2 * len(self._there), 1_024), self._size) - len(self._there)
            self._there += bytes(more)
            self._hashes += bytes(more * HASH_BYTES)
        if self._there[place]:
            return False
        self._there[place] = 1
        self._hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES] = value
        return True

    def missing(self) -> Sequence[int]:
        """The places of which nothing was seen."""
        if self._there.count(1) == self._size:
            return ()
        there = self._there
        return [place for place in range(self._size) if place >= len(there) or not there[place]]

    def root(self, size: int) -> bytes:
        """The root of the first so many."""
        tree = Growing()
        for place in range(size):
            tree.add(bytes(self._hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]))
        return tree.root


def _signed(note: Note, key: Key, *, what: str) -> None:
    """Raise unless the log's key has signed; say which of its signatures is wrong."""
    if signed_by(note, key):
        return
    named = any((each.name, each.key) == (key.name, key.id) for each in note.signatures)
    by = ", ".join(each.name for each in note.signatures)
    raise Broken(f"{what}-forged" if named else f"{what}-unsigned", signed=by, wanted=key.name)
