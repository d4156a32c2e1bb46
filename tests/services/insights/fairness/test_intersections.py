"""Intersections: a harm that no attribute shows is found, and every row is in a cell or counted as unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.fairness.intersections import Attribute, cells, count
from services.insights.fairness.judging import Kind, Subject, judge
from services.insights.fairness.rates import Table


def attribute(name: str, *codes: int, values: str = "ab") -> Attribute:
    return Attribute(name=name, values=tuple(values), codes=np.array(codes, dtype=np.int64))


def test_a_harm_to_one_intersection_is_found_though_each_attribute_looks_fair() -> None:
    """Women over 65 and men under it get offers at 20 %, the other two cells at 40 %: each attribute shows 30 %."""
    persons = np.arange(4000)
    gender, age = persons % 2, persons // 2 % 2
    chosen = (persons // 4 % 10 < np.where(gender == age, 2, 4)).astype(float)
    attributes = [
        Attribute(name="gender", values=("women", "men"), codes=gender),
        Attribute(name="age", values=("over 65", "under 65"), codes=age),
    ]
    subjects = [
        Subject(
            table=Table(
                measure="offers",
                attributes=each.attributes,
                groups=count(each, persons=persons, numerators=chosen).sums(each.labels),
                share=True,
                reference=("women", "under 65") if len(each.attributes) == 2 else None,
            ),
            kind=Kind.BENEFIT,
        )
        for each in cells(attributes)
    ]
    alerts = judge(subjects).alerts
    assert {each.harmed for each in alerts} == {("women", "over 65"), ("men", "under 65")}
    assert {each.versus.attributes for each in alerts} == {("gender", "age")}


columns = st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 2), st.integers(-1, 1)), max_size=50)


@given(columns)
def test_every_row_is_in_its_cell_or_counted_as_unknown(rows: list[tuple[int, int, int]]) -> None:
    given_codes = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    attributes = [
        Attribute(name=name, values=tuple(values), codes=codes)
        for name, values, codes in zip("xyz", ("ab", "abc", "ab"), given_codes, strict=True)
    ]
    found = list(cells(attributes, depth=3))
    assert [each.attributes for each in found] == [
        ("x",), ("y",), ("z",), ("x", "y"), ("x", "z"), ("y", "z"), ("x", "y", "z"),
    ]  # fmt: skip
    for each in found:
        chosen = ["xyz".index(name) for name in each.attributes]
        wanted = [
            tuple("abc"[row[place]] for place in chosen) if min(row[place] for place in chosen) >= 0 else None
            for row in rows
        ]
        assert [each.labels[code] if code >= 0 else None for code in each.codes.tolist()] == wanted
        assert each.unknown == wanted.count(None)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ([attribute("x", 0), attribute("x", 1)], "once"),
        ([attribute("x", 0), attribute("y", 0, 1)], "each row one code"),
        ([attribute("x", 0, 2)], "x has a code without a value: there are 2"),
    ],
)
def test_columns_that_do_not_fit_are_refused(attributes: list[Attribute], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(cells(attributes))
