"""The Net Promoter Score: the share of promoters less that of detractors, in points from -100 to 100.

Both shares are of the same people, so their difference is that of the two discordant cells of a paired table, for
which Tango ("Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
1998) gives the score interval: all scores that a test does not reject whose variance is taken where that score is true.
The usual interval (value ± 1.96 standard errors) is too narrow for few answers, and of no width where all agree.
"""

import math
from typing import Final

from scipy.special import ndtri

from services.insights.kpis.figures import Figure

LEAST_ANSWERS: Final = 30
PROMOTER: Final = 9
"""Answers from 0 to 10: from this one on a promoter, and at most `DETRACTOR` a detractor."""
DETRACTOR: Final = 6
_ROUNDS: Final = 60


def nps(promoters: int, detractors: int, n: int, *, alpha: float = 0.05) -> Figure:
    """The score of `n` answers, one a person. None is told of fewer than `LEAST_ANSWERS`."""
    if n < LEAST_ANSWERS:
        return Figure(n=n, level=1 - alpha)
    z, value = float(-ndtri(alpha / 2)), (promoters - detractors) / n
    low = _bound(promoters, detractors, n=n, z=z)
    high = -_bound(detractors, promoters, n=n, z=z)
    return Figure(value=100 * value, low=100 * low, high=100 * high, n=n, level=1 - alpha)


def _bound(gains: int, losses: int, *, n: int, z: float) -> float:
    """The lowest difference that is not rejected, by halving: the statistic falls as the difference grows."""
    below, above = -1.0, (gains - losses) / n
    for _ in range(_ROUNDS):
        middle = (below + above) / 2
        if _statistic(gains, losses, n=n, difference=middle) > z:
            below = middle
        else:
            above = middle
    return below


def _statistic(gains: int, losses: int, *, n: int, difference: float) -> float:
    """How many standard errors the counts lie above a difference, at the likeliest shares that have it."""
    a = 2.0 * n
    b = (2 * n - gains + losses) * difference - gains - losses
    c = -losses * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * share + difference * (1 - difference))
    over = gains - losses - n * difference
    if variance <= 0:
        return math.inf if over > 0 else 0.0
    return over / math.sqrt(variance)
