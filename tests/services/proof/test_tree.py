"""The tree against RFC 9162, written out as the RFC does, and against the vectors that every implementation knows."""

import hashlib
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.proof.merkle import EMPTY_ROOT, Growing, consistent, leaf_hash, root_by_inclusion, root_of
from services.proof.tiles import Place, Tree, grown

LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the first so many leaves, as in the test data of RFC 6962's reference implementation."""
MOST = 600
HASHES = [leaf_hash(number.to_bytes(4)) for number in range(MOST)]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(first: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if first <= k:
        return [*naive_subproof(first, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_subproof(first - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def naive_split(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def tiles_of(batches: list[list[bytes]]) -> Mapping[Place, bytes]:
    """The tiles after adding the batches one after the other."""
    tiles: dict[Place, bytes] = {}
    size = 0
    for batch in batches:
        tiles |= grown(size, batch, read=lambda *place: tiles[place])  # noqa: B023 - called at once
        size += len(batch)
    return tiles


def tree_of(leaves: list[bytes], size: int | None = None) -> Tree:
    tiles = tiles_of([leaves])
    return Tree(len(leaves) if size is None else size, read=lambda level, number: tiles[level, number])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    leaves = [leaf_hash(data) for data in LEAVES[:size]]

    assert root_of(leaves).hex() == tree_of(leaves).root().hex() == ROOTS[size]


def test_every_size_has_the_root_that_the_rfc_defines() -> None:
    whole = tree_of(HASHES)
    growing = Growing()
    for size in range(MOST + 1):
        tree = Tree(size, read=whole._read)  # the tiles hold more than this tree by now
        assert tree.root() == growing.root == naive_root(HASHES[:size])
        if size < MOST:
            growing.add(HASHES[size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 600])
def test_every_leaf_is_proved_to_be_in_the_tree(size: int) -> None:
    tree, root = tree_of(HASHES, size), naive_root(HASHES[:size])
    for index in range(size):
        path = tree.inclusion(index)
        assert tree.leaf(index) == HASHES[index]
        assert root_by_inclusion(HASHES[index], path, index=index, size=size) == root
        if size < 10 or index % 50 == 0:
            assert list(path) == naive_path(index, HASHES[:size])


def test_every_earlier_tree_is_proved_to_be_the_beginning_of_a_later_one() -> None:
    whole = tree_of(HASHES)
    roots = [Tree(size, read=whole._read).root() for size in range(MOST + 1)]
    for second in (1, 2, 3, 8, 13, 255, 256, 257, 300, 512, 600):
        tree = Tree(second, read=whole._read)
        for first in range(second + 1):
            path = tree.consistency(first)
            assert consistent(path, first=(first, roots[first]), second=(second, roots[second]))
            if second < 20 and first:
                assert list(path) == naive_subproof(first, HASHES[:second], whole=True)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 300), max_size=8))
def test_the_tiles_are_the_same_in_whatever_batches_the_leaves_came(sizes: list[int]) -> None:
    leaves = [leaf_hash(number.to_bytes(4)) for number in range(sum(sizes))]
    batches, start = [], 0
    for size in sizes:
        batches.append(leaves[start : start + size])
        start += size

    assert tiles_of(batches) == tiles_of([leaves])


def test_three_levels_of_tiles_hold_a_large_tree() -> None:
    count = 256 * 256 + 300
    leaves = [number.to_bytes(32) for number in range(count)]
    tiles = tiles_of([leaves[:70], leaves[70:65_000], leaves[65_000:]])
    tree = Tree(count, read=lambda level, number: tiles[level, number])
    root = root_of(leaves)

    assert {level for level, _ in tiles} == {0, 1, 2}
    assert tree.root() == root
    for index in (0, 255, 256, 65_535, 65_536, count - 1):
        assert root_by_inclusion(leaves[index], tree.inclusion(index), index=index, size=count) == root
    for first in (1, 256, 65_536, 65_537):
        path = tree.consistency(first)
        assert consistent(path, first=(first, root_of(leaves[:first])), second=(count, root))


@settings(max_examples=200)
@given(st.data())
def test_a_proof_with_any_byte_changed_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    tree, root = tree_of(HASHES, size), naive_root(HASHES[:size])
    path = list(tree.inclusion(index))
    place, byte, flip = (
        data.draw(st.integers(0, len(path) - 1)),
        data.draw(st.integers(0, 31)),
        data.draw(st.integers(1, 255)),
    )
    changed = bytearray(path[place])
    changed[byte] ^= flip
    path[place] = bytes(changed)

    assert root_by_inclusion(HASHES[index], path, index=index, size=size) != root


@settings(max_examples=200)
@given(st.data())
def test_a_proof_for_another_place_or_size_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    tree, root = tree_of(HASHES, size), naive_root(HASHES[:size])
    path = tree.inclusion(index)

    assert root_by_inclusion(HASHES[index], path, index=other, size=size) != root
    assert root_by_inclusion(HASHES[index], (*path, root), index=index, size=size) != root
    assert root_by_inclusion(HASHES[index], path[:-1], index=index, size=size) != root


@settings(max_examples=200)
@given(st.data())
def test_a_tree_that_was_changed_is_not_the_beginning_of_the_later_one(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, MOST))
    first = data.draw(st.integers(1, second - 1))
    other = list(HASHES[:second])
    other[data.draw(st.integers(0, first - 1))] = leaf_hash(b"another")
    tree = tree_of(other)
    path = tree.consistency(first)

    assert not consistent(path, first=(first, naive_root(HASHES[:first])), second=(second, tree.root()))


@settings(max_examples=200)
@given(st.integers(-2, 20), st.integers(-2, 20), st.lists(st.binary(min_size=31, max_size=33), max_size=5))
def test_nonsense_is_no_proof(first: int, second: int, path: list[bytes]) -> None:
    roots = [naive_root(HASHES[: max(size, 0)]) for size in (first, second)]
    proved = consistent(path, first=(first, roots[0]), second=(second, roots[1]))

    assert not proved or (not path and (first in (0, second)))
    assert root_by_inclusion(HASHES[0], path, index=first, size=second) != roots[1] or (first, second) == (0, 1)


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert tree_of([]).root() == EMPTY_ROOT


@given(st.lists(st.integers(0, 40), max_size=8))
def test_leaves_that_come_together_grow_the_tree_as_those_that_come_one_by_one(many: list[int]) -> None:
    together, alone, number = Growing(), Growing(), 0
    for some in many:
        leaves = [leaf_hash(b"%d" % each) for each in range(number, number + some)]
        together.extend(leaves)
        for leaf in leaves:
            alone.add(leaf)
        number += some
        assert (together.size, together.peaks, together.root) == (alone.size, alone.peaks, alone.root)
