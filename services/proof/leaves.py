r"""What one entry of the log is, byte for byte. Pure.

A leaf is a line of head and, right after it, its parts as they were written. The head names the kind and the length of
every part, so that two different entries never have the same bytes:

    pilote-leaf-v1 admit 512 16\n{"id":...}{"granted":true}
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from services.proof.merkle import leaf_hash

ADMIT: Final = "admit"
"""A call was decided and admitted, or refused: the record and what admission made of it."""
SETTLE: Final = "settle"
"""An admitted call has ended: the settlement."""
OUTCOME: Final = "outcome"
"""A customer has done something: the tenant whose agent told it, and what it told."""
COPY: Final = "copy"
"""A copy of a call has ended: the tenant, and what came of it."""

OF_DECISIONS: Final = frozenset((ADMIT, SETTLE, OUTCOME, COPY))
"""Kinds of what is about one decision; any other is an entry of the log's own."""

_PARTS: Final = {ADMIT: 2, SETTLE: 1, OUTCOME: 2, COPY: 2}
_HEAD: Final = re.compile(rb"pilote-leaf-v1 ([a-z][a-z-]{0,31})((?: (?:0|[1-9][0-9]{0,14}))+)\n")
_KIND: Final = re.compile(r"[a-z][a-z-]{0,31}")


class Leaf(msgspec.Struct, frozen=True):
    """One entry of the log. What is of no kind above is an entry of the log's own, with one part."""

    kind: str
    parts: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """Its bytes.

        Raises:
            ValueError: there is no such kind, or it has another number of parts.
        """
        return data_of(self.kind, self.parts)

    @property
    def hash(self) -> bytes:
        """Its hash in the tree."""
        return leaf_hash(self.data)


def data_of(kind: str, parts: Sequence[bytes]) -> bytes:
    """The bytes of the entry of these parts, without a `Leaf` on the way: a log of millions is hashed so.

    Raises:
        ValueError: there is no such kind, or it has another number of parts.
    """
    if (kind not in _PARTS and not _KIND.fullmatch(kind)) or len(parts) != _PARTS.get(kind, 1):
        raise ValueError(f"A leaf of kind {kind} does not have {len(parts)} parts.")
    if len(parts) == 1:
        return b"pilote-leaf-v1 %b %d\n%b" % (kind.encode(), len(parts[0]), parts[0])
    first, second = parts
    return b"pilote-leaf-v1 %b %d %d\n%b%b" % (kind.encode(), len(first), len(second), first, second)


def hash_of(kind: str, parts: Sequence[bytes]) -> bytes:
    """The hash of the entry of these parts: of what almost all entries are, with one copy of them on the way.

    Raises:
        ValueError: there is no such kind, or it has another number of parts.
    """
    if kind == ADMIT and len(parts) == 2:
        first, second = parts
        return sha256(b"\0pilote-leaf-v1 admit %d %d\n%b%b" % (len(first), len(second), first, second)).digest()
    if kind == SETTLE and len(parts) == 1:
        return sha256(b"\0pilote-leaf-v1 settle %d\n%b" % (len(parts[0]), parts[0])).digest()
    return leaf_hash(data_of(kind, parts))


def read(data: bytes) -> Leaf:
    """The entry of these bytes.

    Raises:
        ValueError: they are none.
    """
    head = _HEAD.match(data)
    if head is None:
        raise ValueError("It does not begin with the head of a leaf.")
    parts = _cut(data[head.end() :], [int(length) for length in head[2].split()])
    leaf = Leaf(head[1].decode(), parts)
    if leaf.data != data:
        raise ValueError("Its parts have other lengths than its head says.")
    return leaf


def _cut(text: bytes, lengths: Sequence[int]) -> tuple[bytes, ...]:
    parts, start = [], 0
    for length in lengths:
        parts.append(text[start : start + length])
        start += length
    return tuple(parts)
