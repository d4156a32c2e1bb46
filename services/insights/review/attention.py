"""Whether reviewers look: known-answer items whose right answer is "wrong", and time too short to read.

Whoever stamps everything agrees with wrong items too. Each reviewer's share of seeded wrong items that were caught is
held against the least that is wanted, and the share of items judged in less time than reading takes against the most
that is allowed. Both are exact binomial tests, so nothing is assumed but that items are independent.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincc, betaincinv

from services.insights.signals.alerts import FALSE_ALARMS, LEVEL, Alert, Floats, Watch, holm, ordered

MIN_ITEMS: Final = 10
"""Known-answer items, or items with a time, before a reviewer is judged."""


def rubber_stamps(
    caught: ArrayLike, shown: ArrayLike, *, wanted: float = 0.8, false_alarms: float = FALSE_ALARMS
) -> Watch:
    """Reviewers who catch fewer wrong items than the `wanted` share; alerts "rubber-stamp" are about (reviewer,).

    By reviewer: how many seeded wrong items were caught, of how many. `ratio` is the share caught, over `wanted`.

    Raises:
        ValueError: More are caught than were shown, a count is negative, or `wanted` is not between 0 and 1.
    """
    return _judge(caught, shown, share=wanted, fewer=True, signal="rubber-stamp", false_alarms=false_alarms)


def hasty(short: ArrayLike, judged: ArrayLike, *, allowed: float = 0.1, false_alarms: float = FALSE_ALARMS) -> Watch:
    """Reviewers who judge more than the `allowed` share of items too fast; alerts "hasty" are about (reviewer,).

    By reviewer: how many items took less time than reading takes, see `too_short`, of how many.

    Raises:
        ValueError: More are too fast than were judged, a count is negative, or `allowed` is not between 0 and 1.
    """
    return _judge(short, judged, share=allowed, fewer=False, signal="hasty", false_alarms=false_alarms)


def too_short(
    times_ms: ArrayLike, *, reviewers: ArrayLike, least_ms: ArrayLike, reviewer_count: int
) -> tuple[Floats, Floats]:
    """By reviewer how many items took less than `least_ms`, and how many there were; both add up.

    `least_ms` is one number or one for each item, such as a minute per 1,000 characters. Items without a time (NaN, or
    below 0) and reviewers below 0 are left out.
    """
    times, who = np.asarray(times_ms, dtype=np.float64), np.asarray(reviewers, dtype=np.int64)
    least = np.broadcast_to(np.asarray(least_ms, dtype=np.float64), times.shape)
    known = (times >= 0) & (who >= 0)
    short = np.bincount(who[known & (times < least)], minlength=reviewer_count)
    return short.astype(np.float64), np.bincount(who[known], minlength=reviewer_count).astype(np.float64)


def _judge(
    counts: ArrayLike, among: ArrayLike, *, share: float, fewer: bool, signal: str, false_alarms: float
) -> Watch:
    k, n = np.asarray(counts, dtype=np.float64), np.asarray(among, dtype=np.float64)
    if k.shape != n.shape or k.ndim != 1 or not ((k >= 0) & (k <= n) & np.isfinite(n)).all():
        raise ValueError("give by reviewer how many, and among how many there were")
    if not 0 < share < 1:
        raise ValueError("the share must be between 0 and 1")
    judged = np.flatnonzero(n >= MIN_ITEMS)
    p_values = (_at_most if fewer else _at_least)(k[judged], n=n[judged], share=share)
    adjusted, tail = holm(p_values), (1 - LEVEL) / 2
    alerts = []
    for reviewer, p_value in zip(judged.tolist(), adjusted.tolist(), strict=True):
        if p_value > false_alarms:
            continue
        some, items = float(k[reviewer]), float(n[reviewer])
        low = float(betaincinv(some, items - some + 1, tail)) if some else 0.0
        high = float(betaincinv(some + 1, items - some, 1 - tail)) if some < items else 1.0
        alerts.append(
            Alert(
                signal=signal,
                about=(reviewer,),
                seen=some,
                expected=items * share,
                ratio=some / items / share,
                low=low / share,
                high=high / share,
                sample=int(items),
                reference=int(items),
                p_value=p_value,
                false_alarms=false_alarms,
            )
        )
    return Watch(alerts=ordered(alerts), tested=judged.size, too_few=int(n.size - judged.size))


def _at_least(k: Floats, *, n: Floats, share: float) -> Floats:
    return np.where(k > 0, betainc(np.maximum(k, 1), n - k + 1, share), 1.0)


def _at_most(k: Floats, *, n: Floats, share: float) -> Floats:
    return np.where(k < n, betaincc(k + 1, np.maximum(n - k, 1), share), 1.0)
