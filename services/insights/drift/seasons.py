"""Like with like: a reference weighed so that each hour of the day counts as much as it does in the window.

Nights have other calls than days, so a window with more of the night would look like drift. Each of the reference's
hours of day gets the share w that it has in the window. If all hours have the same distribution, the weighed shares are
known as well as those of n = 1 / sum(w^2 / n_h) values, with n_h the reference's values at that hour.

If hours differ, a bin that lives on badly known hours is known worse than that, by the factor sum(w^2 / n_h p_h) n /
sum(w p_h), with p_h the bin's share at that hour. With n divided by the largest such factor of all bins, the covariance
of fixed bins is an upper bound of the weighed shares': for any weights x of the bins, the variance of x under a mixture
that nowhere exceeds c times another one is at most c times that under the other, and differences between hours add
nothing.
"""

from collections.abc import Mapping
from functools import cached_property

import msgspec
import numpy as np

from services.insights.drift.histograms import Floats, Grid, Histogram, Keys, total

Hours = Mapping[int, Histogram]
"""A histogram for each hour, counted from any fixed hour; an hour without values may be left out."""


class Reference(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What a series was before: its values by hour of the cycle."""

    grid: Grid | None
    keys: Keys
    counts: Floats
    """Of each hour of the cycle and each key."""
    cycle_hours: int
    until_hour: int
    """The first hour that is no longer part of it."""

    @cached_property
    def sizes(self) -> Floats:
        """How many values there are of each hour of the cycle."""
        return np.asarray(self.counts.sum(axis=1))

    @classmethod
    def of(cls, hours: Hours, *, cycle_hours: int = 24) -> "Reference":
        """The reference of these hours. `cycle_hours` is 24 for hours of the day, 168 for those of the week.

        Raises:
            ValueError: There are no hours, or they are not of one grid, or the cycle has none.
        """
        if cycle_hours < 1:
            raise ValueError("give the cycle at least one hour")
        whole = total(hours.values())
        parts = tuple(hours.values())
        rows = np.repeat([hour % cycle_hours for hour in hours], [each.keys.size for each in parts])
        places = np.searchsorted(whole.keys, np.concatenate([each.keys for each in parts]))
        weights = np.concatenate([each.counts for each in parts])
        size = cycle_hours * whole.keys.size
        counts = np.bincount(rows * whole.keys.size + places, weights=weights, minlength=size).astype(np.float64)
        return cls(whole.grid, whole.keys, counts.reshape(cycle_hours, -1), cycle_hours, max(hours) + 1)


class Alike(msgspec.Struct, frozen=True, eq=False):
    """Two samples with the same shares of each hour of the cycle."""

    reference: Histogram
    """Its size is how many values know as much; counts are fractions."""
    noise: Histogram
    """The reference weighed by w^2 / n_h, of the same size: what it has more of than `reference` is known worse."""
    worst_size: float
    """The least n_h / w of any hour: no share is known worse than of so many values, not even one that never came."""
    current: Histogram
    left_out: float
    """Current values at hours that the reference has nothing of."""


def alike(reference: Reference, current: Hours) -> Alike | None:
    """Weigh the reference to the window's hours; None where they have no hour in common.

    Raises:
        ValueError: They are not of one grid, or the window has hours before the reference's end.
    """
    if current and min(current) < reference.until_hour:
        raise ValueError("take a reference that ends before the window begins")
    sizes = reference.sizes
    usable = {hour: each for hour, each in current.items() if sizes[hour % reference.cycle_hours] > 0}
    values = np.zeros(reference.cycle_hours)
    for hour, each in usable.items():
        values[hour % reference.cycle_hours] += each.size
    if values.sum() <= 0:
        return None
    present = values > 0
    weights = values[present] / values.sum()
    lacking = weights**2 / sizes[present]
    known = 1 / float(lacking.sum())
    at_hours = reference.counts[present] / sizes[present, None]
    everything = total(usable.values())
    if everything.grid != reference.grid:
        raise ValueError("give histograms of one grid")
    return Alike(
        reference=Histogram(reference.grid, reference.keys, weights @ at_hours * known),
        noise=Histogram(reference.grid, reference.keys, lacking @ at_hours * known**2),
        worst_size=float((sizes[present] / weights).min()),
        current=everything,
        left_out=sum(each.size for each in current.values()) - everything.size,
    )
