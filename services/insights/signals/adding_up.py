"""Calls that are each allowed and add up: one agent reads many customers, many agents contact one person.

Both are counts of different things of one owner in a window: customers of an agent in an hour, agents of a person on a
day, refunds of a customer in a week (`crowds`). Agents are few and each has a past of its own (`harvests`); customers
are many with hardly any, so one is held against the largest of all (`gatherings`).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from services.insights.signals.alerts import FALSE_ALARMS, Alert, Ints, Watch, holm, ordered
from services.insights.signals.counts import Past, by_logarithms, ratio_interval
from services.insights.signals.extremes import Extremes

MIN_PERIODS: Final = 14
"""Windows of its past in which an agent was there, before it is judged."""
MIN_COUNT: Final = 30
"""How many different customers there must be in a window before it can be a harvest."""


class Crowds(msgspec.Struct, frozen=True, kw_only=True):
    """How many different things each owner had in each window; only where there was one at all."""

    owners: Ints
    windows: Ints
    counts: Ints

    def histogram(self) -> Ints:
        """How often each count occurred, from 0 on; the histograms of different windows add up."""
        return np.bincount(self.counts).astype(np.int64)

    def table(self, owner_count: int, *, window_count: int) -> Ints:
        """Counts by owner and window, 0 where there was none."""
        found = np.zeros((owner_count, window_count), dtype=np.int64)
        found[self.owners, self.windows] = self.counts
        return found


def crowds(owners: ArrayLike, things: ArrayLike, *, windows: ArrayLike) -> Crowds:
    """Count different `things` by owner and window, from one row a call, in any order. Codes below 0 are left out.

    For many small deals of one customer, give each deal as a thing of its own.

    Raises:
        ValueError: The columns are not equally long.
    """
    rows = [np.asarray(each, dtype=np.int64) for each in (owners, windows, things)]
    if not rows[0].shape == rows[1].shape == rows[2].shape or rows[0].ndim != 1:
        raise ValueError("give each call one owner, one thing and one window")
    there = np.logical_and.reduce([each >= 0 for each in rows])
    who, when, what = (each[there] for each in rows)
    order = np.lexsort((what, when, who))
    who, when, what = who[order], when[order], what[order]
    starts = np.ones(who.size, dtype=bool)
    starts[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    different = starts.copy()
    different[1:] |= what[1:] != what[:-1]
    first = np.flatnonzero(starts)
    counts = np.add.reduceat(different.astype(np.int64), first) if first.size else np.zeros(0, dtype=np.int64)
    return Crowds(owners=who[first], windows=when[first], counts=counts)


def harvests(now: ArrayLike, *, past: ArrayLike, false_alarms: float = FALSE_ALARMS) -> Watch:
    """Agents that reach far more customers in a window than they used to; alerts "harvest" are about (agent, window).

    Both are counts by agent and window, of windows that are alike (`Crowds.table`). A count must be too large both as
    a negative binomial and as a log-normal one, by Student's t of its logarithm: days that differ by factors have
    heavier tails than the former. An agent without a past is too few: `gatherings` of all agents' counts tells one that
    outdoes them all.

    Raises:
        ValueError: Counts are negative or not finite, or the agents are not the same.
    """
    seen, before = np.asarray(now, dtype=np.float64), np.asarray(past, dtype=np.float64)
    known = Past.of(before)
    if seen.ndim != 2 or seen.shape[0] != before.shape[0]:
        raise ValueError("give counts by agent and window, of the same agents as the past")
    if not (np.isfinite(seen).all() and (seen >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    expected = known.expected(np.ones(before.shape[0]))
    judged = (before > 0).sum(axis=1) >= MIN_PERIODS
    p_values = np.stack([expected.at_least(seen[:, window]) for window in range(seen.shape[1])], axis=1)
    at = np.argwhere(judged[:, None] & (seen >= MIN_COUNT))
    tested = int(judged.sum()) * seen.shape[1]
    p_values = np.maximum(p_values, by_logarithms(seen, before))
    adjusted = holm(p_values[at[:, 0], at[:, 1]], tests=tested)
    alerts = []
    for (agent, window), p_value in zip(at.tolist(), adjusted.tolist(), strict=True):
        if p_value > false_alarms:
            continue
        count, mean = float(seen[agent, window]), float(expected.mean[agent])
        ratio, low, high = ratio_interval(count, expected=mean, shape=float(expected.shape[agent]))
        alerts.append(
            Alert(
                signal="harvest",
                about=(agent, window),
                seen=count,
                expected=mean,
                ratio=ratio,
                low=low,
                high=high,
                sample=int(count),
                reference=int(known.events[agent]),
                p_value=p_value,
                false_alarms=false_alarms,
            )
        )
    return Watch(alerts=ordered(alerts), tested=tested, too_few=int((~judged).sum()))


def gatherings(
    now: Crowds, *, past: ArrayLike, share: float, false_alarms: float = FALSE_ALARMS, signal: str = "crowd"
) -> Watch:
    """Owners with more in a window than the largest of all should have; alerts "crowd" are about (owner, window).

    `past` is the histogram of earlier windows, and `share` how long this period is in units of that past: 0.25 for a
    week after four. `expected` is the median of the largest count of such a period, and the interval that of what the
    largest is. The p-value counts all owners already: it is that of any count as large.

    Raises:
        ValueError: A frequency is negative or not finite, or `share` is not above 0.
    """
    if not (np.isfinite(share) and share > 0):
        raise ValueError("share must be above 0")
    tail = Extremes.of(past)
    if tail is None:
        return Watch(too_few=now.counts.size)
    p_values = -np.expm1(-tail.expected(now.counts, share=share))
    middle, least, greatest = (tail.largest(chance, share=share) for chance in (0.5, 0.025, 0.975))
    alerts = [
        Alert(
            signal=signal,
            about=(int(now.owners[at]), int(now.windows[at])),
            seen=float(now.counts[at]),
            expected=middle,
            ratio=float(now.counts[at]) / middle,
            low=float(now.counts[at]) / greatest,
            high=float(now.counts[at]) / least,
            sample=now.counts.size,
            reference=int(np.asarray(past)[1:].sum()),
            p_value=float(p_values[at]),
            false_alarms=false_alarms,
        )
        for at in np.flatnonzero((p_values <= false_alarms) & (now.counts > tail.threshold)).tolist()
    ]
    return Watch(alerts=ordered(alerts), tested=now.counts.size)
