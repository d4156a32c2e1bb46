"""Which decisions people review, so that the error rate of all of them is known from those few.

Each decision is taken with a probability that its risk and its disagreement with the shadow raise, and that is kept
beside it. Weighted by the inverse of it, what was found estimates all decisions without bias (Horvitz, Thompson 1952).
Decisions are drawn independently (Poisson sampling), by a number made from the seed and the decision's id: the same
decision is drawn again whatever else is there, in whatever order and however often one asks.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from services.insights.signals.alerts import LEVEL, Bools, Floats

MIN_REVIEWED: Final = 10
"""Reviewed decisions before a rate is told."""

_EXACT: Final = 1e15
"""Reviews that leave nothing to chance in a float; the quantile of a beta distribution is lost among more."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How likely a decision is reviewed, 0 to 1 each; the likeliest counts."""

    random: float
    """Any decision: above 0, or nothing could be said of those that look harmless."""
    risk: float = 0.0
    """A decision of the highest risk; in proportion below it."""
    disagreement: float = 0.0
    """A decision whose shadow said something else."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What reviews have found, as sums over reviewed decisions; sums of different decisions add up."""

    reviewed: int = 0
    wrong: int = 0
    weights: float = 0.0
    """Sum of 1 / p, which estimates how many decisions there were."""
    wrong_weights: float = 0.0
    squares: float = 0.0
    """Sum of (1 - p) / p^2, the variance of `weights`."""
    wrong_squares: float = 0.0

    @classmethod
    def of(cls, wrong: ArrayLike, *, probabilities: ArrayLike) -> "Sums":
        """From the reviewed decisions: whether each was wrong, and the probability it was drawn with.

        Raises:
            ValueError: The columns are not equally long, or a probability is not above 0 and at most 1.
        """
        bad, p = np.asarray(wrong, dtype=bool), np.asarray(probabilities, dtype=np.float64)
        if bad.shape != p.shape or p.ndim != 1 or not ((p > 0) & (p <= 1)).all():
            raise ValueError("give for each reviewed decision whether it was wrong, and its probability, 0 to 1")
        weight, square = 1 / p, (1 - p) / p**2
        return cls(
            reviewed=p.size,
            wrong=int(bad.sum()),
            weights=float(weight.sum()),
            wrong_weights=float(weight[bad].sum()),
            squares=float(square.sum()),
            wrong_squares=float(square[bad].sum()),
        )

    def __add__(self, other: "Sums") -> "Sums":
        """The sums over both, of which no decision may be in both."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class ErrorRate(msgspec.Struct, frozen=True, kw_only=True):
    """How many of all decisions are wrong."""

    value: float
    """Unbiased, by Horvitz and Thompson; above 1 it can be by chance."""
    low: float
    high: float
    level: float = LEVEL
    reviewed: int
    effective: float
    """As many decisions drawn evenly would tell as much."""


def probabilities(risk: ArrayLike, disagrees: ArrayLike, *, rates: Rates) -> Floats:
    """With which probability each decision is reviewed. Depends on nothing but the decision itself.

    `risk` is from 0 to 1 (NaN where unknown counts as the highest), `disagrees` whether its shadow said otherwise.

    Raises:
        ValueError: A rate is not from 0 to 1, `rates.random` is 0, or the columns are not equally long.
    """
    if not (0 < rates.random <= 1 and 0 <= rates.risk <= 1 and 0 <= rates.disagreement <= 1):
        raise ValueError("rates are from 0 to 1, and the random one above 0")
    high, other = np.asarray(risk, dtype=np.float64), np.asarray(disagrees, dtype=bool)
    if high.shape != other.shape:
        raise ValueError("give each decision a risk, and whether its shadow disagrees")
    by_risk = rates.risk * np.clip(np.where(np.isnan(high), 1.0, high), 0.0, 1.0)
    found: Floats = np.maximum(np.maximum(rates.random, by_risk), np.where(other, rates.disagreement, 0.0))
    return found


def drawn(ids: ArrayLike, chances: ArrayLike, *, seed: int) -> Bools:
    """Which decisions are reviewed: those whose number, from `seed` and id, is below their probability.

    `ids` are texts of up to some hundred ASCII characters. The numbers are spread evenly, but no secret: whoever knows
    the seed knows who is drawn.
    """
    found: Bools = _numbers(np.asarray(ids, dtype=np.bytes_), seed) < np.asarray(chances, dtype=np.float64)
    return found


def error_rate(sums: Sums, *, decisions: int, level: float = LEVEL) -> ErrorRate | None:
    """Estimate the share of wrong ones among `decisions`, all that could have been drawn; None below 10 reviews.

    The interval is that of Clopper and Pearson at the effective number of reviews (Korn, Graubard 1998), from the
    variance of Horvitz and Thompson's estimate. Its upper end trusts at most as many reviews as the weights are worth
    (Kish): where nothing wrong was found among rarely drawn decisions, that variance does not know of them.

    Raises:
        ValueError: There are fewer decisions than reviews.
    """
    if decisions < sums.reviewed:
        raise ValueError("decisions must be all that could have been drawn")
    if sums.reviewed < MIN_REVIEWED:
        return None
    rate = sums.wrong_weights / decisions
    if sums.reviewed == decisions:
        return ErrorRate(value=rate, low=rate, high=rate, level=level, reviewed=decisions, effective=float(decisions))
    share, tail = min(rate, 1.0), (1 - level) / 2
    evenly = min(sums.weights**2 / (sums.squares + sums.weights), float(sums.reviewed))
    variance = sums.wrong_squares / decisions**2
    known = share * (1 - share) / variance if variance > 0 else np.inf
    least = min(evenly, known)
    low = share if known >= _EXACT else 0.0
    if share > 0 and 0 < known < _EXACT:
        low = float(betaincinv(share * known, known - share * known + 1, tail))
    return ErrorRate(
        value=rate,
        low=low,
        high=float(betaincinv(share * least + 1, least - share * least, 1 - tail)) if share < 1 and least > 0 else 1.0,
        level=level,
        reviewed=sums.reviewed,
        effective=least,
    )


def _numbers(ids: NDArray[np.bytes_], seed: int) -> Floats:
    """Numbers from 0 to 1, 1 excluded: splitmix64 (Steele, Lea, Flood 2014) over the id's bytes, 8 at a time.

    Words of zeros are left out, so that a longer id beside it does not change an id's number.
    """
    size = max(1, -(-ids.dtype.itemsize // 8))
    words = np.ascontiguousarray(ids.ravel().astype(f"S{8 * size}")).view("<u8").reshape(-1, size)
    state = _mixed(np.full(words.shape[0], seed % 2**64, dtype=np.uint64))
    for at in range(size):
        state = np.where(words[:, at] == 0, state, _mixed(state ^ words[:, at]))
    found: Floats = (state >> np.uint64(11)).astype(np.float64) / 2.0**53
    return found.reshape(ids.shape)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
