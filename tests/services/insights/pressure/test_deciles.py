"""Pressure's cost: deciles with ties, little and odd data, and agreement with others' tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import Table

from services.insights.pressure.deciles import Cost, Fatigue, costs
from services.insights.pressure.trends import between, within
from services.insights.pressure.watching import Watch
from tests.services.insights.pressure.weeks import alike


def once(pressure: list[int], events: list[bool], *, held: int = 0) -> Watch:
    """Everybody looked at once; the first `held` are the holdout."""
    people = len(pressure)
    return Watch(
        pressure=np.array(pressure, dtype=np.int64).reshape(people, 1),
        at_risk=np.ones((people, 1), dtype=bool),
        event=np.array(events, dtype=bool).reshape(people, 1),
        holdout=np.arange(people) < held,
        segment=np.zeros(people, dtype=np.int64),
    )


def cost(watch: Watch) -> Cost:
    (found,) = costs({"opted_out": watch}, alpha=0.05)
    return found


def test_people_with_as_many_contacts_stay_in_one_group() -> None:
    pressure = [0] * 600 + [1] * 200 + [2] * 100 + [3] * 50 + [4] * 30 + [40] * 20
    groups = cost(once(pressure, [False] * 1000)).groups
    assert [(each.low, each.high, each.looks, each.contacts) for each in groups] == [
        (0, 0, 600, 0),
        (1, 1, 200, 200),
        (2, 2, 100, 200),
        (3, 40, 100, 150 + 120 + 800),
    ]
    assert groups[0].per_1000_contacts is None
    assert groups[0].per_1000_people is not None


def test_without_ties_there_are_ten_groups_of_equal_size() -> None:
    groups = cost(once(list(range(1000)), [False] * 1000)).groups
    assert [each.looks for each in groups] == [100] * 10


def test_rates_are_per_thousand_people_and_contacts_and_above_the_holdout() -> None:
    found = cost(once([0] * 100 + [5] * 400, [True] * 2 + [False] * 98 + [True] * 40 + [False] * 360, held=100))
    (group,) = found.groups
    assert group.per_1000_people is not None
    assert group.per_1000_contacts is not None
    assert group.above_holdout is not None
    assert (group.per_1000_people.value, group.per_1000_contacts.value) == (100, 20)
    assert group.above_holdout.value == pytest.approx(80)
    assert found.holdout is not None
    assert found.holdout.value == 20
    assert found.excess_p_value == pytest.approx(stats.fisher_exact([[40, 360], [2, 98]], alternative="greater").pvalue)


PEOPLE = st.lists(st.tuples(st.integers(0, 6) | st.just(9000), st.booleans()), max_size=90)


@given(PEOPLE, st.integers(0, 50), st.randoms(use_true_random=False))
def test_groups_hold_every_look_once_and_the_order_of_people_does_not_matter(
    people: list[tuple[int, bool]], held: int, random: object
) -> None:
    found = cost(once([each for each, _ in people], [event for _, event in people], held=held))
    assert sum(each.looks for each in found.groups) == max(0, len(people) - held) == found.looks
    assert sum(each.events for each in found.groups) == found.events
    assert all(one.high < other.low for one, other in zip(found.groups, found.groups[1:], strict=False))
    for group in found.groups:
        for each in (group.per_1000_people, group.per_1000_contacts, group.above_holdout):
            assert each is None or each.low <= each.value <= each.high
        assert (group.per_1000_people is None) == (group.looks < 30)
    mixed = people[held:]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    mixed = people[:held] + mixed
    other = cost(once([each for each, _ in mixed], [event for _, event in mixed], held=held))
    assert other.groups == found.groups
    assert other.excess == found.excess
    assert other.fatigue is found.fatigue


@pytest.mark.parametrize(
    ("pressure", "events"),
    [
        ([], []),
        ([0] * 500, [True] * 250 + [False] * 250),
        ([0, 1] * 250, [False] * 500),
        ([0, 1] * 250, [True] * 500),
        ([0, 1] * 250, [True] * 19 + [False] * 481),
    ],
)
def test_nothing_is_said_of_a_trend_where_nothing_differs_or_little_happened(
    pressure: list[int], events: list[bool]
) -> None:
    found = cost(once(pressure, events))
    assert found.fatigue is Fatigue.TOO_FEW
    assert found.within is None is found.between
    assert not found.excess_proven


def test_the_trend_between_people_is_the_one_of_cochran_and_armitage() -> None:
    rng = np.random.default_rng(3)
    pressure = rng.poisson(2, 5000)
    events = rng.random(5000) < 0.02 * (1 + pressure)
    found = between(once(pressure.tolist(), events.tolist()), alpha=0.05)
    assert found is not None
    table = np.array([np.bincount(pressure[events == kind], minlength=12) for kind in (True, False)]).T
    oracle = Table(table, shift_zeros=False).test_ordinal_association(
        row_scores=np.log2(1.0 + np.arange(12)), col_scores=np.array([1.0, 0.0])
    )
    middle, half = np.log(found.ratio.value), np.log(found.ratio.high / found.ratio.low) / 2
    assert middle / (half / stats.t(events.sum() - 1).ppf(0.95)) == pytest.approx(oracle.zscore, rel=2e-2)


def test_a_segment_that_gets_more_and_leaves_more_is_no_trend_among_likes() -> None:
    rng = np.random.default_rng(5)
    segment = np.arange(6000) % 2
    pressure = rng.poisson(1 + 4 * segment)
    events = rng.random(6000) < 0.02 + 0.06 * segment
    mixed = once(pressure.tolist(), events.tolist())
    parted = Watch(
        pressure=mixed.pressure, at_risk=mixed.at_risk, event=mixed.event, holdout=mixed.holdout, segment=segment
    )
    assert cost(mixed).fatigue is Fatigue.ASSOCIATED
    assert cost(parted).fatigue is Fatigue.NOT_PROVEN


def test_one_look_says_nothing_within_people_but_more_looks_do() -> None:
    rng = np.random.default_rng(6)
    watch = alike(rng, 6000, weeks=10, hazard=0.02, fatigue=3.0)
    first = Watch(
        pressure=watch.pressure[:, :1],
        at_risk=watch.at_risk[:, :1],
        event=watch.event[:, :1],
        holdout=watch.holdout,
        segment=watch.segment,
    )
    assert within(first, alpha=0.05) is None
    found = within(watch, alpha=0.05)
    assert found is not None
    assert found.ratio.low > 1


def test_outcomes_are_told_by_name_and_each_more_asks_for_more_proof() -> None:
    watch = alike(np.random.default_rng(7), 3000, weeks=6, hazard=0.02)
    found = costs({"opted_out": watch, "complained": watch, "much_too_much": watch}, alpha=0.06)
    assert [each.outcome for each in found] == ["complained", "much_too_much", "opted_out"]
    for each in found:
        assert each.false_alarms == 0.06
        assert each.within is not None
        assert each.within.ratio.level == pytest.approx(1 - 2 * 0.06 / 9)
        assert each.groups[0].per_1000_people is not None
        assert each.groups[0].per_1000_people.level == pytest.approx(0.98)
