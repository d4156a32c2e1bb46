"""What the sums of a rollout's step prove: of each guardrail, of each `success`, and of the assignment. Pure.

The candidate is compared with `against` among all people who came on this step, each by the arm that they were assigned
to, over the same time. What came on earlier steps does not count: those people are in this step too, and nobody may be
counted twice.

`alpha` is divided among the steps that compare, and for guardrails among them as well. So with a probability of at
least 1 - alpha no guardrail takes a candidate for harmful beyond its margin that is not, on any step, however often one
looks. And a candidate that is worse in some measure than its margin gets past any step with a probability of at most
alpha: for that a proof of this very measure must be wrong, since all must be there, so success measures share nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import LEAST_SAMPLE, SHARES, Guardrail, Measure, Rollout, Success
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.rollouts import Evidence, compares
from services.insights.comparing import Comparison, Effect, Interval, compare
from services.insights.estimating import Pair
from services.insights.mismatch import Crossing, Phase
from services.insights.ratios import MISMATCH_P, p_value
from services.insights.report import ArmCount
from services.insights.sums import Sums
from services.insights.verdicts import proven_not_worse, proven_worse

EARLIEST: Final = 50
"""People in each arm before a guardrail of a share is judged: a candidate that fails every call is not given 500."""

_FEW_CROSSING: Final = 25
"""So many people may be seen in both arms whatever share that is: a gateway is up to a second late with a step."""


class Proof(StrEnum):
    """What is known of one guardrail or `success`."""

    HARM = "HARM"
    NO_HARM = "NO_HARM"
    OPEN = "OPEN"
    TOO_FEW = "TOO_FEW"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One guardrail or `success`, and what is known of it."""

    measure: Measure
    decides: bool
    """Whether it is a `success`, which the rollout must have proven to go on."""
    margin: float
    relative: bool
    compared: Comparison
    bounds: Interval | None
    """Each by itself never wrong with a probability of 1 - `alpha`; of the difference, or of the lift if `relative`."""
    alpha: float
    proof: Proof
    needed: int
    """People in each arm before it is judged."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a rollout's step now."""

    lines: tuple[Line, ...]
    arms: Mapping[str, ArmCount]
    """Of the candidate and of the arm that it is compared with."""
    ratio_p: float
    """Always-valid p-value of the sample ratio."""
    crossing: Crossing
    evidence: Evidence


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of a rollout's step."""

    since_ms: int = 0
    """Since when it was counted: the step's beginning, or a later change of what the arms are."""
    arms: Mapping[str, ArmCount]
    """By the arm, until now."""
    earlier: Mapping[str, int] = {}
    """Calls by the arm that came long enough ago for every measure to have heard of them: see `earlier_span`."""
    weights: Mapping[int, Mapping[str, float]] = {}
    """By revision, the shares of the candidate and of the arm that it is compared with."""


def earlier_span(rollout: Rollout, *, since_ms: int, now_ms: int) -> tuple[int, int]:
    """From when until when calls are to be counted as `Counted.earlier`; empty where the step is too young.

    Calls that came just now prove no measure to be stuck. So those count that came in the first half of the time that a
    measure may be silent for.
    """
    silent_ms = duration_ms(rollout.stale_after)
    return max(since_ms, now_ms - silent_ms), now_ms - silent_ms // 2


