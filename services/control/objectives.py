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
from services.cockpit.alerting import WatchStore, about_of
from services.cockpit.watched import Watch, Watched
from services.control.policy import ActivePolicy
from services.control.times import at
from services.control.undone import storing
from services.findings.finding import id_for
from services.findings.objectives import AT_RISK
from services.insights.pace.standing import Range


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


class RangeShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number with the interval around it, in the measure's own unit."""

    value: float
    low: float
    high: float


class WatchedShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One number of an objective, by intervals that hold however often one looks at them."""

    part: str
    """"target", "guardrail" or "budget"."""
    measure: str
    """A KPI or guardrail of the policy; of a budget "contacts" or "cents"."""
    stands: str
    """What is proven by now: WELL, AT_RISK, or OPEN: neither."""
    limit: float
    """The target, the most that there may be, or the budget."""
    now: RangeShown | None
    """So far, of the days that count; `null`, here and in the next one: too little is known to say."""
    end: RangeShown | None
    """What it comes to by the end of the period at this pace; of a rate that still grows, at most."""
    sample_size: int
    days: int
    """From the beginning of the period on, that count: where more is better those whose outcomes are all in."""
    level: float
    """Of the intervals, at all looks together."""
    run_out_time: dt.datetime | None = None
    """Of a budget at risk: when it is used up at this pace."""
    risk_time: dt.datetime | None = None
    """Since when it is at risk; `null`: it is not. It stays so until it is proven that all is well again."""
    finding: str = ""
    """Of what is at risk: `findings/{tenant}/{finding}`."""


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
    watched: tuple[WatchedShown, ...] = ()
    """What is watched for alerts while the period goes on."""
    at_risk: bool = False
    """Any of it is."""


class ObjectiveBook:
    """What is stated for tenants."""

    def __init__(self, redis: Client, policy: ActivePolicy) -> None:
        self._redis = redis
        self._policy = policy

    async def of(self, tenants: Sequence[str], *, now_ms: int) -> tuple[ObjectiveShown, ...]:
        """Those of these tenants, by name.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        revision = self._policy.revision
        return () if revision is None else await stated(revision.document, self._redis, tenants, now_ms=now_ms)


async def stated(
    document: Document, redis: Client, tenants: Sequence[str], *, now_ms: int
) -> tuple[ObjectiveShown, ...]:
    """What a policy states for these tenants, by name, how it stands, and what of it is at risk.

    Raises:
        Undone: STORE_UNAVAILABLE.
    """
    found = [each for each in document.objectives if each.tenant in tenants]
    whose, store, watching = sorted({each.tenant for each in found}), ObjectiveStore(redis), WatchStore(redis)
    with storing():
        known = {tenant: await store.get(tenant) for tenant in whose}
        watches = {tenant: await watching.get(tenant) for tenant in whose}
    return tuple(
        _watched(
            _shown(each, known[each.tenant].get(each.name), document=document, now_ms=now_ms),
            watches[each.tenant].get(each.name),
            objective=each.name,
        )
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


def _watched(shown: ObjectiveShown, watch: Watch | None, *, objective: str) -> ObjectiveShown:
    """It with what is watched of it, while its period goes on."""
    if watch is None or shown.state != "RUNNING":
        return shown
    watched = tuple(_number(each, shown.tenant, objective) for each in watch.watched)
    return msgspec.structs.replace(shown, watched=watched, at_risk=bool(watch.at_risk))


def _number(watched: Watched, tenant: str, objective: str) -> WatchedShown:
    finding = id_for(tenant, AT_RISK, about_of(objective, watched))
    return WatchedShown(
        part=watched.part,
        measure=watched.measure,
        stands=watched.stands.value,
        limit=watched.limit,
        now=_range(watched.now),
        end=_range(watched.end),
        sample_size=watched.n,
        days=watched.days,
        level=watched.level,
        run_out_time=at(watched.runs_out_ms) if watched.runs_out_ms else None,
        risk_time=at(watched.since_ms) if watched.since_ms else None,
        finding=f"findings/{tenant}/{finding}" if watched.since_ms else "",
    )


def _range(each: Range | None) -> RangeShown | None:
    return None if each is None else RangeShown(value=each.value, low=each.low, high=each.high)


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
