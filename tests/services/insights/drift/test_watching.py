"""Many series over a week: who cries wolf, and who sees the wolf. Seeds are fixed; `-s` shows the shares."""

from collections import Counter

import msgspec
import numpy as np
import pytest

from services.insights.drift.histograms import Histogram
from services.insights.drift.seasons import Hours, Reference, alike
from services.insights.drift.watching import Look, Plan, Series, Window, watch
from tests.services.insights.drift.simulating import CYCLE, DAYS, FAMILIES, names, replay, week

ALWAYS = 10**6
SERIES = Series("agent", "1", "all", "verdicts")


def weeks_with_alarms(replays: range) -> int:
    found, families = 0, Counter[str]()
    for seed in replays:
        windows, plan = replay(seed)
        alarms = [look for look in watch(windows, plan=plan, now_hour=ALWAYS) if look.alarm]
        found += bool(alarms)
        families.update(look.series.measure.rstrip("0123456789 ") for look in alarms)
    print(f"\n{found} of {len(replays)} weeks without drift had an alarm: {dict(families)}")  # noqa: T201
    return found


def test_weeks_without_drift_hardly_ever_alarm() -> None:
    assert weeks_with_alarms(range(15)) <= 2


@pytest.mark.integration
@pytest.mark.timeout(1800)
def test_at_most_five_of_a_hundred_weeks_without_drift_have_any_alarm() -> None:
    assert weeks_with_alarms(range(1000, 2000)) <= 50


def test_a_shift_of_a_quarter_of_a_standard_deviation_is_found_in_a_day_of_two_thousand_calls() -> None:
    plan = Plan(40, DAYS)
    found: list[Look] = []
    for seed in range(100):
        windows = week(np.random.default_rng(seed), FAMILIES["normal"], name="normal", days=1, shift=0.25)
        found += watch(windows, plan=plan, now_hour=ALWAYS)
    share = np.mean([look.alarm for look in found])
    print(f"\nfound in {share:.0%} of days, of {np.mean([look.current_size for look in found]):.0f} calls")  # noqa: T201
    assert share >= 0.97
    away = [look.wasserstein for look in found if look.wasserstein]
    assert len(away) == sum(look.alarm for look in found)
    assert np.mean([each.interval.low <= 0.25 <= each.interval.high for each in away]) >= 0.9


def look_at(reference: Hours, current: Hours, *, plan: Plan | None = None) -> Look:
    window = Window(SERIES, Reference.of(reference), current, until_hour=max(current) + 1)
    return watch([window], plan=plan or Plan(1, 1), now_hour=ALWAYS)[0]


def hours(first: int, *, night: int, day: int, days: int = 1) -> dict[int, Histogram]:
    """Calls that are denied more often at night: of 10, 3 are, and by day 1."""
    found = {}
    for start in range(first, first + days * 24, 24):
        found[start + 2] = Histogram.of_names(["allow"] * (7 * night) + ["deny"] * (3 * night))
        found[start + 14] = Histogram.of_names(["allow"] * (9 * day) + ["deny"] * day)
    return found


def test_a_window_with_more_of_the_night_is_no_drift() -> None:
    reference, current = hours(0, night=20, day=200, days=7), hours(168, night=100, day=100)
    found = look_at(reference, current)
    assert not found.alarm
    assert found.psi
    assert found.psi.value < 1e-4
    # Thrown together, the same values look like drift.
    unaware = watch(
        [Window(SERIES, Reference.of(reference, cycle_hours=1), current, until_hour=192)],
        plan=Plan(1, 1),
        now_hour=ALWAYS,
    )
    assert unaware[0].alarm


