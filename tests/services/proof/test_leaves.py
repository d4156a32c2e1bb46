"""The bytes of leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.proof import leaves
from services.proof.leaves import Leaf

PARTS = {"admit": 2, "settle": 1, "outcome": 2, "copy": 2, "erasure": 1}
ANY_LEAF = st.sampled_from(sorted(PARTS)).flatmap(
    lambda kind: st.tuples(*[st.binary(max_size=40)] * PARTS[kind]).map(lambda parts: Leaf(kind, parts))
)


def test_a_leaf_is_its_head_and_what_was_written() -> None:
    assert Leaf("admit", (b'{"id":1}', b"{}")).data == b'pilote-leaf-v1 admit 8 2\n{"id":1}{}'
    assert Leaf("settle", (b"",)).data == b"pilote-leaf-v1 settle 0\n"


@given(ANY_LEAF)
def test_what_was_written_is_read_from_a_leaf(leaf: Leaf) -> None:
    assert leaves.read(leaf.data) == leaf


@given(ANY_LEAF, ANY_LEAF)
def test_two_entries_never_have_the_same_bytes(one: Leaf, other: Leaf) -> None:
    assert (one.data == other.data) == (one == other)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\n", b"pilote-leaf-v1 settle\n", b"pilote-leaf-v1 settle 2\n{", b"pilote-leaf-v1 settle 1\n{}"),
        *(b"pilote-leaf-v1 settle 02\n{}", b"pilote-leaf-v1 admit 2\n{}", b"pilote-leaf-v2 settle 2\n{}"),
        *(b"pilote-leaf-v1 Settle 2\n{}", b"pilote-leaf-v1 settle 2 0\n{}", b" pilote-leaf-v1 settle 2\n{}"),
    ],
)
def test_other_bytes_are_no_leaf(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"It|A leaf"):
        leaves.read(data)


@pytest.mark.parametrize("leaf", [Leaf("admit", (b"",)), Leaf("a b", (b"",)), Leaf("", (b"",)), Leaf("erasure", ())])
def test_a_kind_that_could_be_misread_is_refused(leaf: Leaf) -> None:
    with pytest.raises(ValueError, match="A leaf of kind"):
        _ = leaf.data
