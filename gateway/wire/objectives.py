"""Objectives as protobuf."""

from typing import Final

from gateway.core.objectives import ObjectiveRule, bounds, objective_rule
from gateway.core.policy.objectives import Objective, ObjectiveBudget
from gateway.core.progress import Progress, breached, reached
from gateway.rpc.times import timestamp
from pilote.objective.v1 import objective_service_pb2 as pb

COLLECTION: Final = "objectives/"


def objective_message(objective: Objective, progress: Progress | None, *, now_ms: int, language: str) -> pb.Objective:
    """The objective as its contract has it, and how it stands at `now_ms`."""
    rule = objective_rule(objective)
    since_ms, ends_ms = bounds(objective.period)
    state = pb.OBJECTIVE_STATE_RUNNING
    if now_ms < since_ms:
        state = pb.OBJECTIVE_STATE_UPCOMING
    elif now_ms >= ends_ms:
        state = pb.OBJECTIVE_STATE_OVER
    return pb.Objective(
        name=f"{COLLECTION}{objective.name}",
        title="" if objective.title is None else getattr(objective.title, language),
        tenant=objective.tenant,
        agents=objective.agents,
        campaign=rule.campaign,
        segment=rule.segment,
        channels=objective.channels,
        categories=objective.categories,
        kpi=objective.kpi,
        target=objective.target,
        less_is_better=rule.less_is_better,
        guardrails=_guardrails(objective, progress),
        budget=_budget(objective.budget),
        start_time=timestamp(since_ms),
        end_time=timestamp(ends_ms),
        state=state,
        elapsed=rule.elapsed(now_ms),
        progress=None if progress is None else _progress(rule, progress, now_ms=now_ms),
    )


def _budget(budget: ObjectiveBudget) -> pb.ObjectiveBudget:
    return pb.ObjectiveBudget(
        contacts=budget.contacts,
        cents=budget.cents,
        currency=budget.currency,
        cents_per_contact=budget.cents_per_contact,
    )


def _guardrails(objective: Objective, progress: Progress | None) -> list[pb.ObjectiveGuardrail]:
    looks = {} if progress is None else {look.measure: look for look in progress.guardrails}
    most: dict[str, float] = {guardrail.measure: guardrail.most for guardrail in objective.guardrails}
    broken = () if progress is None else breached(progress, most)
    found = []
    for measure, bound in most.items():
        look = looks.get(measure)
        told = pb.ObjectiveGuardrail(measure=measure, most=bound, breached=measure in broken)
        if look is not None:
            shown = {name: getattr(look, name) for name in ("value", "low", "high")}
            told.MergeFrom(pb.ObjectiveGuardrail(sample_size=look.n, **shown))
        found.append(told)
    return found


def _progress(rule: ObjectiveRule, progress: Progress, *, now_ms: int) -> pb.ObjectiveProgress:
    share, late = reached(rule, progress, now_ms=now_ms) or (0.0, False)
    return pb.ObjectiveProgress(
        compute_time=timestamp(progress.at_ms),
        value=progress.value,
        low=progress.low,
        high=progress.high,
        sample_size=progress.n,
        share_of_target=share,
        late=late,
        contacts=progress.contacts,
        spent_cents=progress.spent_cents,
    )
