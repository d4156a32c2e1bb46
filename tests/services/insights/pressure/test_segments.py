"""Segments are judged where it is known, and in 5 % of periods at most any of them is judged wrongly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.pressure.segments import Segment, Standing, Target, judge
from services.insights.pressure.spread import Tally

TARGET = Target(low=1, high=4)
REPLAYS = 1000


def judged(contacts: list[int], target: Target = TARGET) -> Segment:
    (found,) = judge({"one": Tally.of(contacts)}, target)
    return found


@pytest.mark.parametrize(
    ("contacts", "standing"),
    [
        ([6] * 60 + [2] * 20, Standing.SATURATED),
        ([2] * 60 + [6] * 20, Standing.ON_TARGET),
        ([0] * 60 + [6] * 20, Standing.UNDER_SOLICITED),
        ([0] * 40 + [2] * 40, Standing.UNKNOWN),
        ([6] * 29, Standing.UNKNOWN),
        ([], Standing.UNKNOWN),
        ([2] * 90 + [9000] * 10, Standing.ON_TARGET),
    ],
)
def test_a_segment_is_judged_by_the_person_in_its_middle(contacts: list[int], standing: Standing) -> None:
    found = judged(contacts)
    assert found.standing is standing
    assert found.people == len(contacts)
    assert found.false_alarms == 0.05
    assert (found.typical is None) == (len(contacts) < 30) == (found.above is None)


def test_a_target_may_ask_for_all_but_a_tenth_of_people() -> None:
    contacts = [2] * 700 + [6] * 300
    assert judged(contacts).standing is Standing.ON_TARGET
    assert judged(contacts, Target(low=1, high=4, quantile=0.9)).standing is Standing.SATURATED


@pytest.mark.parametrize(("low", "high", "quantile"), [(4, 1, 0.5), (-1, 4, 0.5), (math.nan, 4, 0.5), (1, 4, 1.0)])
def test_a_target_that_nobody_can_meet_is_refused(low: float, high: float, quantile: float) -> None:
    with pytest.raises(ValueError, match="target"):
        Target(low=low, high=high, quantile=quantile)


@given(st.dictionaries(st.text(max_size=3), st.lists(st.integers(0, 9), max_size=60), max_size=4))
def test_every_segment_is_told_of_by_name_and_more_of_them_only_make_judgements_rarer(
    contacts: dict[str, list[int]],
) -> None:
    found = judge({name: Tally.of(each) for name, each in contacts.items()}, TARGET)
    assert [each.name for each in found] == sorted(contacts)
    for each in found:
        assert each.standing in {Standing.UNKNOWN, judged(contacts[each.name]).standing}


def test_of_ten_segments_at_the_edge_of_the_target_none_is_called_saturated_in_95_of_100_periods() -> None:
    """Each has a chance of just under half to be above 4, so 4 is the median. Comparing means calls most periods."""
    rng = np.random.default_rng(11)
    edges = [Tally.of([4] * (200 - above) + [9] * above) for above in range(201)]
    alarms = naive = 0
    for _ in range(REPLAYS):
        above = rng.binomial(200, 0.499, 10)
        tallies = {str(number): edges[each] for number, each in enumerate(above.tolist())}
        alarms += any(each.standing is Standing.SATURATED for each in judge(tallies, TARGET))
        naive += bool((above > 100).any())
    print(f"{alarms / 10:.1f} % of periods with a false alarm; by the plain median {naive / 10:.1f} %")  # noqa: T201
    assert alarms <= 0.05 * REPLAYS
    assert naive > 0.9 * REPLAYS


def test_a_segment_with_six_contacts_for_the_middle_of_it_is_found_among_twenty() -> None:
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(100):
        tallies = {str(number): Tally.of(rng.poisson(2.7, 200)) for number in range(19)}
        tallies["pressed"] = Tally.of(rng.poisson(6.0, 200))
        found += {each.name: each.standing for each in judge(tallies, TARGET)}["pressed"] is Standing.SATURATED
    print(f"found in {found:.1f} % of periods")  # noqa: T201
    assert found >= 95
