"""An experiment as people see it: its variations, and each measure with its interval. Pure."""

import datetime as dt

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Experiment
from services.control.times import at
from services.insights.comparing import Interval
from services.insights.report import Line, Report


class VariationShown(msgspec.Struct, frozen=True, kw_only=True):
    """One variation, as the policy has it."""

    name: str
    weight: float
    """Of 1."""
    arm: str


class ExperimentShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One experiment, as the policy has it."""

    name: str
    hypothesis: str
    state: str
    route: str
    layer: str
    unit: str
    coverage: float
    """Of 1."""
    variations: tuple[VariationShown, ...]
    """The others are compared with the first."""
    measures: tuple[str, ...]
    min_sample: int
    alpha: float


class CountShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of a variation."""

    variation: str
    subjects: int
    calls: int
    several: int
    """People seen in other variations too; they count for none."""


class MeasureShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One measure of one variation, beside the first variation. Numbers are `null` where nothing is known."""

    variation: str
    measure: str
    value: float | None
    control: float | None
    difference: float | None
    low: float | None
    """The interval of the difference, which holds at every look."""
    high: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    p_value: float | None
    verdict: str
    """"BETTER", "WORSE", "NOT_WORSE", "INCONCLUSIVE" or "TOO_FEW"."""


class LookShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was known of all calls up to some time."""

    end_time: dt.datetime
    counts: tuple[CountShown, ...]
    measures: tuple[MeasureShown, ...]
    comparable: bool
    """Whether the assignment gives no reason to distrust all of it."""


class ExperimentStanding(ExperimentShown, frozen=True, kw_only=True, rename="camel"):
    """One experiment, and what is known of it."""

    start_time: dt.datetime | None
    """Since when the calls count: the last change of who gets what; `null`: from the beginning."""
    line_alpha: float
    """What a `pValue` is held against: alpha, divided among all lines."""
    now: LookShown
    looks: tuple[LookShown, ...] = ()
    """Earlier ones, the oldest first, where they were asked for."""


def shown(experiment: Experiment) -> ExperimentShown:
    """An experiment of a policy."""
    return ExperimentShown(
        name=experiment.name,
        hypothesis=experiment.hypothesis,
        state=experiment.state,
        route=experiment.route or "",
        layer=experiment.layer or "",
        unit=experiment.unit,
        coverage=experiment.coverage / BASIS_POINTS,
        variations=tuple(
            VariationShown(name=each.name, weight=each.weight / BASIS_POINTS, arm=each.arm or "")
            for each in experiment.arms
        ),
        measures=experiment.measures,
        min_sample=experiment.min_sample,
        alpha=experiment.alpha,
    )


def look_of(report: Report, *, end_ms: int) -> LookShown:
    """What is known by a report of the calls up to that time."""
    return LookShown(
        end_time=at(end_ms),
        counts=tuple(
            CountShown(variation=name, subjects=arm.subjects, calls=arm.calls, several=arm.several)
            for name, arm in report.arms.items()
        ),
        measures=tuple(_measure(line) for line in report.lines),
        comparable=report.comparable,
    )


def _measure(line: Line) -> MeasureShown:
    compared = line.compared
    none = Interval(float("nan"), float("nan"))  # JSON has no such numbers: they become null
    difference, lift = line.difference or none, line.lift or none
    return MeasureShown(
        variation=line.variation,
        measure=line.measure,
        value=compared.treatment,
        control=compared.control,
        difference=compared.difference.value if compared.difference else None,
        low=difference.low,
        high=difference.high,
        lift=compared.lift.value if compared.lift else None,
        lift_low=lift.low,
        lift_high=lift.high,
        p_value=line.p_value,
        verdict=line.verdict.value,
    )
