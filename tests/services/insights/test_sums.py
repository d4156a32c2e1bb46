"""Sums over subjects: they add up, and impossible ones are found."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.sums import Sums, total

VALUES = st.integers(-1_000_000, 1_000_000)
SUBJECTS = st.lists(st.tuples(VALUES, st.integers(0, 1000), VALUES), max_size=30)


def sums_of(subjects: list[tuple[int, int, int]]) -> Sums:
    y, d, x = ([each[position] for each in subjects] for position in range(3))
    return Sums.of(y, denominators=d, covariates=x)


@given(SUBJECTS, SUBJECTS)
def test_sums_of_two_stores_add_up_to_those_of_all_subjects(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]
) -> None:
    assert sums_of(one) + sums_of(other) == sums_of(one + other)


@given(SUBJECTS)
def test_sums_of_whole_numbers_are_exact(subjects: list[tuple[int, int, int]]) -> None:
    found = sums_of(subjects)
    assert found.yy == sum(y * y for y, _, _ in subjects)
    assert found.yd == sum(y * d for y, d, _ in subjects)
    assert found.dx == sum(d * x for _, d, x in subjects)


NOT_TINY = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-100)
"""The square of anything less is 0."""


@given(st.lists(st.tuples(NOT_TINY, NOT_TINY, NOT_TINY), max_size=30))
def test_sums_of_real_subjects_have_no_fault(subjects: list[tuple[float, float, float]]) -> None:
    y, d, x = ([each[position] for each in subjects] for position in range(3))
    assert Sums.of(y, denominators=np.abs(d), covariates=x).fault() == ""


def test_nobody_has_no_sums_and_no_fault() -> None:
    assert total(()) == Sums() == Sums.of([])
    assert Sums().fault() == ""


def test_denominators_are_one_and_covariates_none_where_they_are_not_given() -> None:
    assert Sums.of([2.0, 3.0]) == Sums(n=2, y=5, d=2, yy=13, dd=2, yd=5)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"n": -1}, "n is negative"),
        ({"yy": -1.0}, "yy is negative"),
        ({"d": -2.0}, "d is negative"),
        ({"y": math.nan}, "y is nan"),
        ({"x": math.inf}, "x is inf"),
        ({"n": 0}, "the sum of 1 times y is larger than the sums of their squares allow"),
        ({"yy": 12.0}, "the sum of 1 times y is larger than the sums of their squares allow"),
        ({"yd": 5.2}, "the sum of y times d is larger than the sums of their squares allow"),
        ({"yx": 9.0}, "the sum of y times x is larger than the sums of their squares allow"),
        ({"dx": 9.0}, "the sum of d times x is larger than the sums of their squares allow"),
    ],
)
def test_sums_that_no_subjects_can_have_are_found(change: dict[str, float], fault: str) -> None:
    assert msgspec.structs.replace(Sums.of([2.0, 3.0], covariates=[1.0, 1.5]), **change).fault() == fault


def test_arrays_that_are_not_equally_long_are_refused() -> None:
    with pytest.raises(ValueError, match="one numerator, one denominator"):
        Sums.of([1.0, 2.0], denominators=[1.0])