def test_nights_that_are_other_than_days_and_hardly_known_raise_no_more_alarms_than_stated() -> None:
    # The reference has 210 values of nights and 2,100 of days, the window 800 and 300.
    rng, shares = np.random.default_rng(9), ([0.6, 0.3, 0.05, 0.03, 0.02], [0.9, 0.07, 0.02, 0.008, 0.002])
    keys, alarms = np.array(["a", "b", "c", "d", "e"]), []

    def drawn(first: int, parts: int, sizes: tuple[int, int]) -> dict[int, Histogram]:
        return {
            part: Histogram(None, keys, rng.multinomial(rng.poisson(sizes[part % 2]), shares[part % 2]).astype(float))
            for part in range(first, first + parts)
        }

    for _ in range(1000):
        reference = Reference.of(drawn(0, 14, (30, 300)), cycle_hours=2)
        window = Window(SERIES, reference, drawn(14, 2, (800, 300)), until_hour=16)
        alarms.append(watch([window], plan=Plan(1, 1), now_hour=ALWAYS)[0].alarm)
    assert np.mean(alarms) <= 0.05


def test_the_weighed_reference_is_known_as_well_as_the_hours_allow() -> None:
    pair = alike(Reference.of(hours(0, night=10, day=100, days=7)), hours(168, night=100, day=100))
    assert pair
    # Half of the window is night, of which the reference has 700 values: 1 / (0.5^2 / 700 + 0.5^2 / 7000).
    assert pair.reference.size == pytest.approx(1 / (0.25 / 700 + 0.25 / 7000))
    assert pair.reference.counts / pair.reference.size == pytest.approx([0.8, 0.2])


def test_values_at_hours_without_a_reference_are_left_out_and_counted() -> None:
    current = hours(168, night=50, day=50) | {190: Histogram.of_names(["deny"] * 77)}
    found = look_at(hours(0, night=50, day=50, days=7), current)
    assert (found.left_out, found.current_size, found.alarm) == (77, 1000, False)
    nothing = look_at(hours(0, night=50, day=50), {190: Histogram.of_names(["deny"] * 77)})
    assert (nothing.too_few, nothing.left_out) == (True, 77)


def test_a_verdict_that_never_came_before_is_found_among_few() -> None:
    current = hours(168, night=50, day=50)
    current[182] = Histogram.of_names(["allow"] * 480 + ["deny"] * 12 + ["error"] * 8)
    found = look_at(hours(0, night=50, day=50, days=7), current)
    assert found.alarm
    assert found.strange == pytest.approx(8 / 1000)
    assert found.strange_p_value is not None
    assert found.strange_p_value < 1e-6


def test_numbers_that_are_missing_now_are_found() -> None:
    windows = week(np.random.default_rng(1), FAMILIES["normal"], name="normal", days=1)
    reference, parts = windows[0].reference, dict(windows[0].current)
    assert reference.grid
    at = max(parts)
    parts[at] = Histogram.of_numbers([float("nan")] * 200, grid=reference.grid)
    windows = [Window(SERIES, reference, parts, until_hour=at + 1)]
    found = watch(windows, plan=Plan(40, DAYS), now_hour=ALWAYS)[0]
    assert found.alarm
    assert found.strange > 0.05


def test_a_constant_measure_without_change_is_no_alarm_and_with_one_it_is() -> None:
    constant, other = (Histogram.of_names([name] * 200) for name in ("allow", "deny"))
    same, changed = (look_at({0: constant}, {24: each}) for each in (constant, other))
    assert (same.alarm, same.psi, same.p_value) == (False, None, 1.0)
    assert changed.alarm


def test_of_few_values_nothing_is_said() -> None:
    few = Histogram.of_names(["deny"] * 20)
    found = look_at({0: Histogram.of_names(["allow"] * 500)}, {24: few})
    assert (found.too_few, found.alarm, found.psi, found.current_size) == (True, False, None, 20)
    empty = look_at({0: Histogram.of_names(["allow"] * 500)}, {24: Histogram.of_names([])})
    assert (empty.too_few, empty.current_size) == (True, 0)


