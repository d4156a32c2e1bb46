"""How objectives stand, out of days of KPIs: of all contacts that served each, over its period so far."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gateway.adapters.progress import ObjectiveStore
from gateway.core.objectives import bounds
from gateway.core.policy.objectives import Objective
from gateway.core.policy.reporting import Reporting
from gateway.core.progress import GuardrailLook, Progress
from gateway.redis_clients import Client
from services.cockpit.cells import Cell, Sums, summed
from services.cockpit.days import DAY_MS
from services.cockpit.store import KpiStore
from services.insights.kpis.figures import Figure
from services.insights.kpis.money import incremental, revenue
from services.insights.kpis.nps import nps
from services.insights.kpis.shares import share

MUCH: Final = "much_too_much"
A_BIT: Final = "a_bit_too_much"


class Aims(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of KPIs; its other sections are left out when it is read as this."""

    reporting: Reporting = Reporting()
    objectives: tuple[Objective, ...] = ()


class Standings:
    """Keeps how objectives stand for gateways and people to read."""

    def __init__(self, redis: Client) -> None:
        self._days = KpiStore(redis)
        self._standing = ObjectiveStore(redis)

    async def keep(self, tenant: str, aims: Aims, *, now_ms: int) -> None:
        """Work out a tenant's objectives of which the period has begun, and keep them instead of what was there.

        Raises:
            RedisError: the store does not answer.
        """
        found = {}
        for each in aims.objectives:
            first, last = days_of(each, now_ms=now_ms)
            if each.tenant == tenant and first <= last:
                cells = await self._days.cells(tenant, "objective", range(first, last + 1))
                its = {day: by_key[each.name] for day, by_key in cells.items() if each.name in by_key}
                found[each.name] = standing_of(
                    each, its, first_day=first, currency=aims.reporting.currency, now_ms=now_ms
                )
        await self._standing.put(tenant, found)


def standing_of(
    objective: Objective, cells: Mapping[int, Cell], *, first_day: int, currency: str, now_ms: int
) -> Progress:
    """How one stands by the cells of its own days.

    What was spent is told where its budget is in the currency of the report, and a contact has a price.
    """
    sums = summed(cells, start_day=first_day)
    figure = FIGURES[objective.kpi](sums)
    budget = objective.budget
    return Progress(
        at_ms=now_ms,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        n=figure.n,
        contacts=sums.contacts,
        spent_cents=sums.contacts * (budget.cents_per_contact or 0) if budget.currency == currency else 0,
        guardrails=tuple(_look(each.measure, sums) for each in objective.guardrails),
    )


def days_of(objective: Objective, *, now_ms: int) -> tuple[int, int]:
    """The first and the last day of its period so far, in UTC: days on its own clock begin and end within these."""
    since_ms, ends_ms = bounds(objective.period)
    first, last = since_ms // DAY_MS, (ends_ms - 1) // DAY_MS
    return first, min(last, now_ms // DAY_MS)


def _look(measure: str, sums: Sums) -> GuardrailLook:
    figure = FIGURES[measure](sums)
    return GuardrailLook(measure=measure, value=figure.value, low=figure.low, high=figure.high, n=figure.n)


def _done(deed: str) -> Callable[[Sums], Figure]:
    return lambda sums: share(sums.deeds.get(deed, 0), sums.contacted.n)


def _felt(*answers: str) -> Callable[[Sums], Figure]:
    return lambda sums: share(sum(sums.felt.get(each, 0) for each in answers), sum(sums.felt.values()))


FIGURES: Final[Mapping[str, Callable[[Sums], Figure]]] = {
    "activation_rate": _done("active"),
    "conversion_rate": _done("converted"),
    "open_rate": _done("opened"),
    "click_rate": _done("clicked"),
    "reply_rate": _done("replied"),
    "opt_out_rate": _done("opted_out"),
    "complaint_rate": _done("complained"),
    "bounce_rate": _done("bounced"),
    "nps": lambda sums: nps(sums.promoters, sums.detractors, sums.promoters + sums.passives + sums.detractors),
    "revenue_cents": lambda sums: revenue(sums.contacted),
    "incremental_revenue_cents": lambda sums: incremental(sums.treated, sums.held),
    "perceived_pressure": _felt(MUCH, A_BIT),
    "perceived_too_much": _felt(MUCH),
}
"""Of every KPI and guardrail that a policy may name; rates are shares of contacted customers."""
