"""How two policies differ that were tried on the same recorded calls: each number of one less that of the other.

Both are of the same customers, so an interval is of what each customer changes between the two: it is narrow where both
do nearly the same, however uncertain each of them is by itself. What may come back later is taken to come back to the
same share on both sides.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.intervals import Estimate
from services.insights.whatif.moves import Moved, padded
from services.insights.whatif.weighing import KPIS, Weighed


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """One policy less the other; `None` where too little is known of either."""

    refused: int
    """Exact, of what was recorded; likewise the next one."""
    allowed: int
    avoided: Estimate | None
    affected: Estimate | None
    opt_outs: Estimate | None
    complaints: Estimate | None
    purchases: Estimate | None
    cents: Estimate | None
    blocked: Estimate | None
    protected: Estimate | None


def between(one: Weighed, other: Weighed, *, alpha: float = 0.05) -> Between:
    """`one` less `other`, two trials that share the numbers of their customers (`Trial.persons`)."""
    return Between(
        refused=one.refused - other.refused,
        allowed=one.allowed - other.allowed,
        avoided=_avoided(one, other, alpha=alpha),
        affected=_estimate(one.affected, other.affected, one, other, alpha=alpha),
        **{name: _estimate(getattr(one, name), getattr(other, name), one, other, alpha=alpha) for name in KPIS},
    )


def _estimate(
    its: Moved | None, others: Moved | None, one: Weighed, other: Weighed, *, alpha: float
) -> Estimate | None:
    if its is None or others is None:
        return None
    return its.less(others).estimate(_counts(one, other), alpha=alpha)


def _avoided(one: Weighed, other: Weighed, *, alpha: float) -> Estimate | None:
    if one.avoided is None or other.avoided is None:
        return None
    moved = one.avoided.less(other.avoided)
    reach = moved.reach(_counts(one, other), alpha=alpha)
    ends = (one.exact - other.exact, (one.exact - one.most) - (other.exact - other.most), moved.value)
    return Estimate(
        value=moved.value,
        low=moved.value - math.hypot(reach, moved.value - min(ends)),
        high=moved.value + math.hypot(reach, max(ends) - moved.value),
        level=1 - alpha,
        n=moved.n,
    )


def _counts(one: Weighed, other: Weighed) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = padded(one.counts, other.counts.size) | padded(other.counts, one.counts.size)
    return found
