"""From the days of a time to numbers: each KPI of everything, and of each agent, channel and so on. Pure."""

from collections.abc import Mapping

import msgspec

from gateway.core.outcomes import PRESSURE_ANSWERS
from services.cockpit.cells import Sums
from services.insights.kpis.figures import Figure
from services.insights.kpis.money import incremental, per_customer, revenue
from services.insights.kpis.nps import nps
from services.insights.kpis.refused import Made, Refused, refused
from services.insights.kpis.shares import LEAST_PEOPLE, share
from services.insights.pressure.intervals import Estimate
from services.insights.pressure.spread import spread


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The KPIs of one cell."""

    contacts: int
    """That were carried out."""
    refusals: int
    """Contacts that were refused."""
    incomparable: int
    """Those of them that nothing was made like, so that nothing is said of what they would have brought."""
    figures: Mapping[str, Figure]
    """By the names of `services.cockpit.measures`."""


def told(sums: Sums, *, everything: Sums) -> Told:
    """The KPIs of a cell; `everything` has what was made in the same time, by which refusals are valued."""
    people, felt = sums.contacted.n, dict(sums.felt)
    answers = sum(felt.values())
    lost = _refused(sums.refused, everything.made, everything)
    pressed = spread(sums.tally)
    scores = sums.promoters + sums.passives + sums.detractors
    figures = {
        "activation_rate": share(sums.deeds["active"], people),
        "conversion_rate": share(sums.deeds["converted"], people),
        "revenue_cents": revenue(sums.contacted),
        "revenue_per_customer_cents": per_customer(sums.contacted),
        "incremental_revenue_cents": incremental(sums.treated, sums.held),
        "nps": nps(sums.promoters, sums.detractors, scores),
        **{f"pressure_{answer}": share(felt.get(answer, 0), answers) for answer in PRESSURE_ANSWERS},
        "departure_rate": share(sums.deeds["gone"], people),
        "blocked_revenue_cents": lost.blocked,
        "protected_value_cents": lost.protected,
        "pressure_p50": _figure(pressed.p50, pressed.people),
        "pressure_p95": _figure(pressed.p95, pressed.people),
        "pressure_gini": _figure(pressed.gini, pressed.people),
        "never_contacted_rate": share(_never(sums), pressed.people)
        if pressed.people >= LEAST_PEOPLE
        else Figure(n=pressed.people),
    }
    return Told(contacts=sums.contacts, refusals=lost.contacts, incomparable=lost.incomparable, figures=figures)


def _refused(counts: Mapping[str, int], made: Mapping[str, Made], everything: Sums) -> Refused:
    return refused(counts, made, worth=everything.contacted)


def _never(sums: Sums) -> int:
    return sum(people for count, people in zip(sums.tally.contacts, sums.tally.people, strict=True) if count == 0)


def _figure(estimate: Estimate | None, n: int) -> Figure:
    if estimate is None:
        return Figure(n=n)
    high = estimate.high if estimate.high < float("inf") else None
    return Figure(value=estimate.value, low=estimate.low, high=high, n=n, level=estimate.level)
