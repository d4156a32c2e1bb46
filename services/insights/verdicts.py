"""What a comparison proves of the treatment: better, worse, not worse by more than a margin, or nothing yet."""

from enum import StrEnum

from gateway.core.policy.learning import HARMFUL, Measure
from services.insights.comparing import Comparison, Effect, Interval


class Verdict(StrEnum):
    """What is proven; one of them at a time."""

    BETTER = "BETTER"
    WORSE = "WORSE"
    """Worse by more than the margin."""
    NOT_WORSE = "NOT_WORSE"
    """Not worse by more than the margin. Without a margin that would be BETTER."""
    INCONCLUSIVE = "INCONCLUSIVE"
    TOO_FEW = "TOO_FEW"
    """There are fewer subjects than must be there before anything is said."""


def judge(
    comparison: Comparison, measure: Measure, *, alpha: float, margin: float = 0.0, relative: bool = False
) -> Verdict:
    """What the two-sided sequence proves, so that it agrees with the interval that people see.

    `margin` is in the measure's own unit, or with `relative` a share of the control's; not negative. With probability
    1 - `alpha` no wrong verdict is ever given, at any look.
    """
    if comparison.too_few:
        return Verdict.TOO_FEW
    effect = _effect(comparison, relative=relative)
    if effect is None:
        return Verdict.INCONCLUSIVE
    good = _benefit(effect.interval(alpha), measure)
    if good.low > 0:
        return Verdict.BETTER
    if good.high < -margin:
        return Verdict.WORSE
    return Verdict.NOT_WORSE if good.low > -margin else Verdict.INCONCLUSIVE


def proven_worse(
    comparison: Comparison, measure: Measure, *, alpha: float, margin: float = 0.0, relative: bool = False
) -> bool:
    """Whether the one-sided sequence proves a harm of more than `margin`. Too few subjects prove nothing."""
    effect = None if comparison.too_few else _effect(comparison, relative=relative)
    if effect is None:
        return False
    return effect.at_least(alpha) > margin if measure in HARMFUL else effect.at_most(alpha) < -margin


def proven_not_worse(
    comparison: Comparison, measure: Measure, *, alpha: float, margin: float = 0.0, relative: bool = False
) -> bool:
    """Whether the one-sided sequence proves that there is no harm of more than `margin`: non-inferiority.

    Absence of a proven harm is no proof: with few subjects this is False, and `proven_worse` too.
    """
    effect = None if comparison.too_few else _effect(comparison, relative=relative)
    if effect is None:
        return False
    return effect.at_most(alpha) < margin if measure in HARMFUL else effect.at_least(alpha) > -margin


def _effect(comparison: Comparison, *, relative: bool) -> Effect | None:
    return comparison.lift if relative else comparison.difference


def _benefit(interval: Interval, measure: Measure) -> Interval:
    """The interval, turned so that more is better."""
    return Interval(-interval.high, -interval.low) if measure in HARMFUL else interval
