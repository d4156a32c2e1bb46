"""ISO weeks, such as "2026-W47": Monday to Sunday, in UTC."""

import datetime as dt
import re
from typing import Final

import msgspec

from services.cockpit.days import DAY_MS, FOLLOW_DAYS
from services.cockpit.viewing import Span, day_of

_NAME: Final = re.compile(r"([0-9]{4})-W([0-9]{2})")
_DAYS: Final = 7


class Week(msgspec.Struct, frozen=True):
    """One week, by the number of its Monday since the epoch."""

    first: int

    @property
    def span(self) -> Span:
        """Its days."""
        return Span(first=self.first, last=self.first + _DAYS - 1)

    @property
    def name(self) -> str:
        """As it is written."""
        year, week, _ = (dt.date(1970, 1, 1) + dt.timedelta(days=self.first)).isocalendar()
        return f"{year:04}-W{week:02}"

    @property
    def start_ms(self) -> int:
        """Milliseconds since the epoch; likewise `end_ms`, the first one after it."""
        return self.first * DAY_MS

    @property
    def end_ms(self) -> int:
        """The first millisecond after it."""
        return (self.first + _DAYS) * DAY_MS

    def before(self, weeks: int = 1) -> "Week":
        """The one so many weeks before."""
        return Week(self.first - _DAYS * weeks)

    @property
    def settled(self) -> "Week":
        """The last one of which every outcome is known once it is over itself."""
        return self.before(FOLLOW_DAYS // _DAYS)


def week_named(name: str) -> Week:
    """The week of that name.

    Raises:
        ValueError: there is none.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError("no ISO week")
    first = day_of(dt.date.fromisocalendar(int(found[1]), int(found[2]), 1))
    if first < _DAYS * 60:
        raise ValueError("before there were any")
    return Week(first)


def last_over(now_ms: int) -> Week:
    """The last week that is over."""
    today = now_ms // DAY_MS
    return Week(today - (today + 3) % _DAYS - _DAYS)
