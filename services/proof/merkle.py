"""Merkle trees as RFC 9162 hashes them, and the verification of proofs about them. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""Root of the tree without leaves."""


def parted(hashes: bytes) -> list[bytes]:
    """Hashes that follow each other, one by one."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf with that content."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node over these two."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two less than `size`, which is 2 or more: so many leaves are left of a tree's root."""
    return 1 << ((size - 1).bit_length() - 1)


class Growing:
    """The root of a tree whose leaves come one after the other; holds one hash for each bit of its size."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """A tree goes on from the `size` and the `peaks` that another one had; without them it is empty."""
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """All that must be known of it to go on."""
        return tuple(self._peaks)

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self._peaks.append(leaf)
        self.size += 1
        rest = self.size
        while rest % 2 == 0:
            right = self._peaks.pop()
            self._peaks[-1] = node_hash(self._peaks[-1], right)
            rest //= 2

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of the next leaves, level by level: half the time of one after the other."""
        size, old, new = self.size, self._peaks, list[bytes]()
        nodes, level = list(leaves), 0
        self.size += len(nodes)
        sha256 = hashlib.sha256
        while nodes:
            if size >> level & 1:
                nodes.insert(0, old.pop())
            if len(nodes) & 1:
                new.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            level += 1
        old += reversed(new)

    @property
    def root(self) -> bytes:
        """The root by now."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over these leaf hashes."""
    tree = Growing()
    tree.extend(leaves)
    return tree.root


def root_by_inclusion(leaf: bytes, path: Sequence[bytes], *, index: int, size: int) -> bytes | None:
    """The root that the proof leads to from leaf `index` of `size`; `None` where it can be no such proof.

    RFC 9162, section 2.1.3.2. The proof is right where this is the root that is known from elsewhere.
    """
    if not 0 <= index < size or any(len(each) != HASH_BYTES for each in path):
        return None
    fn, sn, root = index, size - 1, leaf
    for each in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(each, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, each)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def consistent(path: Sequence[bytes], *, first: tuple[int, bytes], second: tuple[int, bytes]) -> bool:
    """Whether the proof shows that the tree `first` (size, root) is the beginning of the tree `second`.

    RFC 9162, section 2.1.4.2. The empty tree is the beginning of every one, without a proof.
    """
    (size, root), (later_size, later_root) = first, second
    if any(len(each) != HASH_BYTES for each in path) or not 0 <= size <= later_size:
        return False
    if size == 0:
        return not path and root == EMPTY_ROOT and (later_size > 0 or later_root == EMPTY_ROOT)
    if size == later_size:
        return not path and root == later_root
    return _roots_by_consistency(path, first=first, later_size=later_size) == (root, later_root)


def _roots_by_consistency(
    path: Sequence[bytes], *, first: tuple[int, bytes], later_size: int
) -> tuple[bytes, bytes] | None:
    """Both roots that the proof leads to."""
    size, root = first
    steps = [root, *path] if size & (size - 1) == 0 else list(path)
    if not steps:
        return None
    fn, sn = size - 1, later_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for each in steps[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            old, new = node_hash(each, old), node_hash(each, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, each)
        fn, sn = fn >> 1, sn >> 1
    return (old, new) if sn == 0 else None
