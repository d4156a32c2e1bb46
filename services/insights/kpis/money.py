"""Money by customer, in whole cents of one currency: who spends nothing counts with 0.

Sums are whole numbers of any size, so nothing is rounded before the end, and a variance loses no digits however much
larger the mean is.
"""

from fractions import Fraction
from math import sqrt
from typing import Final

import msgspec
from scipy.special import stdtrit

from services.insights.kpis.figures import Figure, cents

LEAST_PEOPLE: Final = 100
"""Customers of a group, below which no amount is told of it; and so many of them must have spent something."""
LEAST_SPENDERS: Final = 50


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """What customers spent, added up."""

    n: int = 0
    """Customers, those who spent nothing too."""
    spenders: int = 0
    total: int = 0
    """Cents, less what was given back."""
    squares: int = 0
    """Of each customer's total, added up."""

    def __add__(self, other: "Spending") -> "Spending":
        """Of both, of whom nobody may be in both."""
        return Spending(
            n=self.n + other.n,
            spenders=self.spenders + other.spenders,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )

    @property
    def enough(self) -> bool:
        """Whether an interval of it holds: the mean of a few large amounts among many zeros is no normal variable."""
        return self.n >= LEAST_PEOPLE and self.spenders >= LEAST_SPENDERS

    @property
    def mean(self) -> Fraction:
        """Cents of a customer; of nobody 0."""
        return Fraction(self.total, self.n) if self.n else Fraction(0)

    @property
    def variance(self) -> Fraction:
        """Between customers, in squared cents; 0 of fewer than two."""
        if self.n < 2:
            return Fraction(0)
        return Fraction(self.n * self.squares - self.total**2, self.n * (self.n - 1))


def revenue(spent: Spending, *, alpha: float = 0.05) -> Figure:
    """All that customers spent, in cents, with the interval of n times their mean (Student)."""
    if not spent.enough:
        return Figure(n=spent.n, level=1 - alpha)
    reach = float(stdtrit(spent.n - 1, 1 - alpha / 2)) * sqrt(spent.n * spent.variance)
    return cents(Fraction(spent.total), reach=reach, n=spent.n, alpha=alpha)


def per_customer(spent: Spending, *, alpha: float = 0.05) -> Figure:
    """What one customer spent, in cents, with the interval of the mean (Student)."""
    if not spent.enough:
        return Figure(n=spent.n, level=1 - alpha)
    reach = float(stdtrit(spent.n - 1, 1 - alpha / 2)) * sqrt(spent.variance / spent.n)
    return cents(spent.mean, reach=reach, n=spent.n, alpha=alpha)


def incremental(treated: Spending, holdout: Spending, *, alpha: float = 0.05) -> Figure:
    """What contacts brought on top of what customers spend without them, in cents; below 0 where they cost.

    n_T (mean_T - mean_H) ± crit n_T sqrt(s²_T / n_T + s²_H / n_H), by customer, zeros included. `crit` is Student's at
    the degrees of freedom of Welch (1947) and Satterthwaite (1946), since the holdout is small and both spread
    differently. The holdout is drawn by a hash, so what else customers differ in is the same in both but for chance.

    Not told where either group has too few customers, or too few who spent. `n` is the smaller group's.
    """
    n = min(treated.n, holdout.n)
    if not (treated.enough and holdout.enough):
        return Figure(n=n, level=1 - alpha)
    parts = float(treated.variance / treated.n), float(holdout.variance / holdout.n)
    variance = sum(parts)
    degrees = (
        variance**2 / (parts[0] ** 2 / (treated.n - 1) + parts[1] ** 2 / (holdout.n - 1)) if variance else treated.n - 1
    )
    reach = float(stdtrit(degrees, 1 - alpha / 2)) * treated.n * sqrt(variance)
    return cents(treated.n * (treated.mean - holdout.mean), reach=reach, n=n, alpha=alpha)
