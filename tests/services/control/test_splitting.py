"""Weights as people type them, and who moves to another arm by others."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assignment import BASIS_POINTS, bucket_ranges, variation
from services.control.splitting import SplitWrong, edits_of, moved, weights_in


def parts(least: int, most: int) -> st.SearchStrategy[list[int]]:
    """Weights of `least` to `most` arms, in basis points, 10,000 in all."""
    cuts = st.lists(st.integers(0, BASIS_POINTS), min_size=least - 1, max_size=most - 1).map(sorted)
    return cuts.map(lambda at: [b - a for a, b in zip([0, *at], [*at, BASIS_POINTS], strict=True)])


@given(parts(1, 6))
def test_any_weights_are_read_as_they_are_written(weights: list[int]) -> None:
    typed = {f"arm-{index}": f"{weight / 100:g}".replace(".", ",") for index, weight in enumerate(weights)}
    assert list(weights_in(typed).values()) == weights


@given(st.text(max_size=8))
def test_whatever_is_typed_is_a_share_or_refused(text: str) -> None:
    with contextlib.suppress(SplitWrong):
        assert weights_in({"a": text}) == {"a": BASIS_POINTS}


@pytest.mark.parametrize("text", ["", "-1", "101", "1e3", "0.001", "nan", "inf", "1 000", "½", "x"])
def test_what_is_no_share_is_named_with_its_arm(text: str) -> None:
    with pytest.raises(SplitWrong) as caught:
        weights_in({"a": "100", "b": text})
    assert (caught.value.code, caught.value.arm) == ("number", "b")


@given(st.data(), st.integers(2, 4))
def test_as_many_move_as_points_that_get_another_arm(data: st.DataObject, count: int) -> None:
    before, after = data.draw(parts(count, count)), data.draw(parts(count, count))
    olds, news = bucket_ranges(before), bucket_ranges(after)
    differ = sum(variation(olds, at) != variation(news, at) for at in range(BASIS_POINTS))
    assert moved(before, after) == differ


def test_nobody_moves_by_the_same_weights_whatever_floats_they_add_up_to() -> None:
    weights = [2_795, 6_991, 214]  # 1.0000000000000002
    assert moved(weights, weights) == 0
    assert bucket_ranges(weights)[-1][1] == BASIS_POINTS


def test_only_what_changes_is_edited() -> None:
    edits = edits_of("crm", {"a": 9_000, "b": 1_000, "c": 0}, {"a": 8_000, "b": 2_000, "c": 0})
    assert [(edit.path, edit.value) for edit in edits] == [
        (("arms", "a", "weight"), 8_000),
        (("arms", "b", "weight"), 2_000),
    ]
