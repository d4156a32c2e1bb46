"""When a person may be reached: open hours by the clock on their wall, and the earliest time after now.

Open hours are what the clock on the wall shows, so they move with daylight saving time: an hour that the clocks skip is
not there, one that they repeat is there twice.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.call import Call, Facts
from gateway.core.policy.vocabulary import Message
from gateway.core.zones import instant_ms, zone_of

LOOK_AHEAD_DAYS: Final = 400
"""How far the earliest time is looked for; hours that do not open within it never do."""


class OpenHours(msgspec.Struct, frozen=True):
    """A part of some weekdays. Minutes are counted from midnight on the wall, 0 to 1440."""

    days: frozenset[int]
    """0 is Monday."""
    start_minute: int
    end_minute: int


class QuietRule(msgspec.Struct, frozen=True, kw_only=True):
    """When contacts on some channels are open; at all other times it is quiet."""

    name: str
    zone: str
    """An IANA time zone; "subject" is the customer's own."""
    fallback_zone: str
    """Where the customer's own is unknown; empty: then it is always quiet."""
    open: tuple[OpenHours, ...]
    closed: frozenset[dt.date] = frozenset()
    """Public holidays: quiet all day."""
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    mode: str = "enforce"
    message: Message | None = None
    citation: str = ""
    max_defer_ms: int = 0
    """How long a call is kept at most instead of being refused; 0 where it is always refused."""


def covers(rule: QuietRule, call: Call) -> bool:
    """Whether the rule is about this contact."""
    by_channel = not rule.channels or call.channel in rule.channels
    return by_channel and (not rule.categories or call.category in rule.categories)


def wait_ms(rule: QuietRule, facts: Facts, *, now_ms: int) -> int:
    """Milliseconds until the customer may be reached: 0 for now, -1 for never, or where nobody knows where they are."""
    zone = zone_of(rule.zone, subject=facts.time_zone, fallback=rule.fallback_zone)
    if zone is None:
        return -1
    return _until_open(rule.open, rule.closed, zone=zone, now_ms=now_ms)


def _until_open(open_hours: Sequence[OpenHours], closed: frozenset[dt.date], *, zone: dt.tzinfo, now_ms: int) -> int:
    if _is_open(open_hours, closed, zone=zone, at_ms=now_ms):
        return 0
    today = dt.datetime.fromtimestamp(now_ms / 1000, zone).date()
    for ahead in range(LOOK_AHEAD_DAYS):
        date = today + dt.timedelta(days=ahead)
        # It opens at the beginning of a part, or when the clocks are set into the middle of one.
        instants = [instant_ms(date, hours.start_minute, zone, fold=fold) for hours in open_hours for fold in (0, 1)]
        instants += _clock_changes(date, zone)
        opening = [at for at in instants if at > now_ms and _is_open(open_hours, closed, zone=zone, at_ms=at)]
        if opening:
            return min(opening) - now_ms
    return -1


def _is_open(open_hours: Sequence[OpenHours], closed: frozenset[dt.date], *, zone: dt.tzinfo, at_ms: int) -> bool:
    wall = dt.datetime.fromtimestamp(at_ms / 1000, zone)
    minute, day = wall.hour * 60 + wall.minute, wall.weekday()
    return wall.date() not in closed and any(
        day in hours.days and hours.start_minute <= minute < hours.end_minute for hours in open_hours
    )


def _clock_changes(date: dt.date, zone: dt.tzinfo) -> list[int]:
    """When the clocks are set on that date, at most once."""
    before, after = instant_ms(date, 0, zone), instant_ms(date, 1440, zone)
    offset = dt.datetime.fromtimestamp(before / 1000, zone).utcoffset()
    if dt.datetime.fromtimestamp(after / 1000, zone).utcoffset() == offset:
        return []
    while after - before > 1000:
        middle = (before + after) // 2000 * 1000
        same = dt.datetime.fromtimestamp(middle / 1000, zone).utcoffset() == offset
        before, after = (middle, after) if same else (before, middle)
    return [after]
