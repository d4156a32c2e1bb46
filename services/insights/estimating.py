"""Means of two arms, from their sums: ratios by the delta method, a covariate (CUPED), phases, and rare events."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from services.insights.sums import Sums

_ENOUGH_EVENTS: Final = 25
"""Events in an arm with which half of the caution about rare ones is gone. Chosen by simulation: see
`Mean.caution_up`."""


class Pair(msgspec.Struct, frozen=True):
    """What two arms did in one phase, a time with one allocation and no change of the arms."""

    treatment: Sums
    control: Sums


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """What is estimated of one arm."""

    value: float
    variance: float
    """Of the estimate: the squared standard error."""
    caution_up: float = 0.0
    """By how much the variance may be larger, for each unit that the truth lies above `value`; infinite where nothing
    is known of it.

    Rare events need it. Of 1,000 subjects who should show 10 events, some arms show 4, and then their own variance is
    too small by as much as the mean: it makes the truth look impossible. Since the variance of rare events goes with
    their mean, at a distance x from the estimate it is taken as variance + caution * x, which is the idea of Wilson's
    interval for a share. That fades out as events become many (by 25 / (25 + events)), and with it everything is as
    published. In 10,000 simulated A/A runs of a canary of 1 %, 28 looks, rates of 1 % and 0.1 % and at least 1,000
    subjects, 4 % and 36 % raised a false alarm without it, 0.7 % and none with it."""
    caution_down: float = 0.0
    """The same below `value`, where it is rare that the event does not happen."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What is estimated of two arms, and how much the covariate has helped."""

    treatment: Mean
    control: Mean
    subjects: float
    """How many subjects, split evenly, would tell as much: 4 n1 n2 / (n1 + n2), summed over phases."""
    variance_reduction: float = 0.0
    """Share of the difference's variance that the covariate has taken away."""


def estimate(phases: Sequence[Pair], *, share: bool) -> Means | None:
    """The means of both arms over all phases; None where no phase has two subjects and some denominator in both arms.

    Each phase is estimated for itself, so that a trend in time is not taken for an effect when the allocation changes
    with it, and both arms get the same weights for them: the inverse of the variance of their difference, with each
    arm's unit variance pooled over the phases, so that weights do not follow the phases' own chance. `share` says that
    the numerator counts events among the denominator.
    """
    usable = [each for each in phases if all(arm.n > 1 and arm.d > 0 for arm in (each.treatment, each.control))]
    if not usable:
        return None
    thetas = [_theta(each) for each in usable]
    weights = _weights(usable, thetas)
    treatment, control = (
        _mean(usable, thetas, weights=weights, treated=treated, share=share) for treated in (True, False)
    )
    return Means(
        treatment=treatment,
        control=control,
        subjects=sum(4 * _harmonic(each) for each in usable),
        variance_reduction=_reduction(usable, weights, adjusted=treatment.variance + control.variance)
        if any(thetas)
        else 0.0,
    )


def _reduction(phases: Sequence[Pair], weights: Sequence[float], *, adjusted: float) -> float:
    """The share of the difference's variance that is gone, compared with no covariate."""
    plain = sum(
        weight**2 * _variance(arm, theta=0.0) / arm.n
        for each, weight in zip(phases, weights, strict=True)
        for arm in (each.treatment, each.control)
    )
    return 1 - adjusted / plain if plain > 0 else 0.0


def _theta(pair: Pair) -> float:
    """The slope of the measure over the covariate, of both arms taken together; 0 without a covariate.

    Deng, Xu, Kohavi, Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment
    data", 2013.
    """
    both = pair.treatment + pair.control
    spread = both.xx - both.x * both.x / both.n
    # What is left of a constant covariate is rounding: a slope over that would be noise.
    if spread <= 1e-12 * both.xx:
        return 0.0
    return (both.yx - both.y / both.d * both.dx) / (both.d / both.n) / spread


def _variance(arm: Sums, *, theta: float) -> float:
    """Variance of one subject's (y - R d) / mean(d) - theta (x - mean(x)), where R is the arm's own ratio.

    With d = 1 and theta = 0 it is the usual variance. For a ratio of sums it is the delta method (Deng, Knoblich, Lu,
    "Applying the delta method in metric analytics", 2018).
    """
    ratio, mean_d = arm.y / arm.d, arm.d / arm.n
    own = (arm.yy - 2 * ratio * arm.yd + ratio * ratio * arm.dd) / mean_d**2
    cross = (arm.yx - ratio * arm.dx) / mean_d
    spread = arm.xx - arm.x * arm.x / arm.n
    return max(0.0, (own - 2 * theta * cross + theta * theta * spread) / (arm.n - 1))


def _weights(phases: Sequence[Pair], thetas: Sequence[float]) -> list[float]:
    """The phases' shares in both arms' means; they add up to 1."""
    if len(phases) == 1:
        return [1.0]
    variances = [
        sum((arm.n - 1) * _variance(arm, theta=theta) for arm, theta in zip(arms, thetas, strict=True))
        / sum(arm.n - 1 for arm in arms)
        for arms in zip(*((each.treatment, each.control) for each in phases), strict=True)
    ]
    if not any(variances):
        variances = [1.0, 1.0]
    told = [1 / (variances[0] / each.treatment.n + variances[1] / each.control.n) for each in phases]
    return [each / sum(told) for each in told]


def _mean(
    phases: Sequence[Pair], thetas: Sequence[float], *, weights: Sequence[float], treated: bool, share: bool
) -> Mean:
    arms = [each.treatment if treated else each.control for each in phases]
    value = variance = 0.0
    for each, arm, theta, weight in zip(phases, arms, thetas, weights, strict=True):
        both_x = (each.treatment.x + each.control.x) / (each.treatment.n + each.control.n)
        value += weight * (arm.y / arm.d - theta * (arm.x / arm.n - both_x))
        variance += weight**2 * _variance(arm, theta=theta) / arm.n
    scale = sum(weight**2 / arm.d for arm, weight in zip(arms, weights, strict=True))
    return Mean(
        value=value,
        variance=variance,
        caution_up=scale * _caution(phases, arms, of=_happened, counted=share),
        caution_down=scale * _caution(phases, arms, of=_missed, counted=True) if share else 0.0,
    )


def _caution(
    phases: Sequence[Pair], arms: Sequence[Sums], *, of: Callable[[Sums], tuple[float, float]], counted: bool
) -> float:
    """The size of an event, as far as the arm would have few with both arms' rates.

    The size is the mean numerator of an event, weighted by itself: those of a heavy tail count as few large ones.
    Where there is no event at all, one is 1 if events are counted, else unknown.
    """
    wanted = happened = squares = 0.0
    for each, arm in zip(phases, arms, strict=True):
        one, other = of(each.treatment), of(each.control)
        wanted += arm.d * (one[0] + other[0]) / (each.treatment.d + each.control.d)
        happened += one[0] + other[0]
        squares += one[1] + other[1]
    if happened <= 0:
        return 1.0 if counted else math.inf
    size = squares / happened
    return size * _ENOUGH_EVENTS / (_ENOUGH_EVENTS + wanted / size)


def _happened(arm: Sums) -> tuple[float, float]:
    """The sums of y and of its squares."""
    return arm.y, arm.yy


def _missed(arm: Sums) -> tuple[float, float]:
    """The sums of d - y and of its squares."""
    return max(0.0, arm.d - arm.y), max(0.0, arm.dd - 2 * arm.yd + arm.yy)


def _harmonic(pair: Pair) -> float:
    return pair.treatment.n * pair.control.n / (pair.treatment.n + pair.control.n)
