"""Shares of people: who became active, who converted, who says that they are contacted too much."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from services.insights.fairness.intervals import wilson
from services.insights.kpis.figures import Figure

LEAST_PEOPLE: Final = 30
"""Below it no share is told."""


def share(events: int, n: int, *, alpha: float = 0.05) -> Figure:
    """A share of `n` people, from 0 to 1, by the score interval (Wilson 1927).

    Each person counts once, whatever they did, so that people are what is independent. On average over shares the
    interval holds at its level; for single shares near 0 or 1 it may be a little off (Brown, Cai, DasGupta 2001).
    """
    if n < LEAST_PEOPLE:
        return Figure(n=n, level=1 - alpha)
    x, of, level = (np.array(each, dtype=np.float64) for each in (events, n, alpha))
    low, high = wilson(x, of, alpha=level)
    return Figure(value=events / n, low=float(low), high=float(high), n=n, level=1 - alpha)


def shares(counts: Mapping[str, int], *, alpha: float = 0.05) -> Mapping[str, Figure]:
    """The share of each answer among all of them, each with an interval of its own."""
    n = sum(counts.values())
    return {name: share(count, n, alpha=alpha) for name, count in counts.items()}
