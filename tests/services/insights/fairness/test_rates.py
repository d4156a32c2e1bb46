"""Rates by group: fairlearn's points, intervals that know persons from decisions, and an answer to every table."""

import msgspec
import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_difference, demographic_parity_ratio, selection_rate
from hypothesis import given
from hypothesis import strategies as st

from services.insights.fairness.people import Group, People
from services.insights.fairness.rates import Table, Versus, compare, pairs, rates
from services.insights.sums import Sums
from tests.services.insights.fairness.tables import one_each, table


def versus(given_table: Table, *, alpha: float = 0.05) -> list[Versus]:
    return list(compare(pairs(given_table)[0], alpha=alpha))


def drawn_table(y: np.ndarray, d: np.ndarray, *, share: bool) -> Table:
    """Two groups with as many persons each, a column a group."""
    groups: dict[Group, Sums] = {
        (name,): Sums.of(y[:, number], denominators=d[:, number]) for number, name in enumerate("ab")
    }
    return Table(measure="contacts", attributes=("gender",), groups=groups, share=share)


def test_points_are_those_of_fairlearn() -> None:
    rng = np.random.default_rng(1)
    codes, chosen = rng.integers(0, 3, 900), rng.random(900) < 0.3
    labels: list[Group] = [("a",), ("b",), ("c",)]
    people = People.of(groups=codes, persons=np.arange(900), numerators=chosen)
    found = Table(measure="offers", attributes=("age",), groups=people.sums(labels), share=True)
    frame = MetricFrame(metrics=selection_rate, y_true=chosen, y_pred=chosen, sensitive_features=codes)
    values = [each.value for each in rates(found, alpha=0.05)]
    assert values == pytest.approx(frame.by_group.tolist())
    lowest = msgspec.structs.replace(found, reference=labels[int(np.argmax(values))])
    ratios, differences = zip(*((each.ratio, -each.difference) for each in versus(lowest)), strict=True)
    assert min(ratios) == pytest.approx(demographic_parity_ratio(chosen, chosen, sensitive_features=codes))
    assert max(differences) == pytest.approx(demographic_parity_difference(chosen, chosen, sensitive_features=codes))


def test_the_reference_is_the_largest_group_or_the_named_one() -> None:
    groups: dict[str, tuple[float, int]] = {"a": (40, 100), "b": (50, 100), "c": (9, 50)}
    assert {each.reference for each in versus(table(groups))} == {("a",)}
    assert {each.reference for each in versus(table(groups, reference="c"))} == {("c",)}


def test_too_small_groups_are_listed_and_never_dropped() -> None:
    found, few = pairs(table({"a": (40, 100), "b": (5, 29), "c": (5, 30)}))
    assert [each.group for each in found] == [("c",)]
    assert [(each.group, each.persons) for each in few] == [(("b",), 29)]
    found, few = pairs(table({"a": (40, 100), "b": (5, 30)}, reference="nobody"))
    assert (found, [each.group for each in few]) == ((), [("a",), ("b",)])
    assert pairs(table({})) == ((), ())
    assert rates(table({"a": (5, 29)}), alpha=0.05) == ()


def test_groups_that_got_nothing_or_everything_have_defined_answers() -> None:
    (none,) = versus(table({"a": (50, 100), "b": (0, 40)}))
    assert (none.ratio, none.ratio_interval.low) == (0, 0)
    assert none.p_value < 0.001
    (infinite,) = versus(table({"a": (0, 100), "b": (20, 40)}))
    assert (infinite.ratio, infinite.ratio_interval.high) == (float("inf"), float("inf"))
    (nobody,) = versus(table({"a": (0, 100), "b": (0, 40)}))
    assert (nobody.ratio, nobody.p_value, nobody.ratio_interval.high) == (None, 1, float("inf"))
    (everybody,) = versus(table({"a": (100, 100), "b": (40, 40)}))
    assert (everybody.ratio, everybody.p_value) == (1, 1)
    assert everybody.ratio_interval.low < 1 <= everybody.ratio_interval.high


