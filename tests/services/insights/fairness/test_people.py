"""Columns of decisions become sums by person: parts add up to the whole, in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.fairness.people import People
from services.insights.sums import Sums

rows = st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=40)
Row = tuple[int, int, int, int]
LABELS = [("a",), ("b",), ("c",)]


def people(given_rows: list[Row]) -> People:
    columns = np.array(given_rows, dtype=np.int64).reshape(-1, 4).T
    return People.of(groups=columns[0], persons=columns[1], numerators=columns[2], denominators=columns[3])


@given(rows, st.integers(0, 40))
def test_hours_add_up_to_exactly_the_day_in_any_order(day: list[Row], cut: int) -> None:
    shuffled = sorted(day, key=lambda each: hash((each, cut)))
    whole = people(day).sums(LABELS)
    assert (people(shuffled[:cut]) + people(shuffled[cut:])).sums(LABELS) == whole
    for code, label in enumerate(LABELS):
        mine = [each for each in day if each[0] == code]
        persons = sorted({each[1] for each in mine})
        got = [float(sum(row[2] for row in mine if row[1] == person)) for person in persons]
        out_of = [float(sum(row[3] for row in mine if row[1] == person)) for person in persons]
        assert whole.get(label, Sums()) == Sums.of(got, denominators=out_of)


def test_a_person_with_ten_decisions_is_one_person() -> None:
    found = People.of(groups=[0] * 10, persons=[7] * 10, numerators=[1] * 10).sums(LABELS)
    assert found == {("a",): Sums(n=1, y=10, d=10, yy=100, dd=100, yd=100)}


@given(rows)
def test_persons_may_be_hashes(day: list[Row]) -> None:
    hashed = [(group, -(2**63) + 1 + person * 2**61, y, d) for group, person, y, d in day]
    assert people(hashed).sums(LABELS) == people(day).sums(LABELS)


@pytest.mark.parametrize(
    ("numerators", "message"),
    [([1.0], "one numerator"), ([1.0, np.nan], "finite"), ([1.0, np.inf], "finite"), ([1.0, -1.0], "not negative")],
)
def test_impossible_columns_are_refused(numerators: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        People.of(groups=[0, 0], persons=[1, 2], numerators=numerators)


def test_a_group_without_a_label_is_refused() -> None:
    with pytest.raises(ValueError, match="group 3 has no label"):
        People.of(groups=[3], persons=[1], numerators=[1]).sums(LABELS)
