"""A Merkle tree kept in tiles of 256 hashes (C2SP tlog-tiles): how it grows, its root and its proofs. Pure.

Tile n of level 0 holds the hashes of leaves 256n and following; tile n of level l + 1 the hashes of the full tiles 256n
and following of level l. The last tile of a level may hold less than 256.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from services.proof.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, parted, split

WIDTH: Final = 256
"""Hashes in a full tile."""
_HEIGHT: Final = 8
_KEPT: Final = 512
"""Tiles that a tree holds in memory, each with its inner nodes: about 20 KB."""

Place = tuple[int, int]
"""Level and number of a tile."""
Read = Callable[[int, int], bytes]
"""The hashes of the tile of this level and number; there may be more than were there when the tree was smaller."""


def grown(size: int, leaves: Sequence[bytes], *, read: Read) -> Mapping[Place, bytes]:
    """The tiles that are new or longer once these leaf hashes were added to the tree of `size`."""
    changed: dict[Place, bytes] = {}
    level, count, hashes = 0, size, leaves
    while hashes:
        number, width = divmod(count, WIDTH)
        tile = bytearray(read(level, number)[: width * HASH_BYTES] if width else b"")
        full = []
        for each in hashes:
            tile += each
            if len(tile) == WIDTH * HASH_BYTES:
                changed[level, number] = bytes(tile)
                full.append(_nodes(changed[level, number])[_HEIGHT][0])
                number, tile = number + 1, bytearray()
        if tile:
            changed[level, number] = bytes(tile)
        level, count, hashes = level + 1, count // WIDTH, full
    return changed


def leaf_hashes(start: int, *, end: int, read: Callable[[int], bytes]) -> bytes:
    """The hashes of the leaves from one on, up to and without another; `read` gives the tiles of level 0."""
    numbers = range(start // WIDTH, (end + WIDTH - 1) // WIDTH)
    whole, first = b"".join(map(read, numbers)), numbers.start * WIDTH
    return whole[(start - first) * HASH_BYTES : (end - first) * HASH_BYTES]


class Tree:
    """The tree of `size` leaves, as `read` has its tiles; they may hold more than this tree by now.

    Its methods raise `KeyError` where `read` has less hashes than the tree needs.
    """

    def __init__(self, size: int, *, read: Read) -> None:
        self.size = size
        self._read = read
        self._tile = lru_cache(_KEPT)(self._nodes_of)
        self._edges: dict[tuple[int, int], bytes] = {}

    def root(self) -> bytes:
        """Its root."""
        return self._range(0, self.size) if self.size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """The hash of a leaf."""
        return self._complete(0, index)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The proof that leaf `index`, 0 to size - 1, is in the tree (RFC 9162, section 2.1.3.1)."""
        path = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, first: int) -> tuple[bytes, ...]:
        """The proof that the tree of `first` leaves, 0 to size, is its beginning (RFC 9162, section 2.1.4.1)."""
        path = []
        start, end, whole = 0, self.size, True
        while 0 < first < end:
            middle = start + split(end - start)
            if first <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, end))
        return tuple(reversed(path))

    def _range(self, start: int, end: int) -> bytes:
        """The hash over leaves `start` to `end`, which begins where a subtree does."""
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._complete(height, start >> height)
        found = self._edges.get((start, end))
        if found is None:  # only what ends at the tree's end is not complete, so these are few
            middle = start + split(count)
            found = node_hash(self._range(start, middle), self._range(middle, end))
            self._edges[start, end] = found
        return found

    def _complete(self, height: int, index: int) -> bytes:
        """The hash of the complete subtree of 2**height leaves that is the index-th of its kind."""
        level, above = divmod(height, _HEIGHT)
        number, place = divmod(index, WIDTH >> above)
        nodes = self._tile(level, number)[above]
        if place >= len(nodes):
            raise KeyError((level, number))
        return nodes[place]

    def _nodes_of(self, level: int, number: int) -> list[list[bytes]]:
        width = min((self.size >> _HEIGHT * level) - number * WIDTH, WIDTH)
        return _nodes(self._read(level, number)[: width * HASH_BYTES])


def _nodes(tile: bytes) -> list[list[bytes]]:
    """The hashes of a tile, then those of the complete nodes above them, row by row."""
    row = parted(tile)
    rows = [row]
    for _ in range(_HEIGHT):
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row) - 1, 2)]
        rows.append(row)
    return rows
