"""Quiet hours by the clock on the wall, across zones, holidays and changes of the clocks."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation import holidays
from gateway.core.call import Facts
from gateway.core.quiet_hours import OpenHours, QuietRule, wait_ms

MINUTE = 60_000
WEEKDAYS = frozenset(range(5))
FRENCH_CALLS = QuietRule(
    name="calls",
    zone="subject",
    fallback_zone="",
    open=(OpenHours(WEEKDAYS, 600, 780), OpenHours(WEEKDAYS, 840, 1200)),
    closed=holidays.dates("FR") or frozenset(),
)
PARIS = Facts(time_zone="Europe/Paris")
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC")


def at(text: str, zone: str = "Europe/Paris") -> int:
    """Milliseconds since the epoch of a wall-clock time."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-24T10:00", "2026-11-24T10:00"),
        ("2026-11-24T09:59", "2026-11-24T10:00"),
        ("2026-11-24T13:00", "2026-11-24T14:00"),
        ("2026-11-24T19:59", "2026-11-24T19:59"),
        ("2026-11-24T20:00", "2026-11-25T10:00"),
        ("2026-11-27T20:00", "2026-11-30T10:00"),  # Friday evening to Monday
        ("2026-12-24T20:00", "2026-12-28T10:00"),  # Christmas is a Friday
        ("2026-05-13T21:00", "2026-05-15T10:00"),  # Ascension Day is a Thursday
        ("2026-03-27T20:30", "2026-03-30T10:00"),  # the clocks are set in between
    ],
)
def test_a_call_to_a_french_customer_waits_until_the_law_opens(now: str, opens: str) -> None:
    assert wait_ms(FRENCH_CALLS, PARIS, now_ms=at(now)) == at(opens) - at(now)


def test_hours_are_the_customers_own_and_without_a_known_zone_it_is_always_quiet() -> None:
    noon = at("2026-11-24T12:00")

    assert wait_ms(FRENCH_CALLS, PARIS, now_ms=noon) == 0
    assert wait_ms(FRENCH_CALLS, Facts(time_zone="America/New_York"), now_ms=noon) == 4 * 60 * MINUTE
    for nowhere in ("", "Europe/Lutece", "../../etc/passwd", "x" * 1000, "\x00"):
        assert wait_ms(FRENCH_CALLS, Facts(time_zone=nowhere), now_ms=noon) == -1


def _rule(zone: str, parts: list[tuple[set[int], int, int]], closed: set[dt.date]) -> QuietRule:
    hours = tuple(OpenHours(frozenset(days), start, start + length) for days, start, length in parts)
    return QuietRule(name="r", zone=zone, fallback_zone="", open=hours, closed=frozenset(closed))


def _open(rule: QuietRule, at_ms: int) -> bool:
    """The plain meaning: what does the clock on the wall show?"""
    wall = dt.datetime.fromtimestamp(at_ms / 1000, zoneinfo.ZoneInfo(rule.zone))
    minute = wall.hour * 60 + wall.minute
    return wall.date() not in rule.closed and any(
        wall.weekday() in part.days and part.start_minute <= minute < part.end_minute for part in rule.open
    )


PARTS = st.lists(
    st.tuples(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 1380), st.integers(1, 60)), min_size=1, max_size=3
)
# Around the changes of the clocks of 2026, where mistakes live, in both hemispheres.
CHANGES = tuple(at(day) for day in ("2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"))
TIMES = st.builds(
    lambda change, minutes: change + minutes * MINUTE, st.sampled_from(CHANGES), st.integers(-2_000, 3_000)
)


@given(st.sampled_from(ZONES), PARTS, TIMES)
def test_it_is_open_at_the_earliest_time_and_at_no_minute_before(
    zone: str, parts: list[tuple[set[int], int, int]], now_ms: int
) -> None:
    rule = _rule(zone, parts, {dt.date(2026, 3, 29), dt.date(2026, 10, 5)})

    wait = wait_ms(rule, Facts(), now_ms=now_ms)

    assert wait >= 0
    assert _open(rule, now_ms + wait)
    assert not any(_open(rule, now_ms + passed) for passed in range(0, min(wait, 4_000 * MINUTE), MINUTE))


def test_hours_that_never_open_are_said_to_never_open() -> None:
    christmas = _rule("UTC", [({0, 1, 2, 3, 4, 5, 6}, 0, 60)], set())
    closed = frozenset(dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(1_000))

    never = QuietRule(name="r", zone="UTC", fallback_zone="", open=christmas.open, closed=closed)

    assert wait_ms(never, Facts(), now_ms=at("2026-06-01", "UTC")) == -1
