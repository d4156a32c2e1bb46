"""An early word: two detectors that listen to a measure while its window is not over yet.

Values become ranks among the reference's, so that heavy tails do no harm, and batches of ranks become means with
variance 1, which are about normal. Page-Hinkley finds a level other than the reference's, ADWIN a change within the
stream. Both are `river`'s. Each gets half of `alpha`, the probability that a stream without drift ever gets a word:

- Page-Hinkley is a two-sided CUSUM. Its threshold h for `_DRIFT` = k follows from the mean time between false alarms,
  (exp(2 k b) - 1 - 2 k b) / (2 k^2) with b = h + 1.166 (Siegmund, "Sequential Analysis", 1985), on each side.
- ADWIN (Bifet, Gavaldà, "Learning from time-changing data with adaptive windowing", 2007) takes its delta for the
  probability. Its bound is for values between 0 and 1; it is given means divided by 2. Of 1,000 simulated streams of
  1,000 normal means 2 % got a word at delta 0.1, and 0.1 % at 0.01; divided by 8, as the bound would ask for, none
  did, and shifts were found after three times as long.

It holds for values that are independent of each other and have one distribution all day: for a measure that is
different at night, listen to each part of the day with a reference of its own.
"""

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, Protocol

import msgspec
import numpy as np

from services.insights import sequences
from services.insights.comparing import Interval
from services.insights.drift.histograms import Floats, Grid, Histogram

LEAST_REFERENCE: Final = 1000
MOST_STEPS: Final = 1000
"""Batches of a stream at most: what the false alarms were simulated with."""
_LEAST_BATCH: Final = 10
_MOST_SKEWNESS: Final = 0.3
"""Of a batch's mean; so rare events make large batches."""
_DRIFT: Final = 0.4
"""Half of the shift that Page-Hinkley finds fastest, in standard deviations of a batch's mean."""
_BEFORE: Final = 100
"""Batches that the reference counts for in Page-Hinkley's running mean."""
_OVERSHOOT: Final = 1.166


class Detector(StrEnum):
    """Which of the two has spoken."""

    PAGE_HINKLEY = "page_hinkley"
    ADWIN = "adwin"


class Listening(msgspec.Struct, frozen=True):
    """How a stream will be listened to, said before it begins."""

    batch: int
    """Values that are taken together."""
    alpha: float
    """How likely a word is without drift, over the whole stream of at most `MOST_STEPS` batches."""


class _Detects(Protocol):
    @property
    def drift_detected(self) -> bool: ...

    def update(self, x: float) -> None: ...


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """The first word about a stream."""

    detector: Detector
    values: int
    """How many values had been read."""
    rank: float
    """The mean rank of all of them, from 0 to 1; 0.5 without drift."""
    interval: Interval
    """Of the true mean rank, at 95 %: it holds at whatever time a word comes (see `sequences`)."""
    reference_size: float
    alpha: float


def plan(reference: Histogram, *, expected: int, alpha: float) -> Listening | None:
    """How to listen to a stream of numbers of about this length; None where the reference is too small or constant.

    `alpha` is between 0 and 1, excluded; for many series give each its part.
    """
    if reference.grid is None or reference.size < LEAST_REFERENCE:
        return None
    ranks, shares = _ranks(reference), reference.counts / reference.size
    variance = float(shares @ (ranks - 0.5) ** 2)
    if variance <= 0:
        return None
    skewness = float(shares @ (ranks - 0.5) ** 3) / variance**1.5
    return Listening(
        batch=max(_LEAST_BATCH, math.ceil(expected / MOST_STEPS), math.ceil((skewness / _MOST_SKEWNESS) ** 2)),
        alpha=alpha,
    )


def listen(values: Floats, *, reference: Histogram, listening: Listening) -> Word | None:
    """The first word about a stream, in the order of time from its beginning; None if there is none so far.

    Reading more values later gives the same word again, so it may be asked as often as one likes.

    Raises:
        ValueError: The reference is not one that `plan` accepts.
    """
    if reference.grid is None or not np.any(reference.counts > 0):
        raise ValueError("plan with this reference before listening")
    ranks = _ranks(reference)
    deviation = math.sqrt(float(reference.counts @ (ranks - 0.5) ** 2) / reference.size)
    if deviation <= 0:
        raise ValueError("plan with this reference before listening")
    steps = min(values.size // listening.batch, MOST_STEPS)
    read = _rank_of(values[: steps * listening.batch], reference, reference.grid)
    means = (read.reshape(steps, listening.batch).mean(axis=1) - 0.5) * math.sqrt(listening.batch) / deviation
    found = first_word(means, alpha=listening.alpha)
    if found is None:
        return None
    step, detector = found
    used = read[: step * listening.batch]
    width = sequences.half_width(float(used.std()), subjects=used.size, alpha=0.05)
    rank = float(used.mean())
    return Word(
        detector=detector,
        values=used.size,
        rank=rank,
        interval=Interval(max(0.0, rank - width), min(1.0, rank + width)),
        reference_size=reference.size,
        alpha=listening.alpha,
    )


def first_word(means: Floats, *, alpha: float) -> tuple[int, Detector] | None:
    """After how many batches somebody speaks first, and who; None for nobody so far.

    `means` are those of batches, less what is expected of them, in standard errors: at most `MOST_STEPS` of them.
    Without drift any word comes with a probability of `alpha` at most.
    """
    return min(((step, which) for step, which in _words(means, alpha=alpha / 2) if step), default=None)


def _words(means: Floats, *, alpha: float) -> Iterator[tuple[int, Detector]]:
    """After how many batches each has spoken first; 0 for never."""
    # river brings pandas, which is slow to import.
    from river.drift import ADWIN, PageHinkley

    hinkley = PageHinkley(min_instances=_BEFORE + 1, delta=_DRIFT, threshold=threshold(alpha), alpha=1.0)
    for _ in range(_BEFORE):
        hinkley.update(0.0)
    yield _first(hinkley, means), Detector.PAGE_HINKLEY
    yield _first(ADWIN(delta=alpha, clock=4), means / 2 + 0.5), Detector.ADWIN


def _first(detector: _Detects, means: Floats) -> int:
    for step, mean in enumerate(means.tolist(), start=1):
        detector.update(mean)
        if detector.drift_detected:
            return step
    return 0


def threshold(alpha: float) -> float:
    """Page-Hinkley's, with which a stream of `MOST_STEPS` batches without drift gets a word with this probability."""
    between = 2 * MOST_STEPS / alpha
    return math.log1p(2 * _DRIFT**2 * between) / (2 * _DRIFT) - _OVERSHOOT


def _ranks(reference: Histogram) -> Floats:
    """The share of the reference below each of its cells, with half of the cell's own."""
    return np.asarray((np.cumsum(reference.counts) - reference.counts / 2) / reference.size)


def _rank_of(values: Floats, reference: Histogram, grid: Grid) -> Floats:
    cells = grid.cells(values)
    below = np.concatenate([[0.0], np.cumsum(reference.counts)]) / reference.size
    left, right = (np.searchsorted(reference.keys, cells, side=each) for each in ("left", "right"))
    return np.asarray((below[left] + below[right]) / 2)
