"""Listens to days that are not over yet: the early words about verdicts, statuses, times and sizes of agents' versions.

What has changed since some hour of the day is told when it has added up to enough, which is within hours where single
hours say little and the day would be over first. Once told it is no longer listened to until the next day begins.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from services.insights.drift.histograms import Histogram, total
from services.insights.drift.seasons import Reference
from services.insights.drift.within_day import PARTS, EarlyWord, early_word
from services.workbench.columns.source import Source
from services.workbench.looks.references import DAY, References, day_of
from services.workbench.looks.series import Hours, Measure, Served, hours_of

HEARD: Final = ("verdict", "status")
"""Of the measures with names those that are listened to; of those with numbers all are."""
MOST_NAMES: Final = 3
"""Of a measure, the most frequent ones: each is a stream of its own."""
LEAST_STREAMS: Final = 40
"""That a week is planned for at least; with more there are, the more certain each word must be."""
_DAYS: Final = 7
_Measured = Mapping[Measure, Hours]
_Streams = dict[tuple[Measure, Served, int], list[tuple[str, Reference, str, Mapping[int, Histogram]]]]


class Heard(msgspec.Struct, frozen=True, eq=False):
    """A word, and what it is about."""

    served: Served
    measure: Measure
    name: str
    """Of names which one has become more or less frequent."""
    word: EarlyWord
    reference: Reference
    against: str
    """See `References`."""
    current: Mapping[int, Histogram]
    """The hours since it seems to have begun."""


def heard(
    columns: Source, measured: _Measured, references: References, *, begun: int, now_hour: int, alpha: float
) -> Sequence[Heard]:
    """The first words about days that came in hours after `begun` and were complete at `now_hour`.

    In a week without drift anything is said with a probability of `alpha` at most.
    """
    streams = _streams(columns, measured, references, start=day_of(begun), now_hour=now_hour)
    alone = (
        alpha / _DAYS / max(LEAST_STREAMS, len({(key[:2], each[0]) for key, its in streams.items() for each in its}))
    )
    found = (_first(*key[:2], its, alpha=alone) for key, its in streams.items())
    return [each for each in found if each is not None and each.word.until_hour > begun]


def _streams(columns: Source, measured: _Measured, references: References, *, start: int, now_hour: int) -> _Streams:
    """Of each measure, version and day its streams: a name, the reference, what it is of, and parts of hours."""
    found: _Streams = {}
    for measure in measured:
        if measure.sealed or not (measure.numbers or measure.name in HEARD):
            continue
        served = hours_of(columns, measure, start_hour=start, end_hour=now_hour, parts=PARTS)
        for whose, parts in served.items():
            for day in range(start, now_hour, DAY):
                its = {part: each for part, each in parts.items() if day_of(part // PARTS) == day}
                known = references.of(measure, whose, day=day) if its else None
                if known is not None:
                    found[measure, whose, day] = [(name, *known, its) for name in _names(known[0])]
    return found


def _names(reference: Reference) -> Sequence[str]:
    """Which names are listened to; of numbers there is one stream without a name."""
    if reference.grid is not None:
        return ("",)
    order = np.argsort(-reference.counts.sum(axis=0), kind="stable")
    return [str(reference.keys[each]) for each in order[:MOST_NAMES]]


def _first(
    measure: Measure,
    whose: Served,
    streams: Sequence[tuple[str, Reference, str, Mapping[int, Histogram]]],
    *,
    alpha: float,
) -> Heard | None:
    """The earliest word; of those that come together the one about what has become more frequent."""
    words = [
        Heard(whose, measure, name, word, reference, against, _hours(parts, word))
        for name, reference, against, parts in streams
        if (word := early_word(reference, parts, alpha=alpha, name=name)) is not None
    ]
    return min(words, key=lambda each: (each.word.until_hour, -each.word.rise), default=None)


def _hours(parts: Mapping[int, Histogram], word: EarlyWord) -> Mapping[int, Histogram]:
    hours: dict[int, list[Histogram]] = {}
    for part, each in parts.items():
        if word.since_hour <= part // PARTS < word.until_hour:
            hours.setdefault(part // PARTS, []).append(each)
    return {hour: total(each) for hour, each in hours.items()}
