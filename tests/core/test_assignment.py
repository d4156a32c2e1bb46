"""Who gets what, beside the package whose assignments ours are."""

import itertools
from collections import Counter

import pytest
from growthbook.core import chooseVariation, gbhash, getBucketRanges
from growthbook.core import fnv1a32 as growthbook_hash
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assignment import BASIS_POINTS, bucket_ranges, fnv1a32, point, variation

SHARES = st.integers(0, BASIS_POINTS)
POINTS = st.integers(0, BASIS_POINTS - 1)
WEIGHTS = st.lists(SHARES, max_size=5).map(
    lambda cuts: [right - left for left, right in itertools.pairwise([0, *sorted(cuts), BASIS_POINTS])]
)
NAMES = [f"{kind}-{n}" for kind in ("cust", "Müller", "客户", "🙂", "b3c5d7e9f1a2") for n in range(2_000)]
"""Ten thousand ids of letters that take one, two or three bytes in UTF-8, and one or two code units in UTF-16."""


@pytest.mark.parametrize(("text", "wanted"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_fnv_gives_the_published_values(text: str, wanted: int) -> None:
    assert fnv1a32(text) == wanted


def test_a_point_is_where_the_documents_say() -> None:
    assert point("exp1", "cust-42") == 512


@pytest.mark.parametrize("seed", ["exp1", "", "expérience", "实验"])
def test_a_point_is_where_growthbook_puts_it_for_ids_of_all_alphabets(seed: str) -> None:
    assert [point(seed, name) / BASIS_POINTS for name in NAMES] == [gbhash(seed, name, 2) for name in NAMES]


@given(st.text(), st.text())
def test_a_hash_and_a_point_are_growthbooks_for_any_text(seed: str, unit: str) -> None:
    assert fnv1a32(unit) == growthbook_hash(unit)
    assert point(seed, unit) / BASIS_POINTS == gbhash(seed, unit, 2)


@given(WEIGHTS, SHARES, POINTS)
def test_the_variation_is_the_one_that_growthbook_chooses(weights: list[int], coverage: int, at: int) -> None:
    theirs = getBucketRanges(len(weights), coverage / BASIS_POINTS, [weight / BASIS_POINTS for weight in weights])
    ours = bucket_ranges(weights, coverage=coverage)
    edges = {edge for pair in ours for edge in pair if edge < BASIS_POINTS}  # where rounding shows, if it does
    for each in {at, *edges, *(edge - 1 for edge in edges if edge)}:
        assert variation(ours, each) == chooseVariation(each / BASIS_POINTS, theirs)


@given(WEIGHTS, POINTS)
def test_with_all_of_them_covered_everybody_gets_a_variation_that_has_a_share(weights: list[int], at: int) -> None:
    assert weights[variation(bucket_ranges(weights), at)] > 0


@given(WEIGHTS, SHARES, SHARES, POINTS)
def test_as_coverage_grows_nobody_leaves_and_nobody_changes_the_variation(
    weights: list[int], one: int, two: int, at: int
) -> None:
    narrow, wide = sorted((one, two))
    before = variation(bucket_ranges(weights, coverage=narrow), at)
    assert before in (-1, variation(bucket_ranges(weights, coverage=wide), at))


@given(SHARES, SHARES, POINTS)
def test_whoever_is_in_the_first_arm_stays_there_while_its_share_widens(one: int, two: int, at: int) -> None:
    narrow, wide = sorted((one, two))
    if variation(bucket_ranges([narrow, BASIS_POINTS - narrow]), at) == 0:
        assert variation(bucket_ranges([wide, BASIS_POINTS - wide]), at) == 0


def test_ten_thousand_customers_are_shared_out_as_the_weights_say() -> None:
    ranges = bucket_ranges([7000, 3000])
    arms = Counter(variation(ranges, point("scoring", f"contacts/cnt_{n:06}")) for n in range(10_000))
    assert arms[0] == pytest.approx(7000, abs=150)  # three standard deviations: 137
