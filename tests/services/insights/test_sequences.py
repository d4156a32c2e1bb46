"""Confidence sequences as published, and what follows from their formula."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.sequences import TIGHTEST_AT, half_width, p_value, reach, rho

ALPHAS = st.floats(1e-6, 0.4)
SIZES = st.floats(1, 1e9)


def test_rho_is_the_published_one() -> None:
    assert rho(0.05) == pytest.approx(0.039840, abs=5e-7)


@pytest.mark.parametrize("subjects", [100, 5_000, 1_000_000])
def test_the_half_width_is_that_of_equation_nine(subjects: int) -> None:
    spread = subjects * 0.03984006677137368**2
    wanted = (
        3.0 * math.sqrt(2 * (spread + 1) * math.log(math.sqrt(spread + 1) / 0.05)) / (subjects * 0.03984006677137368)
    )
    assert half_width(3.0, subjects=subjects, alpha=0.05) == pytest.approx(wanted, rel=1e-12)


def test_the_sequence_is_tightest_about_where_it_says() -> None:
    """In standard errors, that is: the formula for rho is the published approximation, hence "about"."""
    errors = {size: half_width(math.sqrt(size), subjects=size, alpha=0.05) for size in range(1000, 10_001, 250)}
    assert abs(min(errors, key=errors.__getitem__) - TIGHTEST_AT) <= 750
    assert errors[TIGHTEST_AT] / 1.959964 == pytest.approx(1.55, abs=0.005)


@given(st.floats(-50, 50), SIZES, ALPHAS)
def test_the_p_value_is_below_alpha_exactly_where_the_sequence_excludes(
    deviation: float, subjects: float, alpha: float
) -> None:
    edge = half_width(math.sqrt(subjects), subjects=subjects, alpha=alpha)
    found = p_value(deviation, subjects=subjects, alpha=alpha)
    assert 0 <= found <= 1
    if abs(abs(deviation) - edge) > 1e-6:
        assert (found < alpha) == (abs(deviation) > edge)


@given(SIZES, ALPHAS)
def test_one_side_reaches_a_little_farther_than_two_at_twice_the_alpha(subjects: float, alpha: float) -> None:
    assert reach(1.0, subjects=subjects, alpha=alpha) > half_width(1.0, subjects=subjects, alpha=2 * alpha)


def test_one_side_reaches_less_far_than_two_at_the_same_alpha_where_experiments_are() -> None:
    for subjects in range(1000, 100_001, 1000):
        assert reach(1.0, subjects=subjects, alpha=0.05) < half_width(1.0, subjects=subjects, alpha=0.05)


@given(st.floats(1, 1e8), ALPHAS)
def test_more_subjects_never_widen_a_sequence(subjects: float, alpha: float) -> None:
    assert half_width(1.0, subjects=subjects * 1.5, alpha=alpha) < half_width(1.0, subjects=subjects, alpha=alpha)


def test_nobody_proves_nothing() -> None:
    assert half_width(1.0, subjects=0, alpha=0.05) == math.inf == reach(1.0, subjects=0, alpha=0.05)
    assert p_value(9.0, subjects=0, alpha=0.05) == 1.0
