"""What changes within a day, told before the day is over: a stream of parts of hours, each held against its hour.

A window that is complete is judged by all its values at once (`watching`). Where an hour has few of them, or each hour
is off by little, that takes until the day is over; the detectors of `streaming` add up what hours have in common.

Each value scores by how often it is above one of the reference less how often it is below, at the same hour of the
day: a number from -1 to 1, of a name 1 less its share. So scores are 0 on average however much nights differ from days.
Parts of five minutes are put together until they have `LEAST_BATCH` values, and divided by their standard deviation,
which counts the reference's own error as all parts of an hour share it. Scores that hardly vary count as if they varied
by `_LEAST_VARIANCE`: sums of rare events are skewed, and so they are heard later, and never by chance more often.
"""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import special

from services.insights.comparing import Interval
from services.insights.drift.histograms import Floats, Histogram
from services.insights.drift.seasons import Reference
from services.insights.drift.streaming import Detector, first_word

PARTS: Final = 12
"""Of an hour."""
LEAST_AT_HOUR: Final = 100
"""Values of the reference at an hour of the day; hours with fewer are not listened to."""
LEAST_BATCH: Final = 25
_LEAST_VARIANCE: Final = 0.16
"""That of an event of 20 %."""
_HOURS: Final = 24
_LEVEL: Final = 0.95


class EarlyWord(msgspec.Struct, frozen=True, kw_only=True):
    """The first word about a day, and what is so since the hour in which it seems to have begun."""

    detector: Detector
    since_hour: int
    until_hour: int
    """The first hour that had not been read when the word came."""
    rise: float
    """The mean score since then, -1 to 1; 0 without drift. Of a name by how much its share has risen."""
    interval: Interval
    """Of it; at `level` for all times of the day together in which a change may begin and end."""
    level: float
    size: float
    """Values since then."""
    reference_size: float


class _Hours(msgspec.Struct, frozen=True, eq=False):
    """Parts in the order of time: of each its hour, values, sum of scores, and that sum's variance."""

    hour: NDArray[np.int64]
    sizes: Floats
    sums: Floats
    variances: Floats


def early_word(
    reference: Reference, parts: Mapping[int, Histogram], *, alpha: float, name: str = ""
) -> EarlyWord | None:
    """The first word about a day, of its parts of hours that are complete; None if there is none so far.

    Parts are counted from where hours are, `PARTS` in each hour, and those of one day are given, from its beginning.
    Of names `name` says which one is listened to. Reading more hours later gives the same word again. Without drift any
    word comes with a probability of `alpha` at most, which is between 0 and 1, excluded.
    """
    read = _scored(reference, parts, name)
    ends = _batches(read.sizes)
    if not ends.size:
        return None
    starts = np.concatenate([[0], ends[:-1]])
    means = np.add.reduceat(read.sums[: ends[-1]], starts) / np.sqrt(
        np.add.reduceat(read.variances[: ends[-1]], starts)
    )
    found = first_word(means, alpha=alpha)
    if found is None:
        return None
    step, detector = found
    begun = _begun(means[:step])
    return _told(
        reference, read, detector, since=int(read.hour[starts[begun]]), until=int(read.hour[ends[step - 1] - 1]) + 1
    )


def _told(reference: Reference, read: _Hours, detector: Detector, *, since: int, until: int) -> EarlyWord:
    its = (read.hour >= since) & (read.hour < until)
    size = float(read.sizes[its].sum())
    rise = float(read.sums[its].sum()) / size
    times = _HOURS * (_HOURS + 1) / 2
    width = -float(special.ndtri((1 - _LEVEL) / 2 / times)) * math.sqrt(float(read.variances[its].sum())) / size
    return EarlyWord(
        detector=detector,
        since_hour=since,
        until_hour=until,
        rise=rise,
        interval=Interval(max(-1.0, rise - width), min(1.0, rise + width)),
        level=_LEVEL,
        size=size,
        reference_size=float(reference.counts[np.unique(read.hour[its] % reference.cycle_hours)].sum()),
    )


def _scored(reference: Reference, parts: Mapping[int, Histogram], name: str) -> _Hours:
    at_hour: dict[int, list[int]] = {}
    for part in sorted(parts):
        at_hour.setdefault(part // PARTS, []).append(part)
    sizes, sums, variances, hours = [], [], [], []
    for hour, its in at_hour.items():
        before = reference.counts[hour % reference.cycle_hours]
        if before.sum() < LEAST_AT_HOUR:
            continue
        keys = np.concatenate([parts[each].keys for each in its])
        counts = np.concatenate([parts[each].counts for each in its])
        scores, variance = _scores(reference, before, keys, name)
        starts = np.cumsum([0, *(parts[each].keys.size for each in its[:-1])])
        size = np.add.reduceat(counts, starts)
        sizes.append(size)
        sums.append(np.add.reduceat(counts * scores, starts))
        variances.append(size * variance * (1 + size.sum() / before.sum()))
        hours.append(np.full(len(its), hour))
    nothing = np.array([])
    return _Hours(
        hour=np.concatenate([nothing.astype(np.int64), *hours]),
        sizes=np.concatenate([nothing, *sizes]),
        sums=np.concatenate([nothing, *sums]),
        variances=np.concatenate([nothing, *variances]),
    )


def _scores(reference: Reference, before: Floats, keys: NDArray[np.generic], name: str) -> tuple[Floats, float]:
    """Of each key its score, and how much scores vary in the reference."""
    size = float(before.sum())
    if reference.grid is None:
        share = float(before[reference.keys == name].sum()) / size
        return np.asarray((keys == name) - share), max(share * (1 - share), _LEAST_VARIANCE)
    below = np.concatenate([[0.0], np.cumsum(before)]) / size
    own = below[1:] + below[:-1] - 1
    left, right = (np.searchsorted(reference.keys, keys, side=each) for each in ("left", "right"))
    return np.asarray(below[left] + below[right] - 1), max(float(before @ own**2) / size, _LEAST_VARIANCE)


def _batches(sizes: Floats) -> NDArray[np.int64]:
    """Where batches end, so that each has enough values; what is left over waits for the next hour."""
    ends, together = [], 0.0
    for place, size in enumerate(sizes.tolist(), start=1):
        together += size
        if together >= LEAST_BATCH:
            ends.append(place)
            together = 0.0
    return np.array(ends, dtype=np.int64)


def _begun(means: Floats) -> int:
    """The batch with which the level most likely has changed: what came since tells most clearly of another one."""
    since = np.cumsum(means[::-1])[::-1]
    return int(np.argmax(np.abs(since) / np.sqrt(np.arange(means.size, 0, -1))))
