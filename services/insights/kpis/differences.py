"""By how much a number differs between two times, and whether that is more than chance. Pure.

The interval of a difference is put together from those of both numbers (MOVER: Zou, Donner, "Construction of confidence
limits about effect measures: a general approach", 2008): d - sqrt((v1 - l1)² + (u2 - v2)²) to d + sqrt((u1 - v1)² +
(v2 - l2)²). So it is right for shares near 0, whose intervals are not symmetric, and there is one way for all KPIs.
Customers who are in both times make the two go together, and the interval too wide rather than too narrow.
"""

import math

import msgspec
from scipy.special import ndtri

from services.insights.kpis.figures import Figure


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is now less what was before, with its interval."""

    value: float
    low: float
    high: float

    @property
    def rises(self) -> bool:
        """It is proven to be more."""
        return self.low > 0

    @property
    def falls(self) -> bool:
        """It is proven to be less."""
        return self.high < 0


def difference(now: Figure, before: Figure, *, of: int = 1) -> Difference | None:
    """`None` where either is not told. `of` is how many differences are to hold together (Bonferroni).

    For that the intervals of both, which are told at their own level, are taken to be wider as a normal one would be.
    """
    if now.value is None or before.value is None or now.low is None or before.low is None:
        return None
    alpha = 1 - now.level
    wider = float(ndtri(1 - alpha / (2 * max(of, 1))) / ndtri(1 - alpha / 2))
    ups = [math.inf if each.high is None or each.value is None else each.high - each.value for each in (now, before)]
    downs = (now.value - now.low, before.value - before.low)
    value = now.value - before.value
    return Difference(
        value=value,
        low=value - wider * math.hypot(downs[0], ups[1]),
        high=value + wider * math.hypot(ups[0], downs[1]),
    )
