"""What a count of events should be, from counts before: negative binomial, as wide as the past has varied.

A count of the past with S events says of a Poisson count with t times its exposure: P(Y >= y) is the tail of the
binomial distribution of y among y + S with the chance t / (1 + t). That is the negative binomial with shape S + 1 and
mean t (S + 1), exactly (Przyborowski, Wilenski 1940). Real counts vary more from day to day: the variance is mean +
phi mean^2, with phi by moments. So the shape here is 1 / (phi + phi / P + 1 / (S + 1)) for P periods of the past. With
phi = 0 it is the exact test.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, chdtri, ndtri, stdtr

from services.insights.signals.alerts import LEVEL, Floats

_CAUTION: Final = 0.1
"""phi is not its estimate but an upper limit: the variance of P periods is known to a factor chi2(P - 1) / (P - 1),
and this quantile of it is taken. Without it 28 periods of the past raise twice the alarms that are stated."""
_LEAST: Final = 1e-12
"""Instead of 0, for shapes that must be positive."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What counts should be, each a mean and how well it is known."""

    mean: Floats
    shape: Floats
    """Of the negative binomial distribution; its variance is mean + mean^2 / shape."""

    def at_least(self, counts: ArrayLike) -> Floats:
        """P(Y >= count): small where there are too many."""
        y = np.asarray(counts, dtype=np.float64)
        chance = self.mean / (self.mean + self.shape)
        return np.where(y <= 0, 1.0, betainc(np.maximum(y, 1.0), self.shape, chance))

    def at_most(self, counts: ArrayLike) -> Floats:
        """P(Y <= count): small where there are too few."""
        y = np.asarray(counts, dtype=np.float64)
        chance = self.shape / (self.mean + self.shape)
        found: Floats = betainc(self.shape, np.maximum(y, 0.0) + 1, chance)
        return found


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of several things in earlier periods: events, and what they are counted among."""

    events: Floats
    """How many events, by thing."""
    exposure: Floats
    """Among how much, by thing: calls, or periods."""
    periods: Floats
    """How many periods that amounts to, weighted by exposure: (sum c)^2 / sum c^2."""
    phi: Floats
    """Variation between periods beyond chance, an upper limit: variance = mean + phi mean^2."""

    @classmethod
    def of(cls, events: ArrayLike, *, exposure: ArrayLike | None = None) -> "Past":
        """From counts by thing and period; every period counts 1 where no exposure is given.

        Raises:
            ValueError: Counts are negative or not finite, or the shapes differ.
        """
        seen = np.asarray(events, dtype=np.float64)
        among = np.ones_like(seen) if exposure is None else np.asarray(exposure, dtype=np.float64)
        if seen.ndim != 2 or seen.shape != among.shape:
            raise ValueError("give counts by thing and period, and exposures of the same shape")
        if not (np.isfinite(seen).all() and np.isfinite(among).all() and (seen >= 0).all() and (among >= 0).all()):
            raise ValueError("counts and exposures must be finite and not negative")
        total, size = seen.sum(axis=1), among.sum(axis=1)
        rate = total / np.maximum(size, _LEAST)
        expected = rate[:, None] * among
        squares = np.maximum((expected**2).sum(axis=1), _LEAST)
        open_periods = np.maximum((among > 0).sum(axis=1), 2)
        varied = ((seen - expected) ** 2).sum(axis=1) / np.maximum(total, _LEAST) * open_periods / (open_periods - 1)
        at_most = np.maximum(varied, 1.0) * (open_periods - 1) / chdtri(open_periods - 1, 1 - _CAUTION)
        return cls(
            events=total,
            exposure=size,
            periods=size**2 / np.maximum((among**2).sum(axis=1), _LEAST),
            phi=np.maximum(at_most - 1, 0.0) * total / squares,
        )

    def expected(self, exposure: ArrayLike, *, extra: float = 1.0) -> Expected:
        """What `exposure` should show. `extra` is 1 for too many and 0 for too few: what makes the exact test exact."""
        among = np.asarray(exposure, dtype=np.float64)
        events = np.maximum(self.events + extra, _LEAST)
        unsure = self.phi * (1 + 1 / np.maximum(self.periods, 1.0)) + 1 / events
        mean = events * among / np.maximum(self.exposure, _LEAST)
        return Expected(mean=np.maximum(mean, _LEAST), shape=1 / unsure)


def by_logarithms(seen: Floats, before: Floats) -> Floats:
    """P(as much, or more), by thing and period, where days differ by log-normal factors; 1 below 2 earlier periods.

    Student's t of the logarithm, among those of earlier periods with any. Counts whose days differ by factors have
    heavier upper tails than negative binomial ones: too many is too many by both.
    """
    there = before > 0
    size = there.sum(axis=1, keepdims=True)
    logs = np.log(before, where=there, out=np.zeros_like(before))
    mean = logs.sum(axis=1, keepdims=True) / np.maximum(size, 1)
    squares = (((logs - mean) * there) ** 2).sum(axis=1, keepdims=True)
    error = np.sqrt(squares / np.maximum(size - 1, 1) * (1 + 1 / np.maximum(size, 1))) + 1e-9
    score = (np.log(np.maximum(seen, _LEAST)) - mean) / error
    return np.where(size < 2, 1.0, stdtr(np.maximum(size - 1, 1), -score))


def ratio_interval(seen: float, *, expected: float, shape: float, level: float = LEVEL) -> tuple[float, float, float]:
    """`seen` over `expected` with its interval: log-normal, with the variance 1 / seen + 1 / shape of the logarithm.

    Half an event is added to a count of 0, which has no logarithm; its ratio stays 0.
    """
    if expected <= 0:
        return (np.inf if seen else 0.0), 0.0, np.inf
    counted = seen or 0.5
    reach = float(np.exp(float(ndtri(0.5 + level / 2)) * np.sqrt(1 / counted + 1 / shape)))
    low = 0.0 if seen == 0 else counted / expected / reach
    return seen / expected, low, counted / expected * reach
