"""Which objective a call serves: the narrowest of those that are about it while their period lasts. Pure.

Objectives are sorted when a revision is compiled, so that the first that fits is the one.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.call import Agent, Call, Facts
from gateway.core.campaigns import spelt
from gateway.core.contract import MethodContract
from gateway.core.limits import Bucket
from gateway.core.objective_scopes import narrowest_first
from gateway.core.policy.objectives import LESS_IS_BETTER, Objective, Period
from gateway.core.zones import instant_ms, zone_named


class ObjectiveRule(msgspec.Struct, frozen=True, kw_only=True):
    """One objective, resolved. Empty sets: whichever there are."""

    name: str
    tenant: str
    agents: frozenset[str]
    campaign: str
    """In its one spelling."""
    segment: str
    channels: frozenset[str]
    categories: frozenset[str]
    since_ms: int
    ends_ms: int
    """The first millisecond that is not within the period any more."""
    kpi: str
    target: float
    most: Mapping[str, float] = {}
    """By measure of a guardrail."""
    buckets: tuple[Bucket, ...] = ()
    """What a contact takes of its budget."""

    def fits(self, agent: Agent, call: Call, facts: Facts, *, now_ms: int) -> bool:
        """Whether a call is one that it is about, of a customer of whom that is known."""
        return (
            self.tenant == agent.tenant
            and (not self.campaign or self.campaign == call.campaign)
            and (not self.agents or agent.name in self.agents)
            and (not self.channels or call.channel in self.channels)
            and (not self.categories or call.category in self.categories)
            and (not self.segment or self.segment in facts.segments)
            and self.since_ms <= now_ms < self.ends_ms
        )

    def elapsed(self, now_ms: int) -> float:
        """The share of its period that is over, 0 to 1."""
        return min(1.0, max(0.0, (now_ms - self.since_ms) / (self.ends_ms - self.since_ms)))

    @property
    def less_is_better(self) -> bool:
        """Whether the target is the most that there may be."""
        return self.kpi in LESS_IS_BETTER


def served(
    rules: Sequence[ObjectiveRule], *, agent: Agent, call: Call, facts: Facts, now_ms: int
) -> ObjectiveRule | None:
    """The objective that a call serves, of rules in their order; `None` where it serves none."""
    return next((rule for rule in rules if rule.fits(agent, call, facts, now_ms=now_ms)), None)


def bounds(period: Period) -> tuple[int, int]:
    """When a period begins and ends, in milliseconds since the epoch; the end is outside.

    Raises:
        ValueError: it names a day or a zone that does not exist.
    """
    zone = zone_named(period.zone)
    if zone is None:
        raise ValueError("There is no such time zone.")
    first, last = dt.date.fromisoformat(period.first), dt.date.fromisoformat(period.last)
    return instant_ms(first, 0, zone), instant_ms(last + dt.timedelta(days=1), 0, zone)


def objective_rules(objectives: Sequence[Objective]) -> tuple[ObjectiveRule, ...]:
    """All objectives of a policy, each before those that it is narrower than, else in the document's order."""
    return tuple(map(objective_rule, narrowest_first(objectives)))


def of_method(rules: Sequence[ObjectiveRule], contract: MethodContract) -> tuple[ObjectiveRule, ...]:
    """The objectives that calls of a method may serve at all, by what its contract can say of a call."""
    says = {name for name in ("campaign", "channel", "category") if name in contract.says}
    return tuple(
        rule
        for rule in rules
        if (not rule.campaign or "campaign" in says)
        and (not rule.channels or "channel" in says)
        and (not rule.categories or "category" in says)
        and (not rule.segment or "subject" in contract.says)
    )


def objective_rule(objective: Objective) -> ObjectiveRule:
    """One objective, resolved.

    Raises:
        ValueError: like `bounds`.
    """
    since_ms, ends_ms = bounds(objective.period)
    return ObjectiveRule(
        name=objective.name,
        tenant=objective.tenant,
        agents=frozenset(objective.agents),
        campaign="" if objective.campaign is None else spelt(objective.campaign),
        segment=objective.segment or "",
        channels=frozenset(objective.channels),
        categories=frozenset(objective.categories),
        since_ms=since_ms,
        ends_ms=ends_ms,
        kpi=objective.kpi,
        target=objective.target,
        most={guardrail.measure: guardrail.most for guardrail in objective.guardrails},
        buckets=_buckets(objective, since_ms=since_ms, ends_ms=ends_ms),
    )


def contacts_name(objective: str) -> str:
    """What refusals and records call its budget of contacts."""
    return f"{objective}.contacts"


def cents_name(objective: str) -> str:
    """What they call its budget of money."""
    return f"{objective}.cents"


def _buckets(objective: Objective, *, since_ms: int, ends_ms: int) -> tuple[Bucket, ...]:
    """Buckets of the whole period; of the kind that gives back what was not sent when the call is settled."""
    budget, asked = objective.budget, list[tuple[str, int, int]]()
    if budget.contacts is not None:
        asked.append((contacts_name(objective.name), budget.contacts, 1))
    if budget.cents is not None and budget.cents_per_contact is not None:
        asked.append((cents_name(objective.name), budget.cents, budget.cents_per_contact))
    return tuple(
        Bucket(
            limit=limit,
            kind="budget",
            by="",
            capacity=capacity,
            period_ms=ends_ms - since_ms,
            since_ms=since_ms,
            ends_ms=ends_ms,
            cost=cost,
        )
        for limit, capacity, cost in asked
    )
