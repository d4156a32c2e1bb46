"""Histograms that hours can be added up of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.drift.histograms import Grid, Histogram, total

LINEAR, LOGARITHMIC = Grid(0.05), Grid(0.02, logarithmic=True)
GRIDS = st.sampled_from([LINEAR, LOGARITHMIC])
VALUES = st.lists(st.floats(), max_size=40)


def same(one: Histogram, other: Histogram) -> bool:
    return bool(np.array_equal(one.keys, other.keys) and np.array_equal(one.counts, other.counts))


@given(st.lists(VALUES, min_size=1, max_size=6), GRIDS)
def test_hours_added_up_are_the_histogram_of_all_values_in_any_order(hours: list[list[float]], grid: Grid) -> None:
    at_once = Histogram.of_numbers([each for hour in hours for each in hour], grid=grid)
    assert same(total(Histogram.of_numbers(hour, grid=grid) for hour in hours), at_once)
    assert same(total(Histogram.of_numbers(hour[::-1], grid=grid) for hour in hours[::-1]), at_once)
    assert at_once.size == sum(len(hour) for hour in hours)


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=5)), min_size=1, max_size=6))
def test_hours_of_names_add_up_too(hours: list[list[str]]) -> None:
    at_once = Histogram.of_names([each for hour in hours for each in hour])
    assert same(total(Histogram.of_names(hour) for hour in hours), at_once)


@given(st.floats(-1e12, 1e12), GRIDS)
def test_the_middle_of_a_cell_is_as_near_to_the_number_as_the_grid_says(value: float, grid: Grid) -> None:
    centre = float(grid.centres(grid.cells(np.array([value])))[0])
    step = abs(value) * 0.0101 + 1e-9 if grid.logarithmic else 0.025 + abs(value) * 1e-9
    assert abs(centre - value) <= step


@given(st.lists(st.floats(allow_nan=False), min_size=2), GRIDS)
def test_larger_numbers_never_have_lower_cells(values: list[float], grid: Grid) -> None:
    assert (np.diff(grid.cells(np.sort(values))) >= 0).all()


def test_what_is_missing_or_infinite_has_cells_of_its_own_without_a_middle() -> None:
    cells = LINEAR.cells(np.array([np.nan, -np.inf, -1e300, 0.0, 1e300, np.inf]))
    assert np.unique(cells).size == 6
    assert (np.sort(cells) == cells).all()
    assert np.isnan(LINEAR.centres(cells)).tolist() == [True, True, False, False, False, True]


def test_histograms_of_two_grids_cannot_be_added() -> None:
    with pytest.raises(ValueError, match="one grid"):
        total([Histogram.of_numbers([1.0], grid=LINEAR), Histogram.of_numbers([1.0], grid=LOGARITHMIC)])
    with pytest.raises(ValueError, match="at least one"):
        total([])


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, np.inf])
def test_a_grid_without_a_step_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Grid(step)
