"""The weeks that are looked at for fatigue, channel by channel: what both the findings and the numbers are made of.

A week is looked at eight days after it has ended: seven in which customers may react to its last contacts, and one for
reports of that to come in.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from services.insights.pressure.deciles import Cost
from services.workbench.columns.source import Source
from services.workbench.looks.pressure_contacts import (
    FOLLOW_MS,
    WEEK_MS,
    Contacts,
    Sending,
    contacts_of,
    sendings,
    week_of,
)
from services.workbench.looks.pressure_weeks import Weeks, fatigue, weeks_of
from services.workbench.looks.spans import DAY_MS, Span

WEEKS: Final = 4
BEFORE: Final = 4
"""Weeks before the first of them: what was sent then, and what is usual for a person."""
REPORTED_MS: Final = FOLLOW_MS + DAY_MS
"""After the end of a week, until when reports count. What comes later never changes what was seen."""
ALPHA: Final = 0.05
"""Of weeks without fatigue, in any channel of any tenant: at most this share has any finding."""


class Tired(msgspec.Struct, frozen=True, eq=False):
    """One channel of a tenant."""

    sending: Sending
    span: Span
    """Of all these weeks, those before included."""
    contacts: Contacts
    weeks: Weeks
    costs: tuple[Cost, ...]
    """What contacts cost in each outcome."""
    series: int
    """Channels of all tenants, which share the false alarms."""


def span_at(now_ms: int) -> Span:
    """The weeks that can be looked at then."""
    end_ms = week_of(now_ms - REPORTED_MS)
    return Span(end_ms - (BEFORE + WEEKS) * WEEK_MS, end_ms)


def tired(columns: Source, *, now_ms: int) -> Iterator[Tired]:
    """Every channel of every tenant, one after the other: of a large log one takes much memory."""
    span = span_at(now_ms)
    known = sendings(columns, start_ms=span.start_ms, end_ms=span.end_ms)
    for each in known:
        contacts = contacts_of(
            columns, each, start_ms=span.start_ms, end_ms=span.end_ms, reported_ms=span.end_ms + REPORTED_MS
        )
        weeks = weeks_of(contacts, start_ms=span.start_ms, weeks=BEFORE + WEEKS, looks=WEEKS)
        yield Tired(each, span, contacts, weeks, fatigue(weeks, alpha=ALPHA / len(known)), len(known))
