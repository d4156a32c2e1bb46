"""Burn rates, alerts and what is left of an error budget."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.serving import LatencyObjective, Objectives
from gateway.core.service_objectives import (
    BUDGET_MS,
    DAY_MS,
    FEWEST_CALLS,
    HOUR_MS,
    MINUTE_MS,
    PAIRS,
    WINDOWS_MS,
    Counts,
    Pair,
    Standing,
    State,
    burn_rate,
    standings,
)

A_MINUTE = 1_000_000
"""Calls a minute in the simulations: so many that shares of them are exact."""
AVAILABLE = Objectives(availability=99.9)
PAGE_1H, PAGE_6H, TICKET = PAIRS


def _stands(counts: Callable[[int], Counts], objectives: Objectives = AVAILABLE) -> Standing:
    (standing,) = standings("crm", objectives, counts)
    return standing


def _always(admitted: int, failed: int) -> Callable[[int], Counts]:
    return lambda _window: Counts(admitted, failed)


def _outage(minutes: int, *, error_ratio: float, since: int = 0) -> Callable[[int], Counts]:
    """Steady traffic that fails at a ratio for so many minutes, which ended `since` minutes ago."""

    def counts(window_ms: int) -> Counts:
        window = window_ms // MINUTE_MS
        failing = max(0, min(window, since + minutes) - since)
        return Counts(window * A_MINUTE, round(failing * A_MINUTE * error_ratio))

    return counts


def _detected(pair: Pair, *, error_ratio: float, longest: int = 5_000) -> int:
    """Minutes until a pair raises its alert."""
    return next(
        minutes for minutes in range(1, longest) if pair in _stands(_outage(minutes, error_ratio=error_ratio)).alerts
    )


# The workbook: time to detect = (1 - objective) / error ratio * long window * burn rate. For a complete outage that is
# 52 s at 14.4 over an hour, 2 min 10 s at 6 over 6 h (as for 1 over 36 h), 4 min 19 s at 1 over 3 days.
@pytest.mark.parametrize(
    ("pair", "error_ratio", "seconds"),
    [
        (PAGE_1H, 1.0, 51.84),
        (PAGE_1H, 0.1, 518.4),
        (PAGE_1H, 0.0288, 1_800),
        (PAGE_6H, 1.0, 129.6),
        (PAGE_6H, 0.1, 1_296),
        (PAGE_6H, 0.012, 10_800),
        (TICKET, 1.0, 259.2),
        (TICKET, 0.1, 2_592),
        (TICKET, 0.005, 51_840),
    ],
)
def test_alerts_come_when_the_workbook_says(pair: Pair, error_ratio: float, seconds: float) -> None:
    assert math.isclose(0.001 / error_ratio * pair.long_ms / 1000 * pair.threshold, seconds, rel_tol=1e-9)
    # Counts are kept by the minute, and the rate must be exceeded, not only reached.
    assert math.floor(seconds / 60) < _detected(pair, error_ratio=error_ratio) <= math.floor(seconds / 60) + 1


# Table 5-3 of the workbook, for an objective of 99.9 % over 30 days.
@pytest.mark.parametrize(
    ("rate", "error_ratio", "exhausted_minutes"),
    [(1, 0.001, 43_200), (2, 0.002, 21_600), (10, 0.01, 4_320), (1_000, 1.0, 43.2)],
)
def test_a_burn_rate_says_how_long_the_budget_lasts(rate: float, error_ratio: float, exhausted_minutes: float) -> None:
    found = burn_rate(round(error_ratio * A_MINUTE), A_MINUTE, target_percent=99.9)
    assert found is not None
    assert math.isclose(found, rate, rel_tol=1e-9)
    assert math.isclose(BUDGET_MS / MINUTE_MS / found, exhausted_minutes, rel_tol=1e-9)


@pytest.mark.parametrize(("pair", "share"), [(PAGE_1H, 0.02), (PAGE_6H, 0.05), (TICKET, 0.10)])
def test_each_alert_stands_for_its_share_of_the_budget(pair: Pair, share: float) -> None:
    assert math.isclose(pair.threshold * pair.long_ms / BUDGET_MS, share)


@pytest.mark.parametrize("pair", PAIRS)
def test_an_alert_ends_within_its_short_window(pair: Pair) -> None:
    # Just enough in the long window, spread over all of it.
    ratio = 2 * pair.threshold * 0.001
    burning = _outage(pair.long_ms // MINUTE_MS, error_ratio=ratio)
    just_over = _outage(pair.long_ms // MINUTE_MS, error_ratio=ratio, since=pair.short_ms // MINUTE_MS)
    assert pair in _stands(burning).alerts
    assert pair not in _stands(just_over).alerts


def test_burning_exactly_as_fast_as_allowed_is_no_alert() -> None:
    standing = _stands(_always(1_000_000, 1_000))
    assert (standing.state, standing.alerts, standing.budget_left) == (State.MET, (), 0)
    assert _stands(_always(1_000_000, 1_001)).alerts == (TICKET,)


def test_a_complete_outage_raises_all_alerts_most_urgent_first() -> None:
    standing = _stands(_outage(10, error_ratio=1.0))
    assert (standing.state, standing.alerts) == (State.ALERT, PAIRS)


def test_no_traffic_is_said_and_is_neither_good_nor_bad() -> None:
    standing = _stands(_always(0, 0))
    assert (standing.state, standing.budget_left) == (State.NO_TRAFFIC, None)
    assert {window.burn_rate for window in standing.windows} == {None}


def test_too_few_calls_are_said_and_raise_nothing() -> None:
    assert _stands(_always(FEWEST_CALLS - 1, FEWEST_CALLS - 1)).state is State.TOO_FEW_CALLS
    assert _stands(_always(FEWEST_CALLS, FEWEST_CALLS)).state is State.ALERT


def test_one_bad_call_alone_raises_nothing() -> None:
    assert _stands(_always(20, 1)).state is State.MET
    assert _stands(_always(20, 2)).state is State.ALERT


def test_a_route_with_little_traffic_is_judged_by_longer_windows() -> None:
    def three_an_hour(window_ms: int) -> Counts:
        calls = window_ms * 3 // HOUR_MS
        return Counts(calls, calls)

    assert _stands(three_an_hour).alerts == (TICKET,)


def test_slow_calls_count_for_the_latency_and_failed_ones_for_the_availability() -> None:
    both = Objectives(availability=99.0, latency=LatencyObjective(within="300ms", percent=95.0))
    found = standings("crm", both, lambda _window: Counts(admitted=1_000, failed=5, slow=200))
    assert [(each.kind, each.within_ms, each.state, round(each.budget_left or 0, 9)) for each in found] == [
        ("availability", 0, State.MET, 0.5),
        ("latency", 300, State.ALERT, -3.0),
    ]


def test_a_route_that_promises_nothing_is_not_told_of() -> None:
    assert standings("crm", Objectives(), _always(10, 10)) == ()


_counts = st.integers(0, 100_000).flatmap(lambda calls: st.builds(Counts, st.just(calls), st.integers(0, calls)))


@given(
    target=st.floats(50, 99.999),
    windows=st.lists(_counts, min_size=len(WINDOWS_MS) + 1, max_size=len(WINDOWS_MS) + 1),
    worse=st.integers(0, len(WINDOWS_MS)),
)
def test_an_alert_says_that_both_windows_burn_and_more_failures_never_end_one(
    target: float, windows: list[Counts], worse: int
) -> None:
    by_length = dict(zip((*WINDOWS_MS, BUDGET_MS), windows, strict=True))
    standing = _stands(by_length.__getitem__, Objectives(availability=target))
    rates = {window.length_ms: window.burn_rate for window in standing.windows}
    for pair in standing.alerts:
        assert all((rates[length] or 0) > pair.threshold for length in (pair.long_ms, pair.short_ms))
    assert (standing.state is State.ALERT) == bool(standing.alerts)
    length = (*WINDOWS_MS, BUDGET_MS)[worse]
    by_length[length] = Counts(by_length[length].admitted, by_length[length].admitted)
    assert set(standing.alerts) <= set(_stands(by_length.__getitem__, Objectives(availability=target)).alerts)


def test_windows_are_told_shortest_first() -> None:
    assert WINDOWS_MS == (5 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 3 * DAY_MS)
