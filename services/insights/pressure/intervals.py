"""Intervals that hold at any size: of shares and rates, of their difference, and of shares of clustered counts.

They are exact: the truth is outside with a probability of at most `alpha`, for few and for rare events too. That makes
them a little wider than a score interval, which for rare events is now and then too narrow.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, ndtri, stdtrit

LEAST_PEOPLE: Final = 30
"""People, or looks at people, below which nothing is said."""

_MOST: Final = 1e9
"""Draws that a clustered sample counts for at most: beyond it rounding is more than what is not known."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number and how well it is known: the truth is from `low` to `high` with probability `level` at least."""

    value: float
    low: float
    high: float
    """Infinite where nothing is known of that side."""
    level: float
    """Such as 0.95, for this interval alone; smaller families of errors are said where it is made."""
    n: float
    """What it rests on: people, looks or contacts. Not whole where a clustered sample counts for fewer."""

    def times(self, factor: float) -> "Estimate":
        """The same in another unit, such as per 1,000; `factor` is above 0."""
        return Estimate(
            value=self.value * factor, low=self.low * factor, high=self.high * factor, level=self.level, n=self.n
        )


def share(events: float, n: float, *, alpha: float) -> Estimate | None:
    """A share of `n`, by Clopper and Pearson (1934); None of nothing.

    `events` is from 0 to `n`. Both may be fractions: of a clustered sample they are those of the effective size.
    """
    if not n > 0:
        return None
    low = float(betaincinv(events, n - events + 1, alpha / 2)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, n - events, 1 - alpha / 2)) if events < n else 1.0
    return Estimate(value=events / n, low=low, high=high, level=1 - alpha, n=n)


def rate(events: int, n: float, *, alpha: float) -> Estimate | None:
    """Events for each of `n`, of which each may bring several, by Garwood (1936); None of nothing.

    It holds where events come independently of each other, as those of different people do.
    """
    if not n > 0:
        return None
    low = float(gammaincinv(events, alpha / 2)) if events > 0 else 0.0
    high = float(gammaincinv(events + 1, 1 - alpha / 2))
    return Estimate(value=events / n, low=low / n, high=high / n, level=1 - alpha, n=n)


def difference(one: Estimate, other: Estimate) -> Estimate:
    """`one` less `other`, two independent estimates of the same level (Newcombe 1998, method 10, on exact limits)."""
    value = one.value - other.value
    return Estimate(
        value=value,
        low=value - math.hypot(one.value - one.low, other.high - other.value),
        high=value + math.hypot(one.high - one.value, other.value - other.low),
        level=one.level,
        n=one.n + other.n,
    )


def clustered_share(value: float, *, variance: float, units: int, alpha: float) -> Estimate | None:
    """A share whose variance was estimated over `units` independent people, by Korn and Graubard (1998).

    It takes the exact interval of as many independent draws as have the same variance, fewer for few people by the
    quantiles of Student's distribution; where the variance says nothing, because it is 0, of as many as there are
    people. None of fewer than `LEAST_PEOPLE`.
    """
    if units < LEAST_PEOPLE:
        return None
    spread = value * (1 - value)
    if variance > 0 and spread > 0:
        n = spread / variance * float(ndtri(1 - alpha / 2) / stdtrit(units - 1, 1 - alpha / 2)) ** 2
    else:
        n = float(units)
    n = min(n, _MOST)
    return share(min(value * n, n), n, alpha=alpha)


def moved(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much each person moves the ratio of the sums of `part` and `whole`, which have one entry a person.

    That is what the ratio changes by without the person (the jackknife), so the sum of the squares is its variance. It
    is a little larger than that of the linearised ratio, which is too small where few people have much of the whole.
    """
    total = float(whole.sum())
    if not total > 0:
        return np.zeros_like(whole)
    changes: NDArray[np.float64] = (part - float(part.sum()) / total * whole) / np.maximum(total - whole, 1.0)
    return changes