def test_alarms_come_first_and_the_surely_largest_drift_first_of_all() -> None:
    rng, plan, windows = np.random.default_rng(5), Plan(40, DAYS), []
    for shift in (0.0, 0.3, 1.0, 0.0, 0.6):
        windows += week(rng, FAMILIES["normal"], name=f"shifted by {shift}", days=1, shift=shift)
    windows = [
        msgspec.structs.replace(each, series=Series("a", str(n), "", each.series.measure))
        for n, each in enumerate(windows)
    ]
    for order in (windows, windows[::-1]):
        found = watch(order, plan=plan, now_hour=ALWAYS)
        assert [look.series.measure for look in found[:3]] == [f"shifted by {each}" for each in (1.0, 0.6, 0.3)]
        assert [look.alarm for look in found] == [True] * 3 + [False] * 2
        assert all(look.false_alarms == 0.05 and look.alpha == pytest.approx(0.05 / 280) for look in found)


def test_drift_that_does_not_matter_is_no_alarm_but_large_drift_still_is() -> None:
    rng, plan = np.random.default_rng(8), Plan(40, DAYS, least_psi=0.01)
    large, small = (week(rng, FAMILIES["normal"], name=f"{by}", days=1, shift=by) for by in (0.4, 0.1))
    found = watch(large + small, plan=plan, now_hour=ALWAYS)
    assert [(look.series.measure, look.alarm) for look in found] == [("0.4", True), ("0.1", False)]


def test_a_window_is_looked_at_when_it_is_complete() -> None:
    windows = week(np.random.default_rng(1), FAMILIES["normal"], name="normal")
    plan = Plan(1, DAYS)
    for day in range(7, 14):
        assert len(watch(windows, plan=plan, now_hour=(day + 1) * CYCLE - 1)) == day - 7
        assert len(watch(windows, plan=plan, now_hour=(day + 1) * CYCLE)) == day - 6


def test_more_than_was_planned_for_is_refused() -> None:
    windows = week(np.random.default_rng(1), FAMILIES["normal"], name="normal", days=2)
    with pytest.raises(ValueError, match="plan the period"):
        watch(windows, plan=Plan(1, 1), now_hour=ALWAYS)


def test_a_window_given_twice_or_with_hours_beyond_its_end_is_refused() -> None:
    window = week(np.random.default_rng(1), FAMILIES["normal"], name="normal", days=1)[0]
    with pytest.raises(ValueError, match="once"):
        watch([window, window], plan=Plan(1, 2), now_hour=ALWAYS)
    late = Window(SERIES, window.reference, window.current, until_hour=max(window.current))
    with pytest.raises(ValueError, match="before its end"):
        watch([late], plan=Plan(1, 1), now_hour=ALWAYS)


@pytest.mark.parametrize(
    "plan",
    [
        (0, 7, 0.05, 0.0),
        (1, 0, 0.05, 0.0),
        (1, 7, 0.0, 0.0),
        (1, 7, 1.0, 0.0),
        (1, 7, 0.05, -1.0),
        (1, 7, 0.05, np.nan),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(plan: tuple[int, int, float, float]) -> None:
    with pytest.raises(ValueError, match="plan at least"):
        Plan(*plan)


def test_a_cycle_without_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one hour"):
        Reference.of(hours(0, night=1, day=1), cycle_hours=0)


def test_a_reference_that_reaches_into_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="before the window begins"):
        look_at(hours(0, night=50, day=50, days=7), hours(144, night=50, day=50))


def test_hours_added_up_beforehand_give_the_same_look() -> None:
    rng, draw = np.random.default_rng(3), names(np.array([0.6, 0.3, 0.1]))
    windows = week(rng, draw, name="names", days=1)
    before, now = draw(rng, 48, 0.0), draw(rng, 24, 0.0)
    halves = {hour + offset: each for hour, each in before.items() for offset in (0, 240)}
    doubled = {hour: Histogram(None, each.keys, 2 * each.counts) for hour, each in before.items()}
    current = {hour + 480: each for hour, each in now.items()}
    one, other = (
        watch([Window(windows[0].series, Reference.of(each), current, 504)], plan=Plan(1, 1), now_hour=ALWAYS)[0]
        for each in (halves, doubled)
    )
    assert msgspec.structs.asdict(one) == msgspec.structs.asdict(other)
