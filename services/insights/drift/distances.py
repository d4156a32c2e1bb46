"""How far two large samples are apart: by Wasserstein-1 in standard deviations, and by Jensen-Shannon in bits.

Both are distances (of Jensen-Shannon the square root), so the estimate is off by no more than the samples are from
their truths. The intervals draw that error from the samples themselves (bootstrap), which holds at distance 0 too,
where the usual bootstrap of the distance would never contain the truth. They are wider than need be far away from it.
"""

from typing import Final

import msgspec
import numpy as np

from services.insights.comparing import Interval
from services.insights.drift.histograms import Floats, Histogram

LEAST: Final = 1000
"""Values in each sample before anything is said."""
_DRAWS: Final = 400


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """A distance from 0, as estimated, and the interval of the true one. Without drift the estimate is above 0 too."""

    value: float
    interval: Interval
    level: float
    reference_size: float
    current_size: float


def wasserstein(reference: Histogram, current: Histogram, *, seed: int, level: float = 0.95) -> Distance | None:
    """By how many of the reference's standard deviations a value has to move on average, to make one of the other.

    None for names, for fewer than `LEAST` numbers in either, and for a reference without spread. Values that are
    missing or infinite are left out: `psi` sees how many there are.

    The error is the largest of `level` of bootstrapped |(F* - F) - (G* - G)|, integrated: the distance is the norm
    of F - G, so it is off by no more than that.
    """
    if reference.grid is None or reference.grid != current.grid:
        return None
    keys = np.union1d(reference.keys, current.keys)
    centres = reference.grid.centres(keys)
    q, p = (_spread(each, keys)[np.isfinite(centres)] for each in (reference, current))
    centres = centres[np.isfinite(centres)]
    if min(q.sum(), p.sum()) < LEAST:
        return None
    mean = np.average(centres, weights=q)
    deviation = float(np.sqrt(np.average((centres - mean) ** 2, weights=q)))
    if not 0 < deviation < np.inf:
        return None
    steps = np.diff(centres) / deviation
    rng = np.random.default_rng(seed)
    errors = _cumulated(_draws(q, rng) - _draws(p, rng), steps)
    value = float(_cumulated(q / q.sum() - p / p.sum(), steps))
    error = float(np.quantile(errors, level))
    return Distance(
        value=value,
        interval=Interval(max(0.0, value - error), value + error),
        level=level,
        reference_size=float(q.sum()),
        current_size=float(p.sum()),
    )


def jensen_shannon(reference: Floats, current: Floats, *, seed: int, level: float = 0.95) -> Distance | None:
    """The divergence in bits, from 0 to 1, of counts in the same bins; None for fewer than `LEAST` values in either.

    Raises:
        ValueError: Counts are not one for each bin in both.
    """
    if reference.shape != current.shape or reference.ndim != 1:
        raise ValueError("give both samples' counts in the same bins")
    n, m = float(reference.sum()), float(current.sum())
    if min(n, m) < LEAST:
        return None
    rng = np.random.default_rng(seed)
    q, p = reference / n, current / m
    error = float(
        np.quantile(sum(_root(each + _draws(each * size, rng), each) for each, size in ((q, n), (p, m))), level)
    )
    root = float(_root(q, p))
    return Distance(
        value=root**2,
        interval=Interval(max(0.0, root - error) ** 2, min(1.0, root + error) ** 2),
        level=level,
        reference_size=n,
        current_size=m,
    )


def _spread(histogram: Histogram, keys: Floats) -> Floats:
    counts = np.zeros(keys.size)
    counts[np.searchsorted(keys, histogram.keys)] = histogram.counts
    return counts


def _draws(counts: Floats, rng: np.random.Generator) -> Floats:
    """How far the shares of samples of that size lie from its own."""
    shares, size = counts / counts.sum(), round(float(counts.sum()))
    return np.asarray(rng.multinomial(size, shares, size=_DRAWS) / size - shares)


def _cumulated(difference: Floats, steps: Floats) -> Floats:
    return np.asarray((np.abs(np.cumsum(difference, axis=-1)[..., :-1]) * steps).sum(axis=-1))


def _root(one: Floats, other: Floats) -> Floats:
    """The square root of the Jensen-Shannon divergence in bits, which obeys the triangle inequality."""
    middle = (one + other) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log2(each / middle), 0.0).sum(axis=-1) for each in (one, other)]
    return np.asarray(np.sqrt(np.clip(sum(parts) / 2, 0.0, 1.0)))
