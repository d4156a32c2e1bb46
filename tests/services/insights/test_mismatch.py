"""Sample ratios and subjects in several variations: real defects alarm, a change of the allocation does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.insights.mismatch import Crossing, Phase, Ratio, mismatch


def phase(treatment: int, control: int, *, weight: float = 0.5, name: str = "1") -> Phase:
    return Phase(
        name=name,
        weights={"treatment": weight, "control": 1 - weight},
        subjects={"treatment": treatment, "control": control},
    )


def test_an_arm_that_loses_a_few_percent_of_its_subjects_alarms() -> None:
    found = mismatch([phase(48_500, 50_000)])
    assert found.phases[0].ratio is Ratio.MISMATCH
    assert found.phases[0].expected == {"treatment": 49_250, "control": 49_250}
    assert found.alarms


def test_a_new_allocation_raises_no_alarm_though_all_phases_mixed_would() -> None:
    ramp = [phase(1_020, 98_980, weight=0.01), phase(5_040, 94_960, weight=0.05), phase(49_900, 50_100)]
    assert not mismatch(ramp).alarms
    mixed = phase(1_020 + 5_040 + 49_900, 98_980 + 94_960 + 50_100)
    assert mismatch([mixed]).alarms


def test_phases_that_all_lean_the_same_way_a_little_alarm_together() -> None:
    leaning = [phase(4_850, 5_150, name=str(number)) for number in range(4)]
    found = mismatch(leaning)
    assert all(each.ratio is Ratio.FINE for each in found.phases)
    assert found.p_value < 0.001
    assert found.alarms


def test_a_mismatch_in_one_phase_is_not_hidden_by_many_good_ones() -> None:
    found = mismatch(
        [*(phase(5_000, 5_000, name=str(number)) for number in range(20)), phase(4_800, 5_200, name="bad")]
    )
    assert [each.name for each in found.phases if each.ratio is Ratio.MISMATCH] == ["bad"]
    assert found.p_value > 0.001
    assert found.alarms


def test_tiny_counts_are_too_few_and_left_out() -> None:
    tiny = phase(9, 390, weight=0.01)
    assert mismatch([tiny]).phases[0].ratio is Ratio.TOO_FEW
    assert not mismatch([tiny]).alarms
    assert mismatch([tiny, phase(5_000, 5_000)]).p_value == mismatch([phase(5_000, 5_000)]).p_value
    assert not mismatch([]).alarms


def test_a_phase_with_one_open_arm_has_nothing_to_test() -> None:
    assert mismatch([phase(10_000, 0, weight=1.0)]).phases[0].ratio is Ratio.TOO_FEW


def test_subjects_in_an_arm_that_was_closed_are_told_and_alarm_when_they_are_many() -> None:
    few, many = (mismatch([phase(stray, 10_000, weight=0.0), phase(5_000, 5_000)]) for stray in (20, 300))
    assert (few.phases[0].stray, few.alarms) == (20, False)
    assert (many.phases[0].stray, many.alarms) == (300, True)


def test_right_assignments_rarely_alarm_in_twenty_eight_looks() -> None:
    rng = np.random.default_rng(3)
    early = rng.binomial(200, 0.05, (1000, 14)).cumsum(axis=1)
    late = rng.binomial(200, 0.5, (1000, 14)).cumsum(axis=1)
    alarmed = 0
    for run in range(1000):
        looks = [[phase(each, 200 * (look + 1) - each, weight=0.05)] for look, each in enumerate(early[run].tolist())]
        looks += [[looks[-1][0], phase(each, 200 * (look + 1) - each)] for look, each in enumerate(late[run].tolist())]
        alarmed += any(mismatch(each).alarms for each in looks)
    assert alarmed <= 20


@given(st.lists(st.integers(0, 5_000), min_size=2, max_size=6), st.integers(1, 50))
def test_only_the_proportions_of_weights_count(counts: list[int], scale: int) -> None:
    arms = [str(number) for number in range(len(counts))]
    subjects = dict(zip(arms, counts, strict=True))
    one, other = (
        mismatch([Phase(name="1", weights={arm: float(weight) for arm in arms}, subjects=subjects)])
        for weight in (1, scale)
    )
    assert one.p_value == pytest.approx(other.p_value, abs=1e-9)
    assert 0 <= one.p_value <= 1


def test_subjects_in_several_variations_are_a_finding_above_one_in_a_hundred() -> None:
    assert not Crossing(subjects=0, several=0).alarms
    assert not Crossing(subjects=9_900, several=100).alarms
    crossing = Crossing(subjects=9_890, several=110)
    assert (crossing.share, crossing.alarms) == (0.011, True)
