"""Confidence sequences: intervals that hold at every look, however often and for whatever reason one looks.

Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
Annals of Statistics 52(6), 2024. They are asymptotic: what is proven holds for samples that grow, like the normal
approximation behind any t-test. `comparing` says what was done for small ones, and the tests measure it.
"""

import math
from typing import Final

TIGHTEST_AT: Final = 5000
"""Subjects at which the sequences are tightest, N*. They hold everywhere; with alpha 0.05 they are 1.55 times as wide
as an interval for a single look there, 2.0 times at a tenth of it and 1.65 times at ten times of it."""


def rho(alpha: float) -> float:
    """How the width is spread over the sizes of a sample, so that it is least at N*; eq. 10 for the sequence of eq. 9.

    `alpha` is between 0 and 1, excluded.
    """
    least = -2 * math.log(alpha)
    return math.sqrt((least + math.log(least + 1)) / TIGHTEST_AT)


def half_width(sigma: float, *, subjects: float, alpha: float) -> float:
    """Half of the width of the two-sided sequence, eq. 9; infinite for no subjects.

    `sigma` is the standard deviation of what the estimate is the mean of, and `subjects` how many of it there are: so
    `sigma / sqrt(subjects)` is the estimate's standard error. With probability 1 - alpha the truth is never farther
    away from the estimate, at any size.
    """
    if subjects <= 0:
        return math.inf
    spread = subjects * rho(alpha) ** 2
    return sigma * _scale(subjects, spread) * math.sqrt(math.log(math.sqrt(spread + 1) / alpha))


def reach(sigma: float, *, subjects: float, alpha: float) -> float:
    """How far the one-sided sequence reaches: with probability 1 - alpha the truth is never farther away on that side.

    The mixture is over effects of one sign, so the whole `alpha` is spent on that side: ln(1 + sqrt(N rho^2 + 1) / (2
    alpha)) in place of eq. 9's ln(sqrt(N rho^2 + 1) / alpha), and `rho` of 2 alpha. So it reaches about as far as the
    two-sided one at twice the alpha. `alpha` is below 0.5.
    """
    if subjects <= 0:
        return math.inf
    spread = subjects * rho(2 * alpha) ** 2
    return sigma * _scale(subjects, spread) * math.sqrt(math.log1p(math.sqrt(spread + 1) / (2 * alpha)))


def p_value(deviation: float, *, subjects: float, alpha: float) -> float:
    """The always-valid p-value of an estimate so many standard errors away from what is tested, from 0 to 1.

    The inverse of `half_width` for a `rho` that stays that of `alpha`: at most `alpha` exactly where the sequence
    excludes what is tested. It may be looked at as often as one likes, and its least value may be kept.
    """
    if subjects <= 0:
        return 1.0
    spread = subjects * rho(alpha) ** 2
    return min(1.0, math.sqrt(spread + 1) * math.exp(-(deviation**2) * spread / (2 * (spread + 1))))


def _scale(subjects: float, spread: float) -> float:
    return math.sqrt(2 * (spread + 1) / (subjects * spread))
