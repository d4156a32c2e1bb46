"""A time of one tenant in numbers: of everything, part by part along one dimension, and over time."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from services.cockpit.cells import LOOKBACK_DAYS, Cell, Sums, summed
from services.cockpit.days import DAY_MS, OPEN_DAYS, Day, Revised, revised_by
from services.cockpit.dimensions import ALL, filter_of, quoted
from services.cockpit.measures import MEASURES
from services.cockpit.store import Cells, KpiStore
from services.cockpit.telling import told
from services.insights.kpis.figures import Figure

USUAL_DAYS: Final = 28
MOST_DAYS: Final = LOOKBACK_DAYS
DAYS_BY_DAY: Final = 14
"""Up to so many days are shown day by day, more of them by ISO week."""
_EPOCH: Final = dt.date(1970, 1, 1)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Days in UTC as numbers since the epoch, both included; at most `MOST_DAYS`."""

    first: int
    last: int

    @property
    def days(self) -> range:
        """Each of them."""
        return range(self.first, self.last + 1)

    @property
    def filter(self) -> str:
        """Decisions about calls that were received in it."""
        start, end = date_of(self.first), date_of(self.last + 1)
        return f'receive_time >= "{start}T00:00:00Z" AND receive_time < "{end}T00:00:00Z"'


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI: see `Figure`, and besides which decisions it is of and how it was revised."""

    figure: Figure
    filter: str
    revised: Revised | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The KPIs of one cell."""

    key: str
    """Empty for everything."""
    span: Span
    contacts: int
    refusals: int
    incomparable: int
    numbers: Mapping[str, Number]
    """By the names of `services.cockpit.measures`, in that order."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a tenant."""

    tenant: str
    span: Span
    by: str
    whole: Part
    parts: tuple[Part, ...]
    """Those with most contacts and refusals first."""
    course: tuple[Part, ...]
    """Everything, by day or ISO week."""
    currency: str
    rates: Mapping[str, str]
    apart: Mapping[str, tuple[int, int]]
    """Amounts in currencies without a rate, which are in no number: how many, and their sum in cents of it."""
    worked_out_ms: int
    """When the newest of its days was; 0 where nothing was."""
    open_days: int
    """Days of which more may still come of their contacts."""
    left_out: int
    """Days whose amounts were worked out in another currency than the newest: they are in no number."""


async def view(store: KpiStore, tenant: str, span: Span, *, by: str = "agent") -> View:
    """A time of a tenant, and along the dimension `by`.

    Raises:
        RedisError: the store does not answer.
    """
    known = await store.days(tenant)
    days = {day: known[day] for day in span.days if day in known}
    newest = days[max(days)] if days else Day(worked_out_ms=0)
    same = {day: each for day, each in days.items() if each.currency == newest.currency}
    cells, its = await store.cells(tenant, ALL, same), await store.cells(tenant, by, same)
    sums = _sums(cells, "", span)
    apart: dict[str, tuple[int, int]] = {}
    for each in same.values():
        for currency, (n, cents) in each.apart.items():
            had = apart.get(currency, (0, 0))
            apart[currency] = (had[0] + n, had[1] + cents)
    about = f"tenant = {quoted(tenant)}"
    return View(
        tenant=tenant,
        span=span,
        by=by,
        whole=_part("", span, sums, sums, where=about, days=same),
        parts=tuple(_parts(its, span, by=by, everything=sums, where=about)),
        course=tuple(
            _part("", each, some, some, where=about, days={day: same[day] for day in each.days if day in same})
            for each, some in ((each, _sums(cells, "", each)) for each in _steps(span))
        ),
        currency=newest.currency,
        rates=newest.rates,
        apart=apart,
        worked_out_ms=max((each.worked_out_ms for each in days.values()), default=0),
        open_days=sum(day + OPEN_DAYS > newest.worked_out_ms // DAY_MS for day in days),
        left_out=len(days) - len(same),
    )


def usual(now_ms: int) -> Span:
    """The days that are shown where nobody says which: 28, up to yesterday."""
    today = now_ms // DAY_MS
    return Span(first=today - USUAL_DAYS, last=today - 1)


def day_of(date: dt.date) -> int:
    """The number of a day since the epoch."""
    return (date - _EPOCH).days


def date_of(day: int) -> str:
    """A day as machines read it, such as "2026-11-30"."""
    return (_EPOCH + dt.timedelta(days=day)).isoformat()


def _steps(span: Span) -> Iterator[Span]:
    """Its days, or its ISO weeks: the first and the last one may be parts of one."""
    if len(span.days) <= DAYS_BY_DAY:
        yield from (Span(first=day, last=day) for day in span.days)
        return
    first = span.first
    while first <= span.last:
        last = min(span.last, first + 6 - (first + 3) % 7)
        yield Span(first=first, last=last)
        first = last + 1


def _sums(cells: Mapping[int, Cells], key: str, span: Span) -> Sums:
    its: dict[int, Cell] = {}
    for day in span.days:
        cell = cells.get(day, {}).get(key)
        if cell is not None:
            its[day] = cell
    return summed(its, start_day=span.first)


def _parts(cells: Mapping[int, Cells], span: Span, *, by: str, everything: Sums, where: str) -> Sequence[Part]:
    keys = sorted({key for each in cells.values() for key in each})
    made = []
    for key in keys:
        of = filter_of(by, key)
        about = f"{where} AND {of}" if of else where
        made.append(_part(key, span, _sums(cells, key, span), everything, where=about, days={}))
    return sorted(made, key=lambda each: (-each.contacts, -each.refusals, each.key))


def _part(key: str, span: Span, sums: Sums, everything: Sums, *, where: str, days: Mapping[int, Day]) -> Part:
    its = told(sums, everything=everything)
    return Part(
        key=key,
        span=span,
        contacts=its.contacts,
        refusals=its.refusals,
        incomparable=its.incomparable,
        numbers={
            each.name: Number(
                figure=its.figures[each.name],
                filter=f"{where} AND {each.filter} AND {span.filter}",
                revised=revised_by(days, each.head) if each.head else None,
            )
            for each in MEASURES
        },
    )
