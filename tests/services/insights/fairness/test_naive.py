"""What four fifths alone would say of groups that are treated alike, for the very sizes at hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.fairness.judging import Kind, Subject, judge
from services.insights.fairness.naive import breaks_four_fifths, chances
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from services.insights.sums import Sums
from tests.services.insights.fairness.tables import one_each, table


def test_of_a_hundred_persons_a_group_it_alarms_in_more_than_half_of_the_replays_and_ours_seldom() -> None:
    found = chances(table({"women": (10, 100), "men": (10, 100)}))
    (chance,) = found.groups.values()
    assert chance == found.any == pytest.approx(0.58, abs=0.03)
    draw, naive, ours = np.random.default_rng(1), 0, 0
    for _ in range(500):
        women, men = (float(each) for each in draw.binomial(100, 0.1, 2))
        subject = Subject(table=table({"women": (women, 100), "men": (men, 100)}), kind=Kind.BENEFIT)
        naive += bool(5 * women < 4 * men or 4 * women > 5 * men)
        ours += bool(judge([subject]).alerts)
    assert naive / 500 == pytest.approx(chance, abs=0.06)
    assert ours / 500 <= 0.05


def test_exactly_four_fifths_is_not_beyond() -> None:
    ratios = [0.08 / 0.1, 0.12 / 0.15, 0.1 / 0.08, 0.15 / 0.12, 0.79, 1.26, 0.0, float("inf")]
    assert breaks_four_fifths(np.array(ratios)).tolist() == [False] * 4 + [True] * 4


def test_the_more_persons_the_less_it_alarms_and_the_more_groups_the_more() -> None:
    few, many, very_many = (chances(table({"a": (n / 10, n), "b": (n / 10, n)})).any for n in (50, 500, 50_000))
    assert few > many > very_many == 0
    three = chances(table(dict.fromkeys("abc", (10, 100))))
    assert three.any > max(three.groups.values())
    assert len(three.groups) == 2


def test_people_with_several_decisions_that_end_alike_count_as_fewer() -> None:
    """A hundred persons with ten decisions each, all or none of which they got."""
    alike = Sums(n=100, y=100.0, d=1000.0, yy=1000.0, dd=10_000.0, yd=1000.0)
    tables = [
        Table(measure="offers", attributes=("gender",), groups={("a",): each, ("b",): each}, share=True)
        for each in (alike, one_each(100, 1000))
    ]
    together, apart = (chances(each).any for each in tables)
    assert together == pytest.approx(0.58, abs=0.05)
    assert apart < 0.2


def test_counts_are_drawn_as_counts() -> None:
    counts = Sums(n=50, y=25.0, d=50.0, yy=25.0, dd=50.0, yd=25.0)
    groups: dict[Group, Sums] = {("a",): counts, ("b",): counts}
    found = chances(Table(measure="contacts", attributes=("gender",), groups=groups, share=False))
    assert 0.3 < found.any < 0.7


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 90), max_size=4), st.floats(0, 1))
def test_of_any_groups_chances_are_shares_and_always_the_same(sizes: dict[str, int], rate: float) -> None:
    made = table({name: (float(round(rate * size)), size) for name, size in sizes.items()})
    found = chances(made, replays=50)
    assert found == chances(made, replays=50)
    assert all(0 <= each <= found.any <= 1 for each in found.groups.values())
    assert len(found.groups) == max(0, len(sizes) - 1)