def test_decisions_about_the_same_person_are_no_further_evidence() -> None:
    """Each of 60 persons has ten decisions that nearly always agree: taken as 600, every second test is false."""
    rng, covered, naive = np.random.default_rng(2), 0, 0
    for _ in range(400):
        tendency = rng.beta(0.1, 0.1, (60, 2))
        found = drawn_table(rng.binomial(10, tendency).astype(float), np.full((60, 2), 10.0), share=True)
        interval = versus(found)[0].ratio_interval
        covered += interval.low <= 1 <= interval.high
        blind = {name: one_each(each.y, 600) for name, each in found.groups.items()}
        (each,) = versus(msgspec.structs.replace(found, groups=blind))
        naive += each.ratio_interval.low <= 1 <= each.ratio_interval.high
    assert covered / 400 > 0.93
    assert naive / 400 < 0.6


@pytest.mark.parametrize("size", [0.3, 1.0, 50.0])
def test_the_interval_of_contacts_holds_however_unevenly_people_are_contacted(size: float) -> None:
    """Negative binomial counts with mean 2 for 100 persons a group; variance 2 + 4 / size."""
    rng, covered, rejected = np.random.default_rng(3), 0, 0
    for _ in range(600):
        y = rng.negative_binomial(size, size / (size + 2), (100, 2)).astype(float)
        (found,) = versus(drawn_table(y, np.ones((100, 2)), share=False))
        covered += found.ratio_interval.low <= 1 <= found.ratio_interval.high
        rejected += found.p_value <= 0.05
    assert covered / 600 > 0.93
    assert rejected / 600 < 0.07


def test_independent_decisions_need_no_more_persons() -> None:
    assert [each.design for each in rates(table({"a": (40, 100), "b": (50, 100)}), alpha=0.05)] == [1, 1]
    rng = np.random.default_rng(4)
    found = rates(drawn_table(rng.poisson(3, (4000, 2)).astype(float), np.ones((4000, 2)), share=False), alpha=0.05)
    assert [each.design for each in found] == pytest.approx([1, 1], abs=0.1)


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        (one_each(50, 40), "a are impossible"),
        (Sums(n=40, y=float("nan"), d=40, yy=1, dd=40, yd=1), "y is nan"),
        (Sums(n=40, y=-1, d=40, yy=1, dd=40, yd=1), "y is negative"),
    ],
)
def test_impossible_sums_are_refused_by_the_groups_name(sums: Sums, message: str) -> None:
    found = msgspec.structs.replace(table({}), groups={("a",): sums, ("b",): one_each(5, 40)})
    with pytest.raises(ValueError, match=message):
        pairs(found)


people_of_a_group = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=0, max_size=60)


@given(st.lists(people_of_a_group, min_size=0, max_size=5), st.booleans())
def test_whatever_the_people_every_group_has_an_answer(
    groups: list[list[tuple[int, int]]],
    share: bool,  # noqa: FBT001
) -> None:
    made: dict[Group, Sums] = {
        (str(number),): Sums.of(
            [float(min(y, d) if share else y) for y, d in each], denominators=[float(d) for _, d in each]
        )
        for number, each in enumerate(groups)
    }
    found = Table(measure="offers", attributes=("age",), groups=made, share=share)
    compared, few = pairs(found, least=5)
    answered = [each.group for each in compared] + [each.group for each in few]
    assert len(set(answered)) == len(answered)
    assert set(made) - set(answered) <= {found.against()}
    for each in compare(compared, alpha=0.01):
        assert 0 <= each.p_value <= 1
        assert 0 <= each.ratio_interval.low <= each.ratio_interval.high
        if each.ratio is not None:
            assert each.ratio_interval.low <= each.ratio * (1 + 1e-9)
            assert each.ratio <= each.ratio_interval.high * (1 + 1e-9)
