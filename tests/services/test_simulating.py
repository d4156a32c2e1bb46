"""Into which slices of time a backtest cuts its calls."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.commands.simulating import HOUR_MS, Span, bounds

DAY_MS = 24 * HOUR_MS
_spans = st.tuples(st.integers(0, 1 << 41), st.integers(1, 1 << 33)).map(lambda its: Span(its[0], sum(its), 1))


@given(_spans, st.integers(1, 5_000))
def test_slices_follow_each_other_and_leave_nothing_out(span: Span, count: int) -> None:
    found = bounds(span, min(count, span.end_ms - span.start_ms))
    assert (found[0], found[-1]) == (span.start_ms, span.end_ms)
    assert all(start_ms < end_ms for start_ms, end_ms in itertools.pairwise(found))
    assert len(found) <= 2 * count + 2


def test_long_slices_begin_with_whole_hours_and_short_ones_are_as_many_as_asked_for() -> None:
    month = bounds(Span(1_767_603_600_123, 1_767_603_600_123 + 30 * DAY_MS, 1), 700)
    assert all(at_ms % HOUR_MS == 0 for at_ms in month[1:-1])
    assert len(month) == 720 + 2
    assert len(bounds(Span(0, HOUR_MS, 1), 100)) == 100 + 1
