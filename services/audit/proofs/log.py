"""What the audit service needs of the log that proves what a store keeps. SQLite is the first to keep one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from services.proof.leaves import Leaf
from services.proof.merkle import consistent, parted
from services.proof.tiles import Tree


class Place(msgspec.Struct, frozen=True):
    """One place in the log."""

    index: int
    kind: str
    """`services.proof.leaves`; empty where nothing but the hash is kept."""
    hash: bytes
    leaf: Leaf | None
    """What is kept of what the hash was made of; `None` where it was deleted."""
    decision: str = ""
    """What it is about; empty for an entry of the log's own, and where that is not kept."""


class Span(msgspec.Struct, frozen=True):
    """Places that follow each other, without an object for each: millions are read so."""

    start: int
    """Index of the first one."""
    hashes: bytes
    """32 bytes of each."""
    kinds: Sequence[str]
    """Of each, see `Place.kind`."""
    parts: Sequence[tuple[bytes, ...]]
    """What the hash of each was made of; none where it was deleted."""
    decisions: Sequence[str]
    """What each is about, see `Place.decision`."""

    def places(self) -> tuple[Place, ...]:
        """The same, one by one."""
        rows = zip(parted(self.hashes), self.kinds, self.parts, self.decisions, strict=True)
        return tuple(
            Place(index, kind, leaf_hash, Leaf(kind, parts) if parts else None, decision)
            for index, (leaf_hash, kind, parts, decision) in enumerate(rows, start=self.start)
        )


class Raw(msgspec.Struct, frozen=True):
    """A decision as the gateway wrote it, and where that stands in the log."""

    record: bytes
    outcome: bytes
    settlement: bytes | None
    leaf: int | None
    settled_leaf: int | None


class Proved(msgspec.Struct, frozen=True):
    """A proof that one entry is in the log of a size."""

    hash: bytes
    path: tuple[bytes, ...]


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint as it is kept."""

    size: int
    root: bytes
    note: str
    """The signed note."""
    signed_ms: int


class LogBroken(Exception):
    """What is in the store does not continue what was signed: somebody has changed it."""

    def __init__(self, signed: int, size: int) -> None:
        super().__init__(f"{size} entries do not continue the {signed} that were signed")
        self.signed = signed
        self.size = size


def continued(tree: Tree, last: Signed | None) -> bytes:
    """The root of a tree that goes on from what was signed last.

    Raises:
        LogBroken: it does not, or lacks hashes.
    """
    try:
        root = tree.root()
        if last is not None and not consistent(
            tree.consistency(last.size), first=(last.size, last.root), second=(tree.size, root)
        ):
            raise LogBroken(last.size, tree.size)
    except KeyError as error:
        raise LogBroken(last.size if last else 0, tree.size) from error
    return root


Say = Callable[[int, bytes, Signed | None], str]
"""Makes the note of a checkpoint, of the size, the root, and the checkpoint before it if any."""


class Log(Protocol):
    """A Merkle tree of every entry in the order in which it was first stored.

    Every method raises `CallEnded` with STORE_UNAVAILABLE when the store is locked, full or broken. Sizes and indexes
    are those of the tree as it is, or of an earlier one; others are a mistake of the caller's.
    """

    async def size(self) -> int:
        """How many entries there are."""

    async def root(self, size: int) -> bytes:
        """The root when there were so many entries."""

    async def places(self, start: int, *, end: int) -> tuple[Place, ...]:
        """The entries from one place on, up to and without another."""

    async def span(self, start: int, *, end: int) -> Span:
        """The same entries, for who reads many."""

    async def decisions(self, start: int, *, end: int) -> tuple[str, ...]:
        """The decisions that were admitted or settled by the entries from one place on to another, in their order."""

    async def hashes(self, start: int, *, end: int) -> Sequence[bytes]:
        """The hashes of the entries from one place on, up to and without another."""

    async def raw(self, decisions: Sequence[str]) -> Mapping[str, Raw]:
        """What gateways wrote of those of the decisions that are stored."""

    async def inclusion(self, indexes: Sequence[int], *, size: int) -> tuple[Proved, ...]:
        """The proofs that these entries are in the log of `size` entries."""

    async def sign(self, say: Say, *, now_ms: int) -> Signed:
        """The checkpoint of the log as it is; where there is none yet, `say` makes its note.

        Raises:
            LogBroken: it does not continue the last checkpoint; `say` was not asked.
        """

    async def newest(self, *, cosigned: bool = False) -> Signed | None:
        """The checkpoint of the largest log, or of the largest that a witness has signed; `None` without any."""

    async def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of a log of that size; `None` where none is kept."""

    async def checkpoints(self) -> tuple[Signed, ...]:
        """All that are kept, by size: those of the last hour, and the last one of every earlier hour."""

    async def cosign(self, size: int, add: Callable[[str], str]) -> bool:
        """Let `add` add a cosignature to the note of that size; whether there is one."""

    async def consistency(self, first: int, *, second: int) -> tuple[bytes, ...]:
        """The proof that the log of `first` entries is the beginning of that of `second`."""
