"""Objectives stand as the days of what served them come to, and gateways read it."""

import typing

import msgspec
import pytest

from gateway.adapters.progress import ObjectiveStore
from gateway.core.policy.objectives import Guarded, Kpi, Objective
from gateway.redis_clients import Client
from services.cockpit.days import DAY_MS
from services.cockpit.standing import FIGURES, Aims, Standings, days_of, standing_of
from services.cockpit.viewing import date_of
from tests.services.cockpit.kept import cell, keep

LAST = 20_700


def objective(**fields: typing.Any) -> Objective:
    """One that the days of `kept` serve."""
    given = {
        "name": "objective-one",
        "tenant": "acme",
        "kpi": "conversion_rate",
        "target": 0.1,
        "guardrails": [{"measure": "perceived_too_much", "most": 0.2}, {"measure": "opt_out_rate", "most": 0.01}],
        "budget": {"cents": 100_000, "cents_per_contact": 3},
        "period": {"first": date_of(LAST - 9), "last": date_of(LAST + 20)},
    }
    return msgspec.convert(given | fields, Objective)


async def test_what_served_it_in_its_period_so_far_is_kept_for_gateways(redis: Client) -> None:
    await keep(redis, last_day=LAST)
    others = objective(name="later", period={"first": "2190-01-01", "last": "2190-02-01"}), objective(tenant="globex")
    aims = Aims(objectives=(objective(), objective(name="unserved"), *others))
    await Standings(redis).keep("acme", aims, now_ms=(LAST + 1) * DAY_MS)
    known = await ObjectiveStore(redis).get("acme")
    assert set(known) == {"objective-one", "unserved"}
    found = known["objective-one"]
    assert (found.value, found.n, found.contacts, found.spent_cents) == (0.2, 800, 800, 2_400)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.2 < found.high
    much, left = found.guardrails
    assert (much.measure, much.value, much.n) == ("perceived_too_much", 0.125, 80)
    assert (left.value, left.n) == (0, 800)
    assert (known["unserved"].value, known["unserved"].contacts) == (None, 0)


@pytest.mark.parametrize("kpi", [*typing.get_args(Kpi), *typing.get_args(Guarded)])
def test_every_kpi_and_guardrail_of_a_policy_can_be_worked_out(kpi: str) -> None:
    cells = {day: cell() for day in range(LAST - 9, LAST + 1)}
    assert kpi in FIGURES
    if kpi in typing.get_args(Kpi):
        made = standing_of(objective(kpi=kpi), cells, first_day=LAST - 9, currency="EUR", now_ms=1)
        assert made.value is not None
        assert made.n > 0


def test_money_of_another_currency_than_the_report_s_is_not_said_to_be_spent() -> None:
    cells = {LAST: cell()}
    made = standing_of(objective(), cells, first_day=LAST, currency="USD", now_ms=1)
    assert (made.contacts, made.spent_cents) == (100, 0)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "pacific/auckland"])
def test_days_of_a_clock_far_from_utc_are_all_covered_however_it_is_spelled(zone: str) -> None:
    period = {"first": "2026-03-01", "last": "2026-03-02", "zone": zone}
    first, last = days_of(objective(period=period), now_ms=(LAST + 1000) * DAY_MS)
    assert (date_of(first), date_of(last)) == ("2026-02-28", "2026-03-02")
