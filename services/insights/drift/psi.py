"""The population stability index of two samples, judged by how large they are.

PSI = sum over the bins of (p - q) ln(p / q), where q are the reference's shares and p the current ones. Without drift
PSI n m / (n + m) has about the chi-square distribution with B - 1 degrees of freedom, for n and m values in B bins
(Yurdakul, Naranjo, "Statistical properties of the population stability index", Journal of Risk Model Validation 14(4),
2020). So the threshold is (1/n + 1/m) times its quantile. The rule of thumb "0.1 is moderate, 0.25 is major" knows
nothing of n: it alarms at 50 values by chance, and misses at 100,000 what is certain.

It holds for values that are independent of each other, and for bins that expect `bins.LEAST_EXPECTED` values or more.
"""

import math

import msgspec
import numpy as np
from scipy import special

from services.insights.comparing import Interval
from services.insights.drift.histograms import Floats

_HALF = 0.5
"""Added to every count, so that a bin without values has a logarithm. Without it the tails are too heavy: with 30
expected values in each of ten bins, 1.5 times as many false alarms at p = 0.0002."""
_LARGE = 1e4
"""Beyond it the noncentral chi-square is as good as normal after a square root, and scipy's inverse gets slow."""


class Psi(msgspec.Struct, frozen=True, kw_only=True):
    """A PSI and what is known of it."""

    value: float
    """From 0, without a unit: as it is estimated, so without drift still about (B - 1) (1/n + 1/m)."""
    interval: Interval
    """Of the true PSI, at `level`."""
    level: float
    threshold: float
    """What `value` must be above for an alarm, at `alpha`."""
    alpha: float
    least: float
    """The true PSI up to which drift does not matter."""
    p_value: float
    """How likely at least such a value is with a true PSI of `least`."""
    reference_size: float
    current_size: float
    bins: int

    @property
    def alarm(self) -> bool:
        """Whether it is above its threshold: without drift that matters with probability `alpha` at most."""
        return self.value > self.threshold


def values(reference: Floats, current: Floats) -> Floats:
    """The PSI of counts in bins, which are the last axis; both have the same bins."""
    q, p = ((each + _HALF) / (each + _HALF).sum(axis=-1, keepdims=True) for each in (reference, current))
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def compare(reference: Floats, current: Floats, *, alpha: float, least: float = 0.0, level: float = 0.95) -> Psi:
    """Judge the counts of one series: each sample's values in each bin, one axis.

    With `least` 0 any drift is looked for, and a million values find one that nobody could ever notice. A shift of
    0.1 standard deviations has a PSI of about 0.01.

    `alpha` and `level` are between 0 and 1, excluded; `least` is 0 or more. The interval, and the threshold with
    `least`, take the statistic for noncentral chi-square with the noncentrality PSI n m / (n + m). That holds while the
    true PSI is small; the tests simulate it up to 0.24, a shift of half a standard deviation.

    Raises:
        ValueError: Counts are not one for each bin in both, or one of the samples is empty.
    """
    n, m = float(np.sum(reference)), float(np.sum(current))
    if reference.shape != current.shape or reference.ndim != 1 or not (n > 0 and m > 0):
        raise ValueError("give both samples' counts in the same bins, with at least one value in each")
    bins, scale = reference.size, n * m / (n + m)
    value = float(values(reference, current))
    return Psi(
        value=value,
        interval=_interval(value, degrees=bins - 1, scale=scale, level=level),
        level=level,
        threshold=_quantile(alpha, bins - 1, least=least * scale) / scale if bins > 1 else 0.0,
        alpha=alpha,
        least=least,
        p_value=_above(value * scale, bins - 1, least=least * scale) if bins > 1 else 1.0,
        reference_size=n,
        current_size=m,
        bins=bins,
    )


def _quantile(alpha: float, degrees: int, *, least: float) -> float:
    """What a statistic is above with probability `alpha`, at this noncentrality."""
    if least <= 0:
        return float(special.chdtri(degrees, alpha))
    if least <= _LARGE:
        return float(special.chndtrix(1 - alpha, degrees, least))
    return float((math.sqrt(least + (degrees - 1) / 2) - special.ndtri(alpha)) ** 2 + (degrees - 1) / 2)


def _above(statistic: float, degrees: int, *, least: float) -> float:
    """How likely it is to be at least this large, at this noncentrality."""
    if least <= 0:
        return float(special.chdtrc(degrees, statistic))
    if least <= _LARGE:
        return max(0.0, 1 - float(special.chndtr(statistic, degrees, least)))
    middle = (degrees - 1) / 2
    return float(special.ndtr(math.sqrt(least + middle) - math.sqrt(max(0.0, statistic - middle))))


def _interval(value: float, *, degrees: int, scale: float, level: float) -> Interval:
    if degrees < 1:
        return Interval(0.0, 0.0)
    outside = (1 - level) / 2
    low, high = (_noncentrality(value * scale, degrees, below=below) for below in (1 - outside, outside))
    return Interval(low / scale, high / scale)


def _noncentrality(statistic: float, degrees: int, *, below: float) -> float:
    """The noncentrality at which a statistic is below this one with probability `below`; 0 if none is as small."""
    if special.chdtr(degrees, statistic) <= below:
        return 0.0
    if statistic > _LARGE:
        root = math.sqrt(statistic - (degrees - 1) / 2) - special.ndtri(below)
        return float(root**2 - (degrees - 1) / 2)
    return float(special.chndtrinc(statistic, degrees, below))
