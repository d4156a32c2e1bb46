"""Bins that two samples are compared in, cut where the reference says and nowhere else.

Cut on both samples together, bins come to lie where the current values are. Then the reference may have nothing in one
of them, the PSI of one and the same drift grows with the samples' size, and no two windows are comparable. The current
sample only says how large it is, so that no bin is too small for it.
"""

from typing import Final

import msgspec
import numpy as np

from services.insights.drift.histograms import Floats, Histogram, Keys

LEAST_EXPECTED: Final = 30
"""Values that a bin must expect in both samples. With it the chi-square approximation of `psi` was off by at most a
half at p = 0.0002, and by a tenth at 0.01 (400,000 simulated samples, 2 to 10 bins of which one or all were that
small, references as large and ten times as large); with 5, the rule of textbooks, false alarms were up to three times
as many."""
MOST: Final = 10
"""Bins of numbers."""
_MOST_NAMES: Final = 50
_CLEARLY: Final = 3.0
"""Standard errors between the last name with a bin of its own and the next one."""


class Bins(msgspec.Struct, frozen=True, eq=False):
    """What keys are counted together.

    For numbers `edges` are the first cells of all bins but the lowest. For names they are the names that have a bin
    each; all others share one more, unless the reference has too few of them.
    """

    names: bool
    edges: Keys
    others: bool = False
    """Whether names without a bin of their own share one; else they are left to `strange`."""
    lowest: int = 0
    """The reference's first and last cell; for numbers only."""
    highest: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        if self.names:
            return self.edges.size + self.others
        return self.edges.size + 1

    def counts(self, histogram: Histogram) -> Floats:
        """How many values fall into each bin."""
        if not self.names:
            places = np.searchsorted(self.edges, histogram.keys, side="right")
            found = np.bincount(places, weights=histogram.counts, minlength=self.count)
            return np.asarray(found, dtype=np.float64)
        known = np.isin(histogram.keys, self.edges)
        counts = np.zeros(self.count)
        counts[np.searchsorted(self.edges, histogram.keys[known])] = histogram.counts[known]
        if self.others:
            counts[-1] = histogram.counts[~known].sum()
        return counts

    def strange(self, histogram: Histogram) -> float:
        """How many values no bin is for: names that are new or rare, numbers beyond all that the reference has."""
        if self.names:
            return 0.0 if self.others else float(histogram.counts[~np.isin(histogram.keys, self.edges)].sum())
        beyond = (histogram.keys < self.lowest) | (histogram.keys > self.highest)
        return float(histogram.counts[beyond].sum())


def cut(reference: Histogram, *, current_size: float) -> Bins | None:
    """Cut the reference into bins that both samples expect at least `LEAST_EXPECTED` values in; None if it has fewer.

    Numbers are cut at its quantiles, into at most ten.
    """
    size = reference.size
    least = LEAST_EXPECTED / max(min(size, current_size), 1e-9)
    if least > 1:
        return None
    return _names(reference, least) if reference.grid is None else _numbers(reference, least)


def _numbers(reference: Histogram, least: float) -> Bins:
    present = reference.counts > 0
    keys, shares = reference.keys[present], np.cumsum(reference.counts[present]) / reference.size
    wanted = min(MOST, int(1 / least))
    edges, below = [], 0.0
    for target in np.arange(1, wanted) / wanted:
        at = int(np.searchsorted(shares, max(target, below + least) - 1e-12))
        if at + 1 < shares.size and 1 - shares[at] >= least:
            edges.append(keys[at + 1])
            below = float(shares[at])
    return Bins(
        names=False,
        edges=np.unique(np.array(edges, dtype=np.int64)),
        lowest=int(keys[0]),
        highest=int(keys[-1]),
    )


def _names(reference: Histogram, least: float) -> Bins:
    """A bin for each name that is clearly more frequent than all the names without one.

    Without a gap, names that happened to come often would get bins and the others none: then the reference's counts
    are too high in the bins and too low outside, and that alone would look like drift.
    """
    order = np.argsort(-reference.counts, kind="stable")
    counts = np.append(reference.counts[order], 0.0)
    gaps = counts[:-1] - counts[1:] >= _CLEARLY * np.sqrt(counts[:-1] + counts[1:])
    fit = gaps & (counts[:-1] >= least * reference.size) & (np.arange(gaps.size) < _MOST_NAMES)
    named = int(np.flatnonzero(fit)[-1]) + 1 if fit.any() else 0
    return Bins(
        names=True,
        edges=np.sort(reference.keys[order[:named]]),
        others=named == 0 or bool(counts[named:].sum() >= least * reference.size),
    )
