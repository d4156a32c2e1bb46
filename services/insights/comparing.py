"""How two arms differ in one measure: the difference, the relative lift, and what is known of both at every look.

The sequence of `sequences.half_width` is about a mean of N independent contributions with standard deviation sigma.
For two arms of n1 and n2 subjects, with variances v1 and v2 of one subject, N = 4 n1 n2 / (n1 + n2), and sigma is the
standard error of the difference times sqrt(N). Why so:

- What the sequence rests on is that N times the difference D moves like a random walk whose variance grows by the same
  sigma^2 with every step of N. Then a boundary that was fixed beforehand fits all of it.
- The mean of an arm now and later has the covariance v / n of the later one. So the covariance of D now and later is V
  = v1 / n1 + v2 / n2 of the later one, and that of N D now and later is N now times (N V) later. It is a random walk
  where N V = sigma^2 does not change.
- With equal variances N V = 4 v, whatever the allocation and however it changes.
- With unequal variances and one allocation N and 1 / V both grow in proportion to the subjects: N V does not change.
- Only where both come together, unequal variances and a new allocation, N V moves, between the values of the phases.
  The tests measure that this does no harm.

For arms of equal size N is n1 + n2: N* = 5000 means 2,500 subjects in each. A canary of 1 % counts for four times its
own subjects. Over phases N adds up, like independent random walks. The allocation may change for any reason but the
outcomes of subjects who are already in.
"""

import math
from collections.abc import Sequence

import msgspec

from services.insights import sequences
from services.insights.estimating import Means, Pair, estimate

_LEAST_CONTROL = 5
"""Standard errors that the control's mean must be above 0 for a lift: nearer to it a ratio is not even roughly
normal."""


class Interval(msgspec.Struct, frozen=True):
    """From `low` to `high`; infinite on a side of which nothing is known."""

    low: float
    high: float


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One number that says how the arms differ, and how well it is known. Positive: the treatment has more."""

    value: float
    standard_error: float
    """As for a single look at a large sample: what other packages give."""
    subjects: float
    """N of the sequence: 4 n1 n2 / (n1 + n2)."""
    caution_up: float = 0.0
    """By how much the variance may be larger, for each unit that the truth lies above `value`: see
    `estimating.Mean`."""
    caution_down: float = 0.0
    """The same below `value`."""

    def interval(self, alpha: float) -> Interval:
        """The two-sided sequence: with probability 1 - `alpha` all intervals that are ever looked at hold the truth."""
        errors = sequences.half_width(math.sqrt(self.subjects), subjects=self.subjects, alpha=alpha)
        return self._around(errors)

    def at_least(self, alpha: float) -> float:
        """The one-sided sequence from below: with probability 1 - `alpha` the truth is never less, at any look."""
        return self._around(self._reach(alpha)).low

    def at_most(self, alpha: float) -> float:
        """The one-sided sequence from above."""
        return self._around(self._reach(alpha)).high

    def p_value(self, alpha: float) -> float:
        """Always-valid p-value of "no difference", two-sided: at most `alpha` where `interval(alpha)` excludes 0."""
        caution = self.caution_down if self.value > 0 else self.caution_up
        variance = self.standard_error**2 + caution * abs(self.value)
        if variance <= 0:
            return 1.0 if self.value == 0 else 0.0
        return sequences.p_value(self.value / math.sqrt(variance), subjects=self.subjects, alpha=alpha)

    def _reach(self, alpha: float) -> float:
        return sequences.reach(math.sqrt(self.subjects), subjects=self.subjects, alpha=alpha)

    def _around(self, errors: float) -> Interval:
        """All values x away from the estimate with x^2 <= errors^2 (variance + caution x)."""
        variance = self.standard_error**2
        down, up = (
            errors * (errors * each / 2 + math.sqrt((errors * each / 2) ** 2 + variance))
            for each in (self.caution_down, self.caution_up)
        )
        return Interval(self.value - down, self.value + up)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two arms have shown in one measure."""

    treatment_subjects: int
    control_subjects: int
    min_sample: int = 0
    """Subjects in each arm before anything is said."""
    treatment: float | None = None
    """The measure of the treatment, adjusted by the covariate; None where nothing was measured."""
    control: float | None = None
    difference: Effect | None = None
    """Treatment less control, in the measure's own unit; None where nothing was measured."""
    lift: Effect | None = None
    """The difference as a share of the control's measure; None where that is not clearly above 0."""
    variance_reduction: float = 0.0
    """Share of the variance that the covariate has taken away, 0 without one. Below 0 where it does not help."""

    @property
    def too_few(self) -> bool:
        """Whether an arm has fewer subjects than `min_sample`, or nothing was measured."""
        return self.difference is None or min(self.treatment_subjects, self.control_subjects) < self.min_sample


def compare(phases: Sequence[Pair], *, share: bool, min_sample: int = 0) -> Comparison:
    """Compare the arms over all phases, each with one allocation. Nobody may be in two of them, or in both arms.

    `share` says that the measure counts events among its denominator, so 0 <= y <= d: that is how much one more event
    would be, where none has come yet.
    """
    means = estimate(phases, share=share)
    return Comparison(
        treatment_subjects=sum(each.treatment.n for each in phases),
        control_subjects=sum(each.control.n for each in phases),
        min_sample=min_sample,
        treatment=means.treatment.value if means else None,
        control=means.control.value if means else None,
        difference=_difference(means) if means else None,
        lift=_lift(means) if means else None,
        variance_reduction=means.variance_reduction if means else 0.0,
    )


def _difference(means: Means) -> Effect:
    """A truth above it means more of the treatment, or less of the control; whichever asks for more caution counts."""
    return Effect(
        value=means.treatment.value - means.control.value,
        standard_error=math.sqrt(means.treatment.variance + means.control.variance),
        subjects=means.subjects,
        caution_up=max(means.treatment.caution_up, means.control.caution_down),
        caution_down=max(means.treatment.caution_down, means.control.caution_up),
    )


def _lift(means: Means) -> Effect | None:
    """The lift treatment / control - 1 by the delta method.

    The variance of the treatment's mean counts by 1 / control^2, that of the control's by (treatment / control^2)^2.
    That both arms are adjusted with one mean of the covariate, itself an estimate, is left out: with a correlation r it
    adds the share lift^2 r^2 / (4 (1 - r^2)) to the variance.
    """
    treatment, control = means.treatment, means.control
    if control.value <= _LEAST_CONTROL * math.sqrt(control.variance):
        return None
    own, other = 1 / control.value, treatment.value / control.value**2
    return Effect(
        value=treatment.value / control.value - 1,
        standard_error=math.sqrt(own**2 * treatment.variance + other**2 * control.variance),
        subjects=means.subjects,
        caution_up=max(own * treatment.caution_up, abs(other) * control.caution_down),
        caution_down=max(own * treatment.caution_down, abs(other) * control.caution_up),
    )
