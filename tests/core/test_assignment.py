"""Who gets which arm."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assignment import BASIS_POINTS, choose, fnv1a32, point

POINTS = st.integers(0, BASIS_POINTS - 1)


def weights_of(cuts: list[int]) -> list[int]:
    """Weights between sorted cuts of the whole."""
    edges = [0, *sorted(cuts), BASIS_POINTS]
    return [right - left for left, right in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize(("text", "wanted"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv_gives_the_published_values(text: str, wanted: int) -> None:
    assert fnv1a32(text) == wanted


def test_a_point_is_where_growthbooks_second_version_puts_it() -> None:
    assert point("exp1", "cust-42") == 512


@given(st.text(), st.text())
def test_a_point_is_always_among_the_basis_points(seed: str, unit: str) -> None:
    assert 0 <= point(seed, unit) < BASIS_POINTS


@given(st.lists(st.integers(0, BASIS_POINTS), max_size=5), POINTS)
def test_weights_that_add_up_always_choose_an_arm_that_has_a_share(cuts: list[int], at: int) -> None:
    weights = weights_of(cuts)
    assert weights[choose(weights, at)] > 0


@given(st.integers(0, BASIS_POINTS), st.integers(0, BASIS_POINTS), POINTS)
def test_whoever_is_in_the_first_arm_stays_there_while_its_share_widens(one: int, two: int, at: int) -> None:
    narrow, wide = sorted((one, two))
    if choose([narrow, BASIS_POINTS - narrow], at) == 0:
        assert choose([wide, BASIS_POINTS - wide], at) == 0


def test_weights_that_do_not_add_up_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="add up to 5000"):
        choose([2500, 2500], 6000)


def test_ten_thousand_customers_are_shared_out_as_the_weights_say() -> None:
    arms = Counter(choose([7000, 3000], point("scoring", f"contacts/cnt_{n:06}")) for n in range(10_000))
    assert arms[0] == pytest.approx(7000, abs=150)  # three standard deviations: 137
