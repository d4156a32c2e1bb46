"""Days that are kept become numbers of any time, each with its interval and the decisions that it is of."""

import pytest

from gateway.core import keys
from gateway.redis_clients import Client
from services.audit.filters.filter import parse
from services.cockpit.dimensions import DIMENSIONS
from services.cockpit.measures import MEASURES
from services.cockpit.store import KpiStore
from services.cockpit.viewing import Span, date_of, usual, view
from services.cockpit.wording import interval_of, money, revised, said
from tests.services.cockpit.kept import keep

LAST = 20_700
MONTH = Span(first=LAST - 27, last=LAST)


async def test_a_month_is_told_with_intervals_and_says_what_is_too_little(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    found = await view(store, "acme", MONTH, by="channel")
    whole = found.whole
    assert (whole.contacts, whole.refusals, whole.incomparable) == (2800, 28 * 5, 28)
    assert list(whole.numbers) == [each.name for each in MEASURES]
    for name, number in whole.numbers.items():
        figure = number.figure
        assert figure.sufficient, name
        assert figure.low is not None
        assert figure.value is not None
        assert figure.low <= figure.value
        assert figure.high is None or figure.value <= figure.high
    assert whole.numbers["activation_rate"].figure.value == 0.5
    assert whole.numbers["nps"].figure.value == pytest.approx(30)
    assert whole.numbers["revenue_cents"].figure.value == 28 * 20 * 2_000
    assert whole.numbers["incremental_revenue_cents"].figure.value == 2800 * (400 - 375)
    one, few = found.parts
    assert (one.key, one.contacts, few.key) == ("channel-one", 28 * 80, "channel-few")
    assert not few.numbers["activation_rate"].figure.sufficient
    assert (found.apart, found.rates, found.open_days) == ({"XTS": (28, 28 * 500)}, {"USD": "0.92"}, 28)


async def test_over_time_it_is_told_by_week_and_few_days_by_day(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    weeks = (await view(store, "acme", MONTH)).course
    assert sum(each.contacts for each in weeks) == 2800
    assert [len(each.span.days) for each in weeks][1:-1] == [7, 7, 7]
    assert all((each.span.first + 3) % 7 == 0 for each in weeks[1:])
    days = (await view(store, "acme", Span(first=LAST - 6, last=LAST))).course
    assert [each.contacts for each in days] == [100] * 7


async def test_what_was_revised_says_when_and_by_how_much(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    found = (await view(store, "acme", MONTH)).whole.numbers["revenue_cents"]
    assert found.revised is not None
    assert (found.revised.at_ms, found.revised.by) == ((LAST + 1) * 86_400_000, 20_000)
    assert revised("revenue_cents", found, day="x", currency="EUR", language="en") == "revised on x: +200.00\xa0EUR"
    before = (await view(store, "acme", Span(first=LAST - 20, last=LAST - 1))).whole.numbers["revenue_cents"]
    assert before.revised is None


async def test_every_number_opens_its_decisions(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    for by in DIMENSIONS:
        found = await view(store, "acme", MONTH, by=by)
        for part in (found.whole, *found.parts, *found.course):
            for number in part.numbers.values():
                parse(number.filter)
                assert number.filter.startswith('tenant = "acme"')
                assert date_of(part.span.first) in number.filter
        assert any(by in number.filter for number in found.parts[0].numbers.values()) or by == "segment"


async def test_days_in_another_currency_are_left_out_and_said(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    days = await store.days("acme")
    import msgspec

    old = msgspec.structs.replace(days[LAST - 5], currency="USD")
    await store.keep("acme", LAST - 5, old, {"all": (await store.cells("acme", "all", [LAST - 5]))[LAST - 5]})
    found = await view(store, "acme", MONTH)
    assert (found.left_out, found.whole.contacts, found.currency) == (1, 2700, "EUR")


async def test_what_another_version_has_kept_or_nobody_is_nothing(redis: Client) -> None:
    found = await view(KpiStore(redis), "acme", MONTH)
    assert (found.worked_out_ms, found.whole.contacts, found.parts) == (0, 0, ())
    store = await keep(redis, last_day=LAST, days=2)
    await redis.hset(keys.kpis("acme", "all"), str(LAST), b"\xff")
    assert (await view(store, "acme", MONTH)).whole.contacts == 100
    await store.forget("acme", ("all", *DIMENSIONS), before_day=LAST)
    assert list(await store.days("acme")) == [LAST]
    assert await store.cells("acme", "channel", [LAST - 1]) == {}


def test_the_usual_time_is_four_weeks_up_to_yesterday() -> None:
    assert usual(LAST * 86_400_000 + 5) == Span(first=LAST - 28, last=LAST - 1)
    assert Span(first=0, last=0).filter == (
        'receive_time >= "1970-01-01T00:00:00Z" AND receive_time < "1970-01-02T00:00:00Z"'
    )


async def test_numbers_are_said_in_both_languages(redis: Client) -> None:
    store = await keep(redis, last_day=LAST)
    found = await view(store, "acme", MONTH)
    revenue = found.whole.numbers["revenue_cents"]
    assert said("revenue_cents", revenue, currency="EUR", language="en") == "11,200.00\xa0EUR"
    assert said("revenue_cents", revenue, currency="EUR", language="fr") == "11\u202f200,00\xa0EUR"
    few = found.parts[1].numbers["nps"] if not found.parts[1].numbers["nps"].figure.sufficient else None
    rate = found.parts[1].numbers["activation_rate"]
    assert said("activation_rate", rate, currency="EUR", language="fr") == "insuffisant (n = 0)"
    assert interval_of("activation_rate", rate, currency="EUR", language="fr") == ""
    assert few is None or few.figure.n < 30
    assert money(-5, currency="EUR", language="en") == "\u22120.05\xa0EUR"
