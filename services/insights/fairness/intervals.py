"""Intervals and tests for two groups of counts that hold for few people and for rates near 0 and 1.

All take arrays (or numbers) of one shape: `x` of `n` in the group, `x0` of `n0` in the reference. Counts may be
fractions, since `designs` makes them smaller where persons have several decisions.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betaincinv, gammaincinv, ndtri

Values = NDArray[np.float64]
_FAR: Final = 50.0
"""Logarithm of the farthest ratio that is looked at."""
_ROUNDS: Final = 11
"""Each makes the bracket of a bound 16 times as narrow, so that twelve digits are right: 100 / 16^11."""


def wilson(x: Values, n: Values, *, alpha: Values) -> tuple[Values, Values]:
    """The score interval of a share (Wilson 1927); from 0 to 1 for nobody."""
    z2 = ndtri(alpha / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (x + z2 / 2) / (n + z2)
        half = np.sqrt(z2 * (x * (n - x) / n + z2 / 4)) / (n + z2)
    nobody = n <= 0
    return np.where(nobody, 0.0, np.maximum(0, middle - half)), np.where(nobody, 1.0, np.minimum(1, middle + half))


def newcombe(x: Values, n: Values, x0: Values, n0: Values, *, alpha: Values) -> tuple[Values, Values]:
    """The interval of the difference of two shares, x/n - x0/n0, from Wilson's two (Newcombe 1998, method 10)."""
    (low, high), (low0, high0) = wilson(x, n, alpha=alpha), wilson(x0, n0, alpha=alpha)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, p0 = x / n, x0 / n0
    below, above = np.hypot(p - low, high0 - p0), np.hypot(high - p, p0 - low0)
    nobody = (n <= 0) | (n0 <= 0)
    return np.where(nobody, -1.0, p - p0 - below), np.where(nobody, 1.0, p - p0 + above)


def koopman(x: Values, n: Values, x0: Values, n0: Values, *, alpha: Values) -> tuple[Values, Values]:
    """The score interval of the ratio of two shares (Koopman 1984): all ratios that a chi-square test does not reject.

    0 below where the group has none, infinite above where the reference has none. Asymptotic, yet its coverage stays
    near the level where the interval from the logarithm breaks down; the tests simulate it.
    """
    z2 = ndtri(alpha / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.nan_to_num(np.clip(np.log(x / n) - np.log(x0 / n0), -_FAR, _FAR), nan=0.0)
    near = np.stack([middle, middle])
    step = np.stack([-_FAR - middle, _FAR - middle])
    for _ in range(_ROUNDS):
        step = step / 16
        places = near + step * np.arange(1, 16).reshape(-1, 1, *(1 for _ in middle.shape))
        near = near + step * (_statistic(np.exp(places), x, n, x0, n0) <= z2).sum(axis=0)
    bounds = np.exp(near + step / 2)
    return np.where((x <= 0) | (n0 <= 0), 0.0, bounds[0]), np.where((x0 <= 0) | (n <= 0), np.inf, bounds[1])


def _statistic(ratio: Values, x: Values, n: Values, x0: Values, n0: Values) -> Values:
    """Squared difference x/n - ratio x0/n0 by its variance where the shares have that ratio and are likeliest."""
    a, b, c = (n + n0) * ratio, n * ratio + x + n0 + x0 * ratio, x + x0
    # This root of a p^2 - b p + c loses no digits for very large and small ratios, as the usual form would.
    with np.errstate(invalid="ignore", divide="ignore"):
        p0 = 2 * c / (b + np.sqrt(np.maximum(0, b * b - 4 * a * c)))
        p = ratio * p0
        variance = p * np.maximum(0, 1 - p) / n + ratio**2 * p0 * np.maximum(0, 1 - p0) / n0
        square = (x / n - ratio * x0 / n0) ** 2
        found: Values = np.where(square > 0, square / variance, 0.0)
    return found


def fisher(x: Values, n: Values, x0: Values, n0: Values) -> Values:
    """Two-sided p-value of equal shares: twice the smaller tail of the hypergeometric distribution, at most 1.

    Exact: with whole numbers it is at most alpha with a probability of at most alpha, whatever the shares and sizes.
    Chi-square is not where alpha was split by many tests and events are few. Fractions are rounded.
    """
    from scipy.stats import hypergeom  # takes half a second

    got, people, others = np.rint(x), np.maximum(np.rint(n), np.rint(x)), np.maximum(np.rint(n0), np.rint(x0))
    everybody, events = people + others, got + np.rint(x0)
    less = hypergeom.cdf(got, everybody, events, people)
    more = hypergeom.sf(got - 1, everybody, events, people)
    p_value: Values = np.nan_to_num(np.minimum(1.0, 2 * np.minimum(less, more)), nan=1.0)
    return p_value


def garwood(x: Values, d: Values, *, alpha: Values) -> tuple[Values, Values]:
    """The exact interval of a Poisson rate x/d (Garwood 1936); from 0 to infinity for no exposure."""
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(x > 0, gammaincinv(np.maximum(x, 1e-9), alpha / 2), 0.0) / d
        high = gammaincinv(x + 1, 1 - alpha / 2) / d
    return np.where(d > 0, low, 0.0), np.where(d > 0, high, np.inf)


def poisson(x: Values, d: Values, x0: Values, d0: Values, *, alpha: Values) -> tuple[Values, Values, Values]:
    """Of the ratio of two Poisson rates, x/d by x0/d0: the interval and the two-sided p-value of 1.

    Given x + x0, the group's share of it is binomial (Przyborowski, Wilenski 1940), and its exact interval is that of
    Clopper and Pearson; both agree on what they exclude. d and d0 are exposures above 0.
    """
    one = np.ones_like(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(x > 0, betaincinv(np.maximum(x, 1e-9), x0 + 1, alpha / 2), 0.0)
        high = np.where(x0 > 0, betaincinv(x + 1, np.maximum(x0, 1e-9), 1 - alpha / 2), 1.0)
        expected = d / (d + d0)
        more = np.where(x > 0, betainc(np.maximum(x, 1e-9), x0 + 1, expected), one)
        less = np.where(x0 > 0, betaincc(x + 1, np.maximum(x0, 1e-9), expected), one)
        scale = d0 / d
        ratio_low, ratio_high = low / (1 - low) * scale, np.where(high >= 1, np.inf, high / (1 - high) * scale)
    nothing = (x + x0 <= 0) | (d <= 0) | (d0 <= 0)
    p_value = np.nan_to_num(np.minimum(1.0, 2 * np.minimum(more, less)), nan=1.0)
    return np.where(nothing, 0.0, ratio_low), np.where(nothing, np.inf, ratio_high), np.where(nothing, 1.0, p_value)
