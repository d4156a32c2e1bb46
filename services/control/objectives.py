"""What agents are to achieve, as people and programs see it: what the active policy states, and how it stands."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from gateway.adapters.progress import ObjectiveStore
from gateway.core.objectives import ObjectiveRule, objective_rule
from gateway.core.policy.document import Document
from gateway.core.policy.objectives import Objective, ObjectiveBudget
from gateway.core.progress import Progress, breached, reached
from gateway.redis_clients import Client
from services.control.policy import ActivePolicy
from services.control.times import at
from services.control.undone import storing


class GuardrailShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A harm that the objective must not be reached by. Shares of 0 to 1."""

    measure: str
    most: float
    value: float | None = None
    """`null`, here and in the next two: too little is known to say."""
    low: float | None = None
    high: float | None = None
    sample_size: int = 0
    breached: bool = False
    """It is proven to be broken: `low` lies above `most`."""


class ObjectiveShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One objective. It holds no personal data."""

    name: str
    """`objectives/{objective}`."""
    title: dict[str, str] = {}
    """By language, "en" and "fr"; empty where it has none."""
    tenant: str
    agents: tuple[str, ...]
    """Whose calls serve it: the agents that it names, or all of the tenant's."""
    campaign: str
    """In its one spelling; empty: calls of all campaigns. Likewise `segment`."""
    segment: str
    channels: tuple[str, ...]
    categories: tuple[str, ...]
    kpi: str
    target: float
    less_is_better: bool
    budget: ObjectiveBudget
    start_time: dt.datetime
    end_time: dt.datetime
    """The first instant after its period."""
    state: str
    """UPCOMING, RUNNING or OVER."""
    elapsed: float
    """Share of its period that is over, 0 to 1."""
    guardrails: tuple[GuardrailShown, ...]
    compute_time: dt.datetime | None = None
    """When its progress was worked out; `null`: nobody has yet."""
    value: float | None = None
    """What the KPI has come to; `null`, here and in the next two: too little is known to say."""
    low: float | None = None
    high: float | None = None
    sample_size: int = 0
    share_of_target: float | None = None
    late: bool = False
    contacts: int = 0
    spent_cents: int = 0


class ObjectiveBook:
    """What is stated for tenants."""

    def __init__(self, redis: Client, policy: ActivePolicy) -> None:
        self._store = ObjectiveStore(redis)
        self._policy = policy

    async def of(self, tenants: Sequence[str], *, now_ms: int) -> tuple[ObjectiveShown, ...]:
        """Those of these tenants, by name.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        revision = self._policy.revision
        return () if revision is None else await stated(revision.document, self._store, tenants, now_ms=now_ms)


async def stated(
    document: Document, store: ObjectiveStore, tenants: Sequence[str], *, now_ms: int
) -> tuple[ObjectiveShown, ...]:
    """What a policy states for these tenants, by name, and how it stands.

    Raises:
        Undone: STORE_UNAVAILABLE.
    """
    found = [each for each in document.objectives if each.tenant in tenants]
    with storing():
        known = {tenant: await store.get(tenant) for tenant in sorted({each.tenant for each in found})}
    return tuple(
        _shown(each, known[each.tenant].get(each.name), document=document, now_ms=now_ms)
        for each in sorted(found, key=lambda each: each.name)
    )


def _shown(objective: Objective, progress: Progress | None, *, document: Document, now_ms: int) -> ObjectiveShown:
    rule = objective_rule(objective)
    own = tuple(agent.name for agent in document.agents if agent.tenant == objective.tenant)
    stands = None if progress is None else reached(rule, progress, now_ms=now_ms)
    state = "UPCOMING" if now_ms < rule.since_ms else "RUNNING" if now_ms < rule.ends_ms else "OVER"
    shown = ObjectiveShown(
        name=f"objectives/{objective.name}",
        title={} if objective.title is None else {"en": objective.title.en, "fr": objective.title.fr},
        tenant=objective.tenant,
        agents=objective.agents or own,
        campaign=rule.campaign,
        segment=rule.segment,
        channels=objective.channels,
        categories=objective.categories,
        kpi=objective.kpi,
        target=objective.target,
        less_is_better=rule.less_is_better,
        budget=objective.budget,
        start_time=at(rule.since_ms),
        end_time=at(rule.ends_ms),
        state=state,
        elapsed=rule.elapsed(now_ms),
        guardrails=_guardrails(rule, progress),
    )
    if progress is None:
        return shown
    return msgspec.structs.replace(
        shown,
        compute_time=at(progress.at_ms),
        value=progress.value,
        low=progress.low,
        high=progress.high,
        sample_size=progress.n,
        share_of_target=None if stands is None else stands[0],
        late=stands is not None and stands[1],
        contacts=progress.contacts,
        spent_cents=progress.spent_cents,
    )


def _guardrails(rule: ObjectiveRule, progress: Progress | None) -> tuple[GuardrailShown, ...]:
    looks = {} if progress is None else {look.measure: look for look in progress.guardrails}
    broken = () if progress is None else breached(progress, rule.most)
    found = []
    for measure, most in rule.most.items():
        shown = GuardrailShown(measure=measure, most=most, breached=measure in broken)
        if (look := looks.get(measure)) is not None:
            shown = msgspec.structs.replace(shown, value=look.value, low=look.low, high=look.high, sample_size=look.n)
        found.append(shown)
    return tuple(found)
