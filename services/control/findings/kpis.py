"""What copilots are judged by, as people and programs see it: what was worked out, over the days they ask for."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import msgspec

from gateway.core.errors import Reason
from gateway.redis_clients import Client
from services.cockpit import viewing
from services.cockpit.measures import BY_NAME
from services.cockpit.store import KpiStore
from services.cockpit.viewing import MOST_DAYS, Number, Part, Span, View, date_of, day_of
from services.control.times import at, known
from services.control.undone import Undone, storing


class RevisionShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How days that were over have changed since they were told first."""

    time: dt.datetime
    """When last."""
    by: int
    """Customers or answers more; of money cents."""


class NumberShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A KPI with its interval. `value`, `low` and `high` are null where there are too few to say it."""

    value: float | None
    """As `unit` says. Cents are whole numbers."""
    low: float | None
    high: float | None
    """Null beside a value: nothing is known of that side."""
    level: float
    """How often such an interval has the truth in it: 0.95."""
    n: int
    """Customers, answers or contacts that it rests on."""
    sufficient: bool
    unit: str
    """"share" of 1, "points" of the NPS, "money" in cents, "contacts" of a customer in a week, "index" 0 to 1."""
    filter: str
    """The decisions that it is of, for `/v1/decisions`. By segment those of all: whose they are is personal."""
    revised: RevisionShown | None


class PartShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The KPIs of everything, or of one agent, channel and so on."""

    key: str
    """Empty for everything."""
    first_day: str
    last_day: str
    contacts: int
    refusals: int
    """Refused contacts, a customer once a day, that were not made after all."""
    incomparable: int
    """Those of them that nothing was made like: not in `blocked_revenue_cents` and `protected_value_cents`."""
    numbers: Mapping[str, NumberShown]


class ApartShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Amounts that are in no number: their currency has no rate."""

    currency: str
    outcomes: int
    cents: int


class KpisShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the copilot of one tenant is judged by. It holds no personal data."""

    name: str
    """`kpis/{tenant}`."""
    tenant: str
    by: str
    first_day: str
    """In UTC, such as "2026-11-01"; both included."""
    last_day: str
    currency: str
    """Of all money."""
    rates: Mapping[str, str]
    """What one unit of another currency is worth in it, as the policy said it when the newest day was worked out."""
    apart: tuple[ApartShown, ...]
    worked_out_time: dt.datetime | None
    """Null: nothing was worked out of these days."""
    open_days: int
    """Days of which more may still come, so that numbers will change."""
    left_out_days: int
    """Days whose amounts were worked out in another currency: they are in no number."""
    whole: PartShown
    parts: tuple[PartShown, ...]
    """By `by`; those with most contacts first."""
    course: tuple[PartShown, ...]
    """Everything over time, by day or ISO week."""


class KpiBook:
    """What is known of tenants."""

    def __init__(self, redis: Client, *, clock_ms: Callable[[], int]) -> None:
        self._store = KpiStore(redis)
        self._clock_ms = clock_ms

    async def of(self, tenants: Sequence[str], span: Span, *, by: str) -> tuple[View, ...]:
        """Those of these tenants that something was worked out for in that time, by name.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            found = [await viewing.view(self._store, tenant, span, by=by) for tenant in sorted(tenants)]
        return tuple(each for each in found if each.worked_out_ms)

    def span(self, first: str, last: str) -> Span:
        """The days from the first to the last, as "2026-11-01"; without them the usual ones.

        Raises:
            Undone: ARGUMENT_INVALID where one is no day, or they are backwards or too many.
        """
        usual = viewing.usual(self._clock_ms())
        until = _day(last, "to") if last else usual.last
        since = _day(first, "from") if first else until - viewing.USUAL_DAYS + 1
        if since > until:
            raise Undone(Reason.ARGUMENT_INVALID, "days-backwards", first=date_of(since), last=date_of(until))
        if until - since >= MOST_DAYS:
            raise Undone(Reason.ARGUMENT_INVALID, "days-too-many", most=MOST_DAYS)
        return Span(first=since, last=until)


def shown(view: View) -> KpisShown:
    """It, as it is told."""
    return KpisShown(
        name=f"kpis/{view.tenant}",
        tenant=view.tenant,
        by=view.by,
        first_day=date_of(view.span.first),
        last_day=date_of(view.span.last),
        currency=view.currency,
        rates=view.rates,
        apart=tuple(
            ApartShown(currency=currency, outcomes=n, cents=cents)
            for currency, (n, cents) in sorted(view.apart.items())
        ),
        worked_out_time=known(view.worked_out_ms),
        open_days=view.open_days,
        left_out_days=view.left_out,
        whole=_part(view.whole),
        parts=tuple(_part(each) for each in view.parts),
        course=tuple(_part(each) for each in view.course),
    )


def _part(part: Part) -> PartShown:
    return PartShown(
        key=part.key,
        first_day=date_of(part.span.first),
        last_day=date_of(part.span.last),
        contacts=part.contacts,
        refusals=part.refusals,
        incomparable=part.incomparable,
        numbers={name: _number(name, each) for name, each in part.numbers.items()},
    )


def _number(name: str, number: Number) -> NumberShown:
    figure, revised = number.figure, number.revised
    return NumberShown(
        value=figure.value,
        low=figure.low,
        high=figure.high,
        level=figure.level,
        n=figure.n,
        sufficient=figure.sufficient,
        unit=BY_NAME[name].unit,
        filter=number.filter,
        revised=None if revised is None else RevisionShown(time=at(revised.at_ms), by=revised.by),
    )


def _day(text: str, field: str) -> int:
    try:
        date = dt.date.fromisoformat(text) if len(text) == len("2026-11-01") else None
    except ValueError:
        date = None
    if date is None or not 0 <= (found := day_of(date)) <= MOST_DAY:
        raise Undone(Reason.ARGUMENT_INVALID, "day-unreadable", field=field)
    return found


MOST_DAY = 2_900_000
"""In the year 9909: a day before what dates can say."""
