"""Calendar periods on the clocks of many zones: without gaps, and never later than the clock on the wall."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.zones import CalendarRule, Unit, name_of, period, zone_named

HOUR = 3_600_000
ZONES = (
    *("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC"),
    *("Pacific/Apia", "America/St_Johns", "Asia/Beirut", "Africa/Cairo"),  # set at midnight, or over a whole day
)
UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")


def rule(unit: Unit, zone: str, *, week_start: int = 0) -> CalendarRule:
    return CalendarRule(unit=unit, zone=zone, fallback_zone="UTC", week_start=week_start)


def at(text: str, zone: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("unit", "zone", "now", "start", "end"),
    [
        ("day", "Europe/Paris", "2026-11-24T13:30", "2026-11-24T00:00", "2026-11-25T00:00"),
        ("day", "Europe/Paris", "2026-03-29T13:30", "2026-03-29T00:00", "2026-03-30T00:00"),  # 23 hours long
        ("week", "Europe/Paris", "2026-11-29T23:59", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("month", "Europe/Paris", "2026-10-31T23:59", "2026-10-01T00:00", "2026-11-01T00:00"),
        ("month", "Europe/Paris", "2024-02-29T00:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("year", "America/New_York", "2026-12-31T23:59", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("day", "America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T01:00", "2018-11-05T00:00"),  # no midnight
    ],
)
def test_a_period_is_the_one_on_the_wall(unit: Unit, zone: str, now: str, start: str, end: str) -> None:
    assert period(rule(unit, zone), subject_zone="", now_ms=at(now, zone)) == (at(start, zone), at(end, zone))


def test_a_week_begins_on_the_day_that_is_named() -> None:
    sunday = rule("week", "UTC", week_start=6)
    start, end = period(sunday, subject_zone="", now_ms=at("2026-11-24T12:00", "UTC"))
    assert (start, end) == (at("2026-11-22T00:00", "UTC"), at("2026-11-29T00:00", "UTC"))


def test_the_customers_own_zone_counts_and_without_one_the_fallback() -> None:
    own = CalendarRule(unit="day", zone="subject", fallback_zone="Asia/Tokyo")
    now = at("2026-11-24T23:30", "Europe/Paris")
    assert period(own, subject_zone="Europe/Paris", now_ms=now)[1] - now == HOUR // 2
    for unknown in ("", "Europe/Lutece", "../../etc/passwd"):
        assert period(own, subject_zone=unknown, now_ms=now)[0] == at("2026-11-25T00:00", "Asia/Tokyo")


SPELLINGS: tuple[Callable[[str], str], ...] = (
    *(str.lower, str.upper, str.title, str.swapcase, lambda name: f" {name}\n"),
    *(lambda name: name.replace("_", " "), lambda name: name.replace("/", "\\")),
)


KNOWN = frozenset(zoneinfo.available_timezones() - {"localtime"})
"""Without the machine's own, which is no zone of the IANA."""


@given(st.sampled_from(sorted(KNOWN)), st.lists(st.sampled_from(SPELLINGS), max_size=4))
def test_a_zone_is_known_however_it_is_spelled(name: str, spellings: list[Callable[[str], str]]) -> None:
    spelled = functools.reduce(lambda text, spell: spell(text), spellings, name)
    assert name_of(spelled) == name
    assert zone_named(spelled) is zoneinfo.ZoneInfo(name)


@given(st.text(max_size=30))
def test_what_is_no_zone_is_none(text: str) -> None:
    known = {name.casefold() for name in KNOWN}
    assert (name_of(text) != "") == (text.strip().replace(" ", "_").replace("\\", "/").casefold() in known)


@given(
    st.sampled_from(UNITS),
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.integers(at("2010-01-01T00:00", "UTC"), at("2030-01-01T00:00", "UTC")),
)
def test_periods_follow_each_other_without_a_gap(unit: Unit, zone: str, week_start: int, now_ms: int) -> None:
    one = rule(unit, zone, week_start=week_start)
    start, end = period(one, subject_zone="", now_ms=now_ms)
    assert start <= now_ms < end
    assert period(one, subject_zone="", now_ms=start) == (start, end)
    assert period(one, subject_zone="", now_ms=end - 1) == (start, end)
    assert period(one, subject_zone="", now_ms=end)[0] == end
    assert period(one, subject_zone="", now_ms=start - 1)[1] == start


@given(st.sampled_from(ZONES), st.integers(at("2010-01-01T00:00", "UTC"), at("2030-01-01T00:00", "UTC")))
def test_a_day_lies_within_one_date_unless_the_clocks_go_back_over_midnight(zone: str, now_ms: int) -> None:
    start, end = period(rule("day", zone), subject_zone="", now_ms=now_ms)
    dates = [dt.datetime.fromtimestamp(ms / 1000, zoneinfo.ZoneInfo(zone)).date() for ms in (start, end - 1, now_ms)]
    assert (dates[1] - dates[0]).days in (0, -1)
    assert 20 * HOUR <= end - start <= 26 * HOUR
