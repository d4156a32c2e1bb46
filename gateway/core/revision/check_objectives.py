"""Cross-checks of objectives: is each about what is there, within reach, and is it clear which one a call serves?"""

import datetime as dt
import itertools
from collections import Counter
from typing import Final

from gateway.core.campaigns import spelt
from gateway.core.mistakes import one_of, told
from gateway.core.objective_scopes import scope_of
from gateway.core.objectives import bounds, cents_name, contacts_name
from gateway.core.policy.document import Document
from gateway.core.policy.objectives import MONEY, Objective
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.zones import zone_exists

MOST: Final = 500
"""Objectives of a policy: each is compared with each."""
LONGEST_DAYS: Final = 1_830
"""Days of a period: what is counted of its budget is kept for twice as long."""


def check_objectives(document: Document, mistakes: Mistakes) -> None:
    """Report objectives that name what is not there or that nobody can reach, and pairs that calls waver between."""
    if len(document.objectives) > MOST:
        mistakes.add(("objectives",), "objectives-too-many", count=len(document.objectives), most=MOST)
        return
    sound = [
        _objective(objective, ("objectives", index), document, mistakes)
        for index, objective in enumerate(document.objectives)
    ]
    _names(document, mistakes)
    placed = [(index, part) for index, part in enumerate(document.objectives) if sound[index]]
    scopes = {index: scope_of(part) for index, part in placed}
    for (first, one), (second, two) in itertools.combinations(placed, 2):
        if not scopes[first].overlaps(scopes[second]):
            continue
        if not (scopes[first].narrower(scopes[second]) or scopes[second].narrower(scopes[first])):
            mistakes.add(("objectives", second), "objectives-waver", one=one.name, two=two.name)


def _objective(objective: Objective, path: Path, document: Document, mistakes: Mistakes) -> bool:
    """Report what is wrong with one; whether its period is one, so that it can be compared."""
    tenants = sorted({agent.tenant for agent in document.agents})
    if objective.tenant not in tenants and not mistakes.under("agents"):
        hint = one_of(tenants, told("add-to", section="agents"))
        mistakes.add((*path, "tenant"), "undefined", name=objective.tenant, hint=hint)
    own = [agent.name for agent in document.agents if agent.tenant == objective.tenant]
    for place, name in enumerate(objective.agents):
        if name not in own and not mistakes.under("agents"):
            hint = one_of(own, told("add-to", section="agents"))
            mistakes.add((*path, "agents", place), "objective-agent", name=name, tenant=objective.tenant, hint=hint)
    if objective.campaign is not None and not spelt(objective.campaign):
        mistakes.add((*path, "campaign"), "objective-campaign", name=objective.campaign)
    _reachable(objective, path, mistakes)
    return _period(objective, (*path, "period"), mistakes)


def _reachable(objective: Objective, path: Path, mistakes: Mistakes) -> None:
    target, kpi, budget = objective.target, objective.kpi, objective.budget
    least, most = (-100.0, 100.0) if kpi == "nps" else (0.0, None if kpi in MONEY else 1.0)
    if target < least or (most is not None and target > most):
        code = "objective-target-between" if most is not None else "objective-target-above"
        mistakes.add((*path, "target"), code, kpi=kpi, target=f"{target:g}", least=f"{least:g}", most=f"{most or 0:g}")
    for measure, count in Counter(guardrail.measure for guardrail in objective.guardrails).items():
        if count > 1:
            mistakes.add((*path, "guardrails"), "objective-guardrail-twice", name=objective.name, measure=measure)
    if budget.cents_per_contact is not None and budget.cents is None:
        mistakes.add((*path, "budget", "cents_per_contact"), "objective-costs-nothing", name=objective.name)


def _period(objective: Objective, path: Path, mistakes: Mistakes) -> bool:
    period = objective.period
    if not zone_exists(period.zone):
        mistakes.add((*path, "zone"), "zone-unknown", zone=period.zone)
        return False
    none = [name for name in ("first", "last") if not _is_day(getattr(period, name))]
    for name in none:
        mistakes.add((*path, name), "objective-day", day=getattr(period, name))
    if none:
        return False
    if period.last < period.first:
        mistakes.add((*path, "last"), "objective-period-reversed", first=period.first, last=period.last)
        return False
    since_ms, ends_ms = bounds(period)
    if ends_ms - since_ms > LONGEST_DAYS * 86_400_000:
        mistakes.add(path, "objective-period-long", name=objective.name, most=LONGEST_DAYS)
    return True


def _is_day(text: str) -> bool:
    """Whether it is a day of the calendar, with another one before and after it."""
    try:
        return dt.date.min < dt.date.fromisoformat(text) < dt.date(9999, 1, 1)
    except ValueError:
        return False


def _names(document: Document, mistakes: Mistakes) -> None:
    """Refusals name a budget like a limit, without saying what kind of thing it is."""
    taken = {part.name for section in ("limits", "caps", "sequences") for part in getattr(document, section)}
    for index, objective in enumerate(document.objectives):
        for name in (contacts_name(objective.name), cents_name(objective.name)):
            if name in taken:
                mistakes.add(("objectives", index, "name"), "objective-budget-name", name=objective.name, taken=name)
