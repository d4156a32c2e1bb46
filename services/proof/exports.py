"""What an export says: a head, rows of entries of the log, and a manifest, signed, of all of them. Pure.

A row is a decision: its admission and, where the call has ended, its settlement; or, in an export of the whole log, any
other entry. The manifest binds the rows by a digest over the leaves in their order, so it is the same in every format.
"""

import base64
import hashlib
from typing import Final

import msgspec

from services.proof import columns, leaves
from services.proof.columns import Columns
from services.proof.leaves import Leaf
from services.proof.notes import Malformed, Note

VERSION: Final = 1
MANIFEST_LINE: Final = "pilote-export-manifest-v1"
"""Begins the text of a manifest's note; no checkpoint has a second line as such a text has."""
_UNLOGGED: Final = (1 << 64) - 1


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was asked for, when, and what it is proved against."""

    pilote_export: int = VERSION
    origin: str
    query: str
    """The filter as it was written. Empty: the whole log, so that its root can be built anew."""
    at_ms: int
    """When it was exported, milliseconds since the epoch."""
    time: str
    """The same for people."""
    tree_size: int
    checkpoint: str
    """The signed note that says the root of the log of that size."""
    proofs: bool
    """Whether each entry has the proof that it is in that log. In an export of the whole log none needs one."""
    previous_size: int = 0
    """Size of the earlier log that `consistency` is the proof from; 0 without one."""
    consistency: tuple[bytes, ...] = ()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What is signed of an export."""

    head: Head
    rows: int
    entries: int
    unlogged: int
    """Entries that are not in the log, because they were stored before there was one."""
    first: str
    """Id of the first decision; empty without any. Likewise the last."""
    last: str
    digest: str
    """SHA-256 in hexadecimal digits over all entries, see `Digest`."""
    unreadable: tuple[str, ...] = ()
    """Names of the parts of the store that could not be read: the decisions in them are missing."""


class Entry(msgspec.Struct, frozen=True):
    """One entry of the log as an export has it."""

    kind: str
    place: int | None
    """Its index in the log; `None` for one that was stored before there was a log."""
    hash: bytes
    leaf: Leaf | None
    """What the hash is of; `None` where that was deleted."""
    path: tuple[bytes, ...] = ()


Row = tuple[Entry, ...]
"""An admission and perhaps its settlement, or one entry of another kind."""


class Digest:
    """The digest over rows: of each the number of its entries, of each of these the kind, the place and the hash."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.rows = 0
        self.entries = 0
        self.unlogged = 0

    def add(self, row: Row) -> None:
        """Add a row."""
        self._sha256.update(bytes((len(row),)))
        for entry in row:
            kind, place = entry.kind.encode(), _UNLOGGED if entry.place is None else entry.place
            self._sha256.update(bytes((len(kind),)) + kind + place.to_bytes(8) + entry.hash)
            self.unlogged += entry.place is None
        self.rows += 1
        self.entries += len(row)

    @property
    def value(self) -> str:
        """It, by now."""
        return self._sha256.hexdigest()


class WrittenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An entry as files have it."""

    kind: str
    leaf: int | None = None
    parts: tuple[str, ...] | None = None
    """The leaf's parts, which are text."""
    hash: bytes = b""
    """Only where the parts were deleted."""
    path: tuple[bytes, ...] = ()


_entries: Final = msgspec.json.Decoder(tuple[WrittenEntry, ...])
_head: Final = msgspec.json.Decoder(Head)
_manifest: Final = msgspec.json.Decoder(Manifest)


def head_text(head: Head) -> str:
    """A head as one line."""
    return msgspec.json.encode(head).decode()


def manifest_text(manifest: Manifest) -> str:
    """The text of the note that a manifest is signed as."""
    return f"{MANIFEST_LINE}\n{msgspec.json.encode(manifest).decode()}\n"


def read_head(text: str) -> Head:
    """The head of these characters.

    Raises:
        Malformed: they are none.
    """
    try:
        return _head.decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"It is no head of an export: {error}") from error


def read_manifest(note: Note) -> Manifest:
    """The manifest that a note is.

    Raises:
        Malformed: it is none, or a newer version of Pilote wrote it.
    """
    first, _, rest = note.text.partition("\n")
    try:
        manifest = _manifest.decode(rest)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"It is no manifest of an export: {error}") from error
    if first != MANIFEST_LINE or manifest.head.pilote_export != VERSION or manifest_text(manifest) != note.text:
        raise Malformed("It is no manifest of an export as this version writes them.")
    return manifest


def entries_text(row: Row) -> str:
    """The entries of a row as JSON."""
    return msgspec.json.encode(tuple(_written(entry) for entry in row)).decode()


def read_entries(text: str | bytes) -> Row:
    """The entries of a row.

    Raises:
        Malformed: they are none.
    """
    try:
        row = tuple(_read(entry) for entry in _entries.decode(text))
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"Its entries cannot be read: {error}") from error
    if not 1 <= len(row) <= 2:
        raise Malformed("A row has one or two entries.")
    return row


def columns_of(row: Row, *, at_ms: int) -> Columns:
    """What a row says in columns.

    Raises:
        Malformed: its entries do not belong together, or cannot be read.
    """
    first, second = row[0], row[1] if len(row) > 1 else None
    if first.kind != leaves.ADMIT or first.leaf is None:
        if second is not None:
            raise Malformed("Only a decision has two entries.")
        return columns.of_entry(first.kind, first.place)
    if second is not None and second.leaf is None:
        raise Malformed("A settlement that was deleted belongs to no row of a decision.")
    places = (first.place, None if second is None else second.place)
    try:
        return columns.of_decision(first.leaf, second.leaf if second else None, places=places, at_ms=at_ms)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"Its decision cannot be read: {error}") from error


def _written(entry: Entry) -> WrittenEntry:
    parts = None if entry.leaf is None else tuple(part.decode() for part in entry.leaf.parts)
    return WrittenEntry(entry.kind, entry.place, parts, b"" if entry.leaf is not None else entry.hash, entry.path)


def _read(written: WrittenEntry) -> Entry:
    if written.leaf is not None and not 0 <= written.leaf < _UNLOGGED:
        raise ValueError("A place in the log is a number from 0 on.")
    if written.parts is None:
        if len(written.kind.encode()) > 32 or len(written.hash) != 32:
            raise ValueError("An entry without its parts has their hash.")
        return Entry(written.kind, written.leaf, written.hash, None, written.path)
    leaf = Leaf(written.kind, tuple(part.encode() for part in written.parts))
    return Entry(written.kind, written.leaf, leaf.hash, leaf, written.path)


def hash_text(value: bytes) -> str:
    """A hash as people compare it: in base64."""
    return base64.b64encode(value).decode()
