"""How large the largest of many counts gets by chance, from the largest of before.

What lies beyond a high threshold u is about a generalised Pareto distribution, whatever the counts' own (Pickands
1975): P(X >= x | X >= u) = (1 + xi (x - u) / sigma)^(-1 / xi). xi and sigma come from L-moments (Hosking, Wallis 1987),
which bear few and heavy values. Counts are whole: those alike are spread evenly over their unit, so that ties say no
more than they know. xi is taken as an upper limit, never below 0: what was never seen is thought likelier, not rarer.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from services.insights.signals.alerts import Floats

MIN_BEYOND: Final = 100
"""Counts that must lie at the threshold or beyond it, before anything is said of larger ones."""
_CAUTION: Final = 1.645
_HEAVIEST: Final = 0.9


class Extremes(msgspec.Struct, frozen=True, kw_only=True):
    """What the largest counts are like."""

    threshold: float
    beyond: int
    """How many counts of the past were at least `threshold`."""
    shape: float
    """xi, an upper limit, 0 to 0.9: 0 where tails are exponential."""
    scale: float
    """sigma."""

    @classmethod
    def of(cls, histogram: ArrayLike) -> "Extremes | None":
        """From how often each count occurred, counts 0, 1, 2 and so on; None where there are fewer than 100 above 0.

        Histograms of several times add up.

        Raises:
            ValueError: A frequency is negative or not finite.
        """
        often = np.floor(np.asarray(histogram, dtype=np.float64))
        if often.ndim != 1 or not (np.isfinite(often).all() and (often >= 0).all()):
            raise ValueError("frequencies must be finite and not negative")
        often[:1] = 0
        at_least = np.cumsum(often[::-1])[::-1]
        enough = np.flatnonzero(at_least >= MIN_BEYOND)
        if not enough.size:
            return None
        threshold = int(enough[-1])
        times = often[threshold:].astype(np.int64)
        first = np.repeat(np.cumsum(times) - times, times)
        places = (np.arange(int(times.sum())) - first + 0.5) / np.repeat(times, times)
        beyond = np.repeat(np.arange(times.size), times) + places
        size = beyond.size
        mean = float(beyond.mean())
        spread = 2 * float((beyond * np.arange(size)).sum() / (size * (size - 1))) - mean
        heavy = max(0.0, 2 - mean / spread)
        shape = min(_HEAVIEST, heavy + _CAUTION * (1 + heavy) / np.sqrt(size))
        return cls(threshold=float(threshold), beyond=size, shape=shape, scale=mean * (1 - shape))

    def expected(self, counts: ArrayLike, *, share: float) -> Floats:
        """How many counts as large, or larger, come in `share` of the past's time; at most `beyond` times it."""
        excess = np.maximum(np.asarray(counts, dtype=np.float64) - self.threshold, 0.0)
        found: Floats = share * self.beyond * (1 + self.shape * excess / self.scale) ** (-1 / self.shape)
        return found

    def largest(self, chance: float, *, share: float) -> float:
        """What the largest count of `share` of the past's time stays below with this chance, 0 to 1 excluded."""
        wanted = -np.log(chance) / (share * self.beyond)
        return self.threshold + self.scale / self.shape * max(0.0, float(wanted**-self.shape) - 1)