def judge(rollout: Rollout, counted: Counted, *, now_ms: int) -> Judged:
    """What the counts prove."""
    arms = {name: counted.arms.get(name, ArmCount()) for name in (rollout.arm, rollout.against)}
    lines = tuple(_lines(rollout, arms)) if compares(rollout) else ()
    ratio_p = p_value([_phase(each, arms, weights) for each, weights in counted.weights.items()])
    crossing = Crossing(
        subjects=sum(each.subjects for each in arms.values()), several=max(each.several for each in arms.values())
    )
    crosses = crossing.alarms and crossing.several > _FEW_CROSSING
    since_ms = max(rollout.since_ms, counted.since_ms)
    evidence = Evidence(
        since_ms=since_ms,
        subjects=arms[rollout.arm].subjects,
        traffic=_traffic(rollout, arms[rollout.arm], since_ms=since_ms, now_ms=now_ms),
        harms=tuple(each.proof is Proof.HARM for each in lines if not each.decides),
        proven=tuple(each.proof is Proof.NO_HARM for each in lines if each.decides),
        stale=_stale(rollout, arms, counted.earlier, since_ms=since_ms, now_ms=now_ms),
        mismatch=compares(rollout) and (ratio_p < MISMATCH_P or crosses),
    )
    return Judged(lines=lines, arms=arms, ratio_p=ratio_p, crossing=crossing, evidence=evidence)


def _lines(rollout: Rollout, arms: Mapping[str, ArmCount]) -> list[Line]:
    steps = sum(step.share < BASIS_POINTS for step in rollout.steps)
    alpha = rollout.alpha / steps
    least = max(LEAST_SAMPLE, rollout.steps[rollout.step].min_sample)
    found = []
    for part in rollout.guardrails:
        needed = EARLIEST if part.measure in SHARES else LEAST_SAMPLE
        found.append(_line(part, rollout, arms, alpha=alpha / len(rollout.guardrails), needed=needed))
    return found + [_line(part, rollout, arms, alpha=alpha, needed=least) for part in rollout.success]


def _line(part: Guardrail, rollout: Rollout, arms: Mapping[str, ArmCount], *, alpha: float, needed: int) -> Line:
    candidate, against = (arms[name].sums.get(part.measure, Sums()) for name in (rollout.arm, rollout.against))
    compared = compare([Pair(candidate, against)], share=part.measure in SHARES, min_sample=needed)
    effect = compared.lift if part.relative else compared.difference
    return Line(
        measure=part.measure,
        decides=isinstance(part, Success),
        margin=part.margin,
        relative=part.relative,
        compared=compared,
        bounds=None if compared.too_few or effect is None else _bounds(effect, alpha),
        alpha=alpha,
        proof=_proof(compared, part, alpha=alpha),
        needed=needed,
    )


def _bounds(effect: Effect, alpha: float) -> Interval:
    return Interval(effect.at_least(alpha), effect.at_most(alpha))


def _proof(compared: Comparison, part: Guardrail, *, alpha: float) -> Proof:
    if compared.too_few:
        return Proof.TOO_FEW
    if proven_worse(compared, part.measure, alpha=alpha, margin=part.margin, relative=part.relative):
        return Proof.HARM
    if proven_not_worse(compared, part.measure, alpha=alpha, margin=part.margin, relative=part.relative):
        return Proof.NO_HARM
    return Proof.OPEN


def _phase(revision: int, arms: Mapping[str, ArmCount], weights: Mapping[str, float]) -> Phase:
    """Who came in under one revision, each held to that revision's own shares."""
    subjects = {name: arm.first.get(revision, 0) for name, arm in arms.items()}
    return Phase(name=str(revision), weights=weights, subjects=subjects)


def _traffic(rollout: Rollout, candidate: ArmCount, *, since_ms: int, now_ms: int) -> bool:
    return max(candidate.last_call_ms, since_ms) >= now_ms - duration_ms(rollout.stale_after)


def _stale(
    rollout: Rollout, arms: Mapping[str, ArmCount], earlier: Mapping[str, int], *, since_ms: int, now_ms: int
) -> tuple[Measure, ...]:
    """The measures of which nothing was heard, of one arm or the other, though it had calls that should have told."""
    oldest_ms = now_ms - duration_ms(rollout.stale_after)
    if since_ms >= oldest_ms:
        return ()
    watched = [name for name in arms if earlier.get(name) and (name == rollout.arm or compares(rollout))]
    measures = dict.fromkeys(part.measure for part in (*rollout.guardrails, *rollout.success))
    return tuple(
        measure for measure in measures if any(arms[name].heard_ms.get(measure, 0) < oldest_ms for name in watched)
    )
