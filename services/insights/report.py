"""All that is known of one experiment: its variations, each measure of each, and whether the assignment was right."""

import itertools
from collections.abc import Mapping, Sequence

import msgspec

from gateway.core.policy.learning import SHARES, Experiment, Measure
from services.insights.comparing import Comparison, Interval, compare
from services.insights.estimating import Pair
from services.insights.mismatch import Crossing, Mismatch, Phase, mismatch
from services.insights.sums import Sums
from services.insights.verdicts import Verdict, judge

Weights = Mapping[str, float]
"""Of each variation; none where the experiment exposed nobody."""


class ArmCount(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of one variation."""

    subjects: int = 0
    """Seen in this variation only."""
    calls: int = 0
    several: int = 0
    """Subjects seen in this variation and in others; they are in no sums."""
    calls_without_subject: int = 0
    first: Mapping[int, int] = {}
    """Subjects by the revision of their first call."""
    sums: Mapping[str, Sums] = {}
    """By measure."""
    currency: str = ""
    last_call_ms: int = 0
    """When the last call was received, milliseconds since the epoch."""
    heard_ms: Mapping[str, int] = {}
    """By measure, when anything was last heard that feeds it; measures that were never heard of are not there."""

    def __add__(self, other: "ArmCount") -> "ArmCount":
        """Both together: of two tenants, who share no subject."""
        return ArmCount(
            subjects=self.subjects + other.subjects,
            calls=self.calls + other.calls,
            several=self.several + other.several,
            calls_without_subject=self.calls_without_subject + other.calls_without_subject,
            first={
                each: self.first.get(each, 0) + other.first.get(each, 0)
                for each in sorted(self.first.keys() | other.first.keys())
            },
            sums={
                each: self.sums.get(each, Sums()) + other.sums.get(each, Sums())
                for each in self.sums.keys() | other.sums.keys()
            },
            currency=self.currency or other.currency,
            last_call_ms=max(self.last_call_ms, other.last_call_ms),
            heard_ms={
                each: max(self.heard_ms.get(each, 0), other.heard_ms.get(each, 0))
                for each in self.heard_ms.keys() | other.heard_ms.keys()
            },
        )


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one variation, beside the first variation."""

    variation: str
    measure: Measure
    compared: Comparison
    verdict: Verdict
    difference: Interval | None
    lift: Interval | None
    p_value: float | None
    """Always valid, for this line alone: to be held against `Report.line_alpha`."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an experiment now."""

    experiment: Experiment
    arms: Mapping[str, ArmCount]
    """In the order of the policy."""
    lines: tuple[Line, ...]
    line_alpha: float
    """Probability of error of one line: the experiment's alpha divided among all lines (Bonferroni), so that with
    probability 1 - alpha nothing that is ever shown of the experiment is wrong."""
    mismatch: Mismatch
    crossing: Crossing
    unknown: int
    """Subjects who came in under revisions whose weights are not known any more; no sample ratio is tested of them."""

    @property
    def comparable(self) -> bool:
        """Whether the assignment gives no reason to distrust every line."""
        return not (self.mismatch.alarms or self.crossing.alarms)


def report(experiment: Experiment, counts: Mapping[str, ArmCount], *, weights: Mapping[int, Weights]) -> Report:
    """Compare every variation with the first one in every measure.

    `weights` are those that each revision gave the variations. The sums are taken as of one phase: give only what was
    counted under one allocation.
    """
    arms = {arm.name: counts.get(arm.name, ArmCount()) for arm in experiment.arms}
    control, *treatments = arms
    line_alpha = experiment.alpha / max(1, len(treatments) * len(experiment.measures))
    return Report(
        experiment=experiment,
        arms=arms,
        lines=tuple(
            _line(experiment, measure, arms=arms, pair=(variation, control), alpha=line_alpha)
            for measure in experiment.measures
            for variation in treatments
        ),
        line_alpha=line_alpha,
        mismatch=mismatch(_phases(arms, weights)),
        crossing=Crossing(
            subjects=sum(each.subjects for each in arms.values()),
            # Everybody is counted in each of their variations, so in two of them at least.
            several=-(-sum(each.several for each in arms.values()) // 2),
        ),
        unknown=sum(
            count for each in arms.values() for revision, count in each.first.items() if revision not in weights
        ),
    )


def _line(
    experiment: Experiment, measure: Measure, *, arms: Mapping[str, ArmCount], pair: tuple[str, str], alpha: float
) -> Line:
    treatment, control = (arms[name].sums.get(measure, Sums()) for name in pair)
    compared = compare([Pair(treatment, control)], share=measure in SHARES, min_sample=experiment.min_sample)
    told = None if compared.too_few else compared.difference
    return Line(
        variation=pair[0],
        measure=measure,
        compared=compared,
        verdict=judge(compared, measure, alpha=alpha),
        difference=told.interval(alpha) if told else None,
        lift=compared.lift.interval(alpha) if told and compared.lift else None,
        p_value=told.p_value(alpha) if told else None,
    )


def _phases(arms: Mapping[str, ArmCount], weights: Mapping[int, Weights]) -> Sequence[Phase]:
    """Revisions that follow each other with the same weights are one phase."""
    revisions = sorted({each for arm in arms.values() for each in arm.first} & weights.keys())
    found = []
    for given, own in itertools.groupby(revisions, key=lambda revision: weights[revision]):
        numbers = list(own)
        subjects = {name: sum(arm.first.get(each, 0) for each in numbers) for name, arm in arms.items()}
        name = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
        found.append(Phase(name=name, weights=given, subjects=subjects))
    return found
