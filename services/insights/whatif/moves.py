"""Sums over customers and by how much each of them moves one: what intervals, also of differences, are made from."""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from services.insights.pressure.intervals import Estimate

Numbers = NDArray[np.float64]


class Moved(msgspec.Struct, frozen=True, eq=False):
    """A number that customers add up to.

    Another time draws as many customers like these: the variance of the sum is that of `each` times how many there are.
    Two numbers of the same customers are compared person by person, so what moves both of them cancels out.
    """

    value: float
    each: Numbers
    """By how much each customer moves it, an entry for everybody; 0 for those who do not count."""
    control: float = 0.0
    """By how much the mean of those who are held out moves it."""
    spread: float = 0.0
    """Variance of that mean."""
    n: int = 0
    """What it rests on: customers, or those of them who are held out where they are fewer."""

    def estimate(self, counts: NDArray[np.bool_], *, alpha: float) -> Estimate:
        """With its interval (delta method); `counts` are the customers who count."""
        reach = self.reach(counts, alpha=alpha)
        return Estimate(value=self.value, low=self.value - reach, high=self.value + reach, level=1 - alpha, n=self.n)

    def reach(self, counts: NDArray[np.bool_], *, alpha: float) -> float:
        """Half of its interval, as far as chance goes."""
        variance = variance_of(self.each[counts]) + self.control**2 * self.spread
        return crit(alpha) * math.sqrt(max(0.0, variance))

    def less(self, other: "Moved") -> "Moved":
        """The number less another one of the same customers."""
        return Moved(
            value=self.value - other.value,
            each=padded(self.each, other.each.size) - padded(other.each, self.each.size),
            control=self.control - other.control,
            spread=max(self.spread, other.spread),
            n=min(self.n, other.n),
        )


def padded(each: NDArray[Any], size: int) -> NDArray[Any]:
    """An array of customers with entries of nothing for those who came later, up to `size` of them."""
    return np.pad(each, (0, max(0, size - each.size)))


def variance_of(each: Numbers) -> float:
    """Of the sum over customers, where another time draws as many like these."""
    return float(each.var(ddof=1) * each.size) if each.size > 1 else 0.0


def crit(alpha: float) -> float:
    """The two-sided quantile of the normal distribution."""
    return float(-ndtri(alpha / 2))
