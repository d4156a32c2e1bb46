"""Time zones: what the clock on a wall shows, and when a calendar period begins and ends there."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Mapping
from importlib import resources
from typing import Final, Literal

import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Unit = Literal["day", "week", "month", "year"]


class CalendarRule(msgspec.Struct, frozen=True, kw_only=True):
    """Periods by the calendar on somebody's wall."""

    unit: Unit
    zone: str
    """An IANA time zone; "subject" is the customer's own."""
    fallback_zone: str
    """Where the customer's own is unknown."""
    week_start: int = 0
    """0 is Monday."""


@functools.lru_cache(maxsize=1024)
def zone_named(name: str) -> dt.tzinfo | None:
    """The time zone of that name, however it is spelled; `None` for none or one that does not exist."""
    spelled = name_of(name)
    return zoneinfo.ZoneInfo(spelled) if spelled else None


@functools.lru_cache(maxsize=1024)
def name_of(spelled: str) -> str:
    """A time zone's own name, "Europe/Paris" of " europe/paris "; "" for one that does not exist.

    Facts come from elsewhere, and how a system of somebody's spells a zone must change no verdict.
    """
    if not spelled:
        return ""
    try:
        return zoneinfo.ZoneInfo(spelled).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _names().get(_plain(spelled), "")


@functools.cache
def _names() -> Mapping[str, str]:
    # As tzdata lists them: to ask `zoneinfo` opens every file of a zone, 15 ms on the loop of a gateway.
    listed = resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return {_plain(name): name for name in listed.split()}


def _plain(name: str) -> str:
    return name.strip().replace(" ", "_").replace("\\", "/").casefold()


def zone_exists(name: str) -> bool:
    """Whether there is a time zone of that name."""
    return name_of(name) != ""


def zone_of(name: str, *, subject: str, fallback: str) -> dt.tzinfo | None:
    """The zone that a rule means: `name`, or where that is "subject" the customer's own, or `fallback` in its place."""
    return zone_named(name) if name != "subject" else zone_named(subject) or zone_named(fallback)


def instant_ms(date: dt.date, minute: int, zone: dt.tzinfo, *, fold: int = 0) -> int:
    """Milliseconds since the epoch when the clocks of `zone` show that minute; `fold` 1 is the second time they do."""
    wall = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)
    return round(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1000)


def period(rule: CalendarRule, *, subject_zone: str, now_ms: int) -> tuple[int, int]:
    """Beginning and end of the period around `now_ms`, in milliseconds since the epoch; the end is outside.

    Periods follow each other without a gap. A day begins with the first instant of its date: where the clocks are set
    at midnight, that is the instant at which they are set.
    """
    zone = zone_of(rule.zone, subject=subject_zone, fallback=rule.fallback_zone) or dt.UTC
    date = dt.datetime.fromtimestamp(now_ms / 1000, zone).date()
    while True:
        start_ms, end_ms, following = _around(rule.unit, rule.week_start, date, zone)
        if now_ms < end_ms:
            return start_ms, end_ms
        # Clocks that are set back over midnight show the date before once more; its period is over all the same.
        date = following


@functools.lru_cache(maxsize=4096)  # the same for all calls of a day: 3.5 us each
def _around(unit: Unit, week_start: int, date: dt.date, zone: dt.tzinfo) -> tuple[int, int, dt.date]:
    """Beginning and end of the period that a date is in, and the first date of the one that follows."""
    first = _first_date(date, unit, week_start=week_start)
    following = _next_date(first, unit)
    return instant_ms(first, 0, zone), instant_ms(following, 0, zone), following


def _first_date(date: dt.date, unit: Unit, *, week_start: int) -> dt.date:
    match unit:
        case "day":
            return date
        case "week":
            return date - dt.timedelta(days=(date.weekday() - week_start) % 7)
        case "month":
            return date.replace(day=1)
        case "year":
            return date.replace(month=1, day=1)


def _next_date(first: dt.date, unit: Unit) -> dt.date:
    match unit:
        case "day":
            return first + dt.timedelta(days=1)
        case "week":
            return first + dt.timedelta(days=7)
        case "month":
            return (first + dt.timedelta(days=32)).replace(day=1)
        case "year":
            return first.replace(year=first.year + 1)
