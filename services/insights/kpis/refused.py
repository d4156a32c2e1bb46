"""What the contacts would have brought that a rule or cap refused, and what they would have cost.

Nobody knows what comes of a contact that was not made. It is taken from *comparable* ones: contacts that were carried
out in the same time, of the same campaign and category, on the same channel, to customers of the same segment. What is
refused is never quite like what is let through (a cap refuses the third contact of a week and lets the first through),
so both numbers are expectations under that assumption, and intervals are of chance alone. Refused contacts without
comparable ones are counted, and nothing is said of what they would have brought.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final

import msgspec
from scipy.special import ndtri

from services.insights.kpis.figures import Figure, cents
from services.insights.kpis.money import Spending

LEAST_REFUSED: Final = 30
"""Refused contacts below which nothing is told; and contacts of which something must be known to be comparable."""
LEAST_COMPARABLE: Final = 100
LEAST_EVENTS: Final = 10
"""Comparable contacts that brought money, or after which somebody left, below which nothing is told."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """Comparable contacts that were carried out: of one campaign, channel and segment."""

    n: int = 0
    """Contacts, each with what came of it in cents, and whether the customer left: opted out or complained."""
    sold: int = 0
    total: int = 0
    squares: int = 0
    left: int = 0

    def __add__(self, other: "Made") -> "Made":
        """Of both."""
        return Made(
            n=self.n + other.n,
            sold=self.sold + other.sold,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            left=self.left + other.left,
        )


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of what was refused."""

    contacts: int
    """Refused ones."""
    incomparable: int
    """Those of them without comparable ones: both figures leave them out."""
    blocked: Figure
    """Cents that they would have brought."""
    protected: Figure
    """Cents that would have been lost with customers who would have left."""


def refused(counts: Mapping[str, int], made: Mapping[str, Made], *, worth: Spending, alpha: float = 0.05) -> Refused:
    """What refused contacts are worth. `counts` has how many by stratum, `made` the comparable ones of each.

    Blocked: each refused contact times the mean of comparable ones. Protected: each times the share of comparable ones
    after which the customer left, times what a customer is worth, which is the mean of `worth` in the same time: what
    somebody who leaves no longer spends in as long a time again. Variances by the delta method, strata and `worth`
    independent, which contacts of one customer are not quite.
    """
    known = [(count, made[name]) for name, count in counts.items() if made.get(name, Made()).n >= LEAST_COMPARABLE]
    total, compared = sum(counts.values()), sum(count for count, _ in known)
    enough = compared >= LEAST_REFUSED
    sold, left = sum(each.sold for _, each in known), sum(each.left for _, each in known)
    nothing = Figure(n=total, level=1 - alpha)
    return Refused(
        contacts=total,
        incomparable=total - compared,
        blocked=_blocked(known, n=total, alpha=alpha) if enough and sold >= LEAST_EVENTS else nothing,
        protected=_protected(known, worth, n=total, alpha=alpha)
        if enough and left >= LEAST_EVENTS and worth.enough
        else nothing,
    )


def _blocked(known: Sequence[tuple[int, Made]], *, n: int, alpha: float) -> Figure:
    value = sum(count * each.total / each.n for count, each in known)
    variance = 0.0
    for count, each in known:
        between = (each.n * each.squares - each.total**2) / (each.n * (each.n - 1))
        # The refused ones would have spread as well: a sum of `count` draws around a mean that is itself estimated.
        variance += between * (count**2 / each.n + count)
    return cents(value, reach=_crit(alpha) * sqrt(variance), n=n, alpha=alpha)


def _protected(known: Sequence[tuple[int, Made]], worth: Spending, *, n: int, alpha: float) -> Figure:
    leaving, variance = 0.0, 0.0
    for count, each in known:
        # Wilson's middle for the variance alone: none of 100 does not mean that nobody ever leaves.
        rate, spread = each.left / each.n, (each.left + 2) / (each.n + 4)
        leaving += count * rate
        variance += spread * (1 - spread) * (count**2 / each.n + count)
    mean, error = float(worth.mean), float(worth.variance / worth.n)
    return cents(leaving * mean, reach=_crit(alpha) * sqrt(mean**2 * variance + leaving**2 * error), n=n, alpha=alpha)


def _crit(alpha: float) -> float:
    return float(-ndtri(alpha / 2))
