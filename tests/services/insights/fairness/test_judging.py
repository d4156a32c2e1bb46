"""Alerts of unfairness: rarely false however much is looked at, where the four-fifths rule alone nearly always is."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from services.insights.fairness.intersections import Attribute, cells, count
from services.insights.fairness.judging import Judgement, Kind, Subject, judge, spent
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from services.insights.sums import Sums
from tests.services.insights.fairness.tables import table

REPLAYS = 1000


def benefit(given_table: Table) -> Subject:
    return Subject(table=given_table, kind=Kind.BENEFIT)


def breaks_four_fifths(groups: dict[Group, Sums]) -> bool:
    """The naive rule: the least rate is below four fifths of the greatest."""
    rates = [each.y / each.d for each in groups.values()]
    return min(rates) < 0.8 * max(rates)


def test_two_equal_groups_of_a_hundred_rarely_alarm_where_the_naive_rule_does_in_58_percent() -> None:
    rng, alarms = np.random.default_rng(7), 0
    for one, two in rng.binomial(100, 0.1, (REPLAYS, 2)).tolist():
        alarms += bool(judge([benefit(table({"a": (one, 100), "b": (two, 100)}))]).alerts)
    counts, chance = np.arange(101), binom.pmf(np.arange(101), 100, 0.1)
    breaks = np.minimum.outer(counts, counts) < 0.8 * np.maximum.outer(counts, counts)
    naive = float((np.multiply.outer(chance, chance) * breaks).sum())
    print(f"two groups of 100, offers to 10 %: {alarms / REPLAYS:.1%}, naive {naive:.1%}")  # noqa: T201
    assert alarms / REPLAYS <= 0.05
    assert naive == pytest.approx(0.588, abs=0.001)


def periods(seed: int) -> Iterator[list[Subject]]:
    """Replays of 800 persons: 2 genders, 4 ages, 100 in each intersection, offers and contacts, and no difference."""
    rng = np.random.default_rng(seed)
    persons = np.arange(800)
    attributes = [
        Attribute(name="gender", values=("f", "m"), codes=persons % 2),
        Attribute(name="age", values=("1", "2", "3", "4"), codes=persons // 2 % 4),
    ]
    found = list(cells(attributes))
    for _ in range(REPLAYS):
        offers = (rng.random(800) < 0.1).astype(float)
        contacts = rng.negative_binomial(0.5, 0.2, 800).astype(float)
        yield [
            Subject(
                table=Table(
                    measure=measure,
                    attributes=each.attributes,
                    groups=count(each, persons=persons, numerators=numerators).sums(each.labels),
                    share=kind is Kind.BENEFIT,
                ),
                kind=kind,
            )
            for each in found
            for measure, kind, numerators in (("offers", Kind.BENEFIT, offers), ("contacts", Kind.BURDEN, contacts))
        ]


def test_all_attributes_intersections_and_measures_together_alarm_in_at_most_5_percent_of_periods() -> None:
    alarms = naive = 0
    for subjects in periods(2):
        found = judge(subjects)
        assert found.comparisons == 22
        alarms += bool(found.alerts)
        naive += any(breaks_four_fifths(dict(each.table.groups)) for each in subjects)
    print(f"22 comparisons, 100 in each cell: {alarms / REPLAYS:.1%}, naive {naive / REPLAYS:.1%}")  # noqa: T201
    assert alarms / REPLAYS <= 0.05
    assert naive / REPLAYS > 0.95


def test_planned_looks_do_not_add_false_alarms_where_looking_without_a_plan_does() -> None:
    rng, alarms, unplanned = np.random.default_rng(3), 0, 0
    for _ in range(REPLAYS // 2):
        seen = rng.binomial(100, 0.3, (4, 2)).cumsum(axis=0).tolist()
        found = [
            judge([benefit(table({"a": (one, 100 * week), "b": (two, 100 * week)}))], look=week, looks=4)
            for week, (one, two) in enumerate(seen, 1)
        ]
        alarms += any(each.alerts for each in found)
        unplanned += any(each.findings[0].versus.p_value <= 0.05 for each in found)
    print(f"four looks: {2 * alarms / REPLAYS:.1%}, an exact test at each {2 * unplanned / REPLAYS:.1%}")  # noqa: T201
    assert 2 * alarms / REPLAYS <= 0.05
    assert 2 * unplanned / REPLAYS > 0.07


@pytest.mark.parametrize(("persons", "rate", "least"), [(100, 0.5, 0.4), (500, 0.3, 0.85), (2000, 0.1, 0.9)])
def test_a_group_that_gets_six_tenths_is_found_among_eight_comparisons(persons: int, rate: float, least: float) -> None:
    rng, found = np.random.default_rng(4), 0
    for _ in range(300):
        subjects = []
        for attribute, names in (("gender", "ab"), ("age", "abcd")):
            for measure in ("offers", "inferences"):
                harmed = (attribute, measure) == ("gender", "offers")
                got = {name: rng.binomial(persons, rate * (0.6 if harmed and name == "b" else 1)) for name in names}
                groups = {name: (float(each), persons) for name, each in got.items()}
                subjects.append(benefit(table(groups, measure=measure, attribute=attribute)))
        found += any(
            (each.versus.attributes, each.versus.measure, each.harmed) == (("gender",), "offers", ("b",))
            for each in judge(subjects).alerts
        )
    print(f"{persons} persons, {rate:.0%}: {found / 300:.0%}")  # noqa: T201
    assert found / 300 >= least


def test_a_difference_that_is_sure_but_within_four_fifths_is_no_alert() -> None:
    found = judge([benefit(table({"a": (50_000, 100_000), "b": (45_000, 100_000)}))])
    assert (found.findings[0].harmed, found.findings[0].alert) == (("b",), False)
    assert found.findings[0].versus.p_value < 1e-9


def test_a_ratio_below_four_fifths_that_is_not_sure_is_no_alert() -> None:
    found = judge([benefit(table({"a": (10, 100), "b": (6, 100)}))])
    assert (found.findings[0].versus.ratio, found.alerts) == (0.6, ())


def test_of_a_benefit_the_group_with_less_is_harmed_even_where_it_is_the_reference() -> None:
    groups: dict[str, tuple[float, int]] = {"many": (200, 1000), "few": (200, 500)}
    (alert,) = judge([benefit(table(groups))]).alerts
    assert (alert.versus.group, alert.harmed) == (("few",), ("many",))


def test_of_a_burden_the_group_with_more_is_harmed() -> None:
    refused = table({"many": (200, 1000), "few": (200, 500)}, measure="refusals")
    (alert,) = judge([Subject(table=refused, kind=Kind.BURDEN)]).alerts
    assert (alert.harmed, alert.versus.ratio) == (("few",), 2)
    assert alert.versus.ratio_interval.low > 1


def test_groups_below_the_minimum_are_told_whatever_they_got() -> None:
    found = judge([benefit(table({"a": (500, 1000), "b": (0, 29)}))])
    assert (found.findings, [each.group for each in found.too_few]) == ((), [("b",)])
    assert found.comparisons == 0


def test_the_looks_of_a_period_spend_its_alpha_and_no_more() -> None:
    assert sum(spent(0.05, look=look, looks=7) for look in range(1, 8)) == pytest.approx(0.05)
    assert spent(0.05, look=1, looks=1) == 0.05
    with pytest.raises(ValueError, match="look 8 is not one of the 7"):
        spent(0.05, look=8, looks=7)
    with pytest.raises(ValueError, match="between 0 and 1"):
        judge([], alpha=0)


def test_nothing_to_judge_is_no_alert() -> None:
    assert judge([]) == Judgement(findings=(), too_few=(), comparisons=0, spent=0.05, alpha=0.05)
    assert judge([benefit(table({}))]).findings == ()


group = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n).map(float), st.just(n)))


@given(st.dictionaries(st.sampled_from("abcdef"), group), st.sampled_from(Kind))
def test_the_order_of_groups_and_tables_never_matters(groups: dict[str, tuple[float, int]], kind: Kind) -> None:
    one, two = (
        [Subject(table=table(dict(each), measure=measure), kind=kind) for measure in measures]
        for each, measures in ((groups.items(), "xy"), (list(reversed(groups.items())), "yx"))
    )
    assert unplaced(one) == unplaced(two)


def unplaced(subjects: Sequence[Subject]) -> Judgement:
    """What is judged of them, without where in the list each finding's subject stood."""
    found = judge(subjects)
    for each in found.findings:
        assert subjects[each.place].table.measure == each.versus.measure
    return msgspec.structs.replace(
        found, findings=tuple(msgspec.structs.replace(each, place=0) for each in found.findings)
    )
