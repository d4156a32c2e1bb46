"""The KPI of one group as an effect whose intervals hold at every look: shares, scores of -1 to 1, and money.

The sequences are those of test & learn (`services.insights.sequences`, eq. 9 of Waudby-Smith, Arbour, Sinha, Kennedy,
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", 2024), of the mean of `n` people's
values. So a number may be looked at every hour for a whole quarter, and is beyond its interval at any of these looks
with a probability of alpha only. Where events are rare the variance of the estimate itself is too small whenever the
estimate is too low; the caution of `services.insights.estimating.Mean` makes up for it.
"""

import math
from typing import Final

import msgspec

from services.insights.comparing import Effect, compare
from services.insights.estimating import Pair
from services.insights.kpis.money import Spending
from services.insights.sums import Sums

LEAST_PEOPLE: Final = 100
"""People, or answers, below which nothing is proven."""
_ENOUGH_EVENTS: Final = 25
"""As in `services.insights.estimating`."""


def share(events: int, n: int) -> Effect | None:
    """A share of 0 to 1 of `n` people; `None` of too few."""
    if n < LEAST_PEOPLE:
        return None
    value = events / n
    return Effect(
        value=value,
        standard_error=math.sqrt(value * (1 - value) / n),
        subjects=n,
        caution_up=_caution(events) / n,
        caution_down=_caution(n - events) / n,
    )


def score(gains: int, losses: int, n: int) -> Effect | None:
    """A score of -1 to 1 of `n` answers, of which each adds 1, 0 or -1, such as the NPS; `None` of too few."""
    if n < LEAST_PEOPLE:
        return None
    value = (gains - losses) / n
    return Effect(
        value=value,
        standard_error=math.sqrt(max(0.0, (gains + losses) / n - value**2) / n),
        subjects=n,
        caution_up=_caution(gains) / n,
        caution_down=_caution(losses) / n,
    )


def amount(spent: Spending, *, between: float = 0.0) -> Effect | None:
    """All that customers spent, in cents; `None` where too few did.

    `between` is the variance of the sum as its weeks show it: it counts where it is more than the customers' own,
    because customers who are contacted in the same week share what kind of week it was.
    """
    if not spent.enough:
        return None
    own = spent.n * float(spent.variance)
    size = spent.squares / spent.total if spent.total > 0 else math.inf
    return Effect(
        value=float(spent.total),
        standard_error=math.sqrt(max(own, between)),
        subjects=spent.n,
        caution_up=size * _caution(spent.spenders),
    )


def added(treated: Spending, held: Spending) -> Effect | None:
    """What contacts brought on top of the holdout, in cents: n_T (mean_T - mean_H); `None` where too few spent."""
    if not (treated.enough and held.enough):
        return None
    difference = compare([Pair(_sums(treated), _sums(held))], share=False).difference
    return None if difference is None else scaled(difference, treated.n)


def counted(count: int, *, between: float = 0.0) -> Effect | None:
    """How many contacts there are, as one of so many that there might have been; `None` of too few.

    Their variance is that of a Poisson variable, or `between`, as their weeks show it, where that is more.
    """
    if count < LEAST_PEOPLE:
        return None
    return Effect(value=float(count), standard_error=math.sqrt(max(float(count), between)), subjects=count)


def scaled(effect: Effect, factor: float) -> Effect:
    """It times a factor above 0."""
    return msgspec.structs.replace(
        effect,
        value=effect.value * factor,
        standard_error=effect.standard_error * factor,
        caution_up=effect.caution_up * factor,
        caution_down=effect.caution_down * factor,
    )


def _caution(events: int) -> float:
    return _ENOUGH_EVENTS / (_ENOUGH_EVENTS + max(0, events))


def _sums(spent: Spending) -> Sums:
    total, n = float(spent.total), float(spent.n)
    return Sums(n=spent.n, y=total, d=n, yy=float(spent.squares), yd=total, dd=n)
