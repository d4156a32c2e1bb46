"""Bursts of one reason: far more refusals of a kind within minutes than the same hours have shown before.

Counts by minute are bunched: one agent retries, one campaign starts. So what a window of 1, 10 or 60 minutes may show
is negative binomial, with the variation that the past has shown between minutes and between hours (`Baseline`), and
each window is tested against that. All windows of all groups share the stated share of false alarms (Holm).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from services.insights.signals.alerts import FALSE_ALARMS, Alert, Bools, Floats, Ints, Watch, holm, ordered
from services.insights.signals.counts import Expected, ratio_interval

WINDOWS: Final = (1, 10, 60)
"""Minutes; an hour has a whole number of each."""
MIN_COUNT: Final = 10
"""How many there must be in a window before it can be a burst."""
MIN_HOURS: Final = 5
"""How many hours of its slot the past must hold before an hour is judged."""
_CAUTION: Final = 1.5
_COMMON: Final = 50
"""Events of a group from which on its variation counts for groups with fewer."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What hours have shown, by slot: hours that should be alike, such as the 24 of a day, or the 168 of a week.

    All are counts: the baseline of two times is the sum of theirs. A burst of the past makes a baseline less
    sensitive for its group: leave out hours that were found to have one.
    """

    hours: Ints
    """How many, by slot."""
    events: Floats
    """By group and slot."""
    minute_squares: Floats
    """Sum of the squared counts of minutes."""
    hour_squares: Floats
    """Sum of the squared counts of hours."""

    @classmethod
    def of(cls, counts: ArrayLike, *, slots: ArrayLike, slot_count: int) -> "Baseline":
        """From counts by group, hour and minute (60), with the slot of each hour.

        Raises:
            ValueError: The shapes do not fit, a slot is not below `slot_count`, or a count is negative or not finite.
        """
        seen, which = _checked(counts, slots=slots, slot_count=slot_count)
        member = (which[:, None] == np.arange(slot_count)).astype(np.float64)
        hourly = seen.sum(axis=2)
        return cls(
            hours=np.bincount(which, minlength=slot_count).astype(np.int64),
            events=hourly @ member,
            minute_squares=(seen**2).sum(axis=2) @ member,
            hour_squares=hourly**2 @ member,
        )

    def __add__(self, other: "Baseline") -> "Baseline":
        """The baseline of both times, of which no hour may be in both."""
        return Baseline(
            hours=self.hours + other.hours,
            events=self.events + other.events,
            minute_squares=self.minute_squares + other.minute_squares,
            hour_squares=self.hour_squares + other.hour_squares,
        )

    def expected(self, minutes: int) -> Expected:
        """What a window of so many minutes shows, by group and slot."""
        hours = np.maximum(self.hours, 1)
        mean = (self.events + 1) / (60 * hours)
        by_minute, by_hour = self._variation(60), self._variation(1)
        between = by_hour + np.maximum(by_minute - by_hour, 0.0) / np.sqrt(minutes)
        bunched = np.maximum(by_minute * self._rate(), self._common(by_minute * self._rate()))
        varies = np.maximum(between[:, None], bunched[:, None] / (mean * minutes))
        return Expected(mean=mean * minutes, shape=1 / (varies * (1 + 1 / hours) + 1 / (self.events + 1)))

    def _rate(self) -> Floats:
        """A minute's mean where the events are, by group."""
        means = self.events / (60 * np.maximum(self.hours, 1))
        found: Floats = (means * self.events).sum(axis=1) / np.maximum(self.events.sum(axis=1), 1.0)
        return found

    def _variation(self, parts: int) -> Floats:
        """How an hour's 60 or 1 parts vary, by moments: phi in variance = mean + phi mean^2, somewhat too large."""
        hours = np.maximum(self.hours, 1)
        squares = self.minute_squares if parts == 60 else self.hour_squares
        means = self.events / (parts * hours)
        free = np.maximum(hours - 1 / parts, 0.5) * parts
        beyond = (squares - parts * hours * means**2).sum(axis=1) - (means * free).sum(axis=1)
        phi = np.maximum(beyond, 0.0) / np.maximum((free * means**2).sum(axis=1), 1e-12)
        found: Floats = np.maximum(phi * _CAUTION, self._common(phi * _CAUTION))
        return found

    def _common(self, values: Floats) -> float:
        """The median over groups that tell enough, for those that do not."""
        known = values[self.events.sum(axis=1) >= _COMMON]
        return float(np.median(known)) if known.size else 1.0


def by_minute(times_ms: ArrayLike, *, groups: ArrayLike, group_count: int, start_ms: int, hours: int) -> Ints:
    """Counts by group, hour and minute of `hours` from `start_ms` on, from one row a call, in any order.

    Calls outside, and those with a group below 0, are left out. Counts of different calls add up.

    Raises:
        ValueError: The columns are not equally long, or a group is not below `group_count`.
    """
    when, which = np.asarray(times_ms, dtype=np.int64), np.asarray(groups, dtype=np.int64)
    if when.shape != which.shape or when.ndim != 1:
        raise ValueError("give each call a time and a group")
    if which.size and which.max() >= group_count:
        raise ValueError(f"groups are from 0 to {group_count - 1}")
    minutes = (when - start_ms) // 60_000
    inside = (minutes >= 0) & (minutes < 60 * hours) & (which >= 0)
    places = which[inside] * (60 * hours) + minutes[inside]
    return np.bincount(places, minlength=group_count * 60 * hours).reshape(group_count, hours, 60).astype(np.int64)


class _Window(msgspec.Struct, frozen=True, kw_only=True):
    p_value: float
    about: tuple[int, int, int, int]
    count: float
    mean: float
    shape: float


def bursts(counts: ArrayLike, *, slots: ArrayLike, baseline: Baseline, false_alarms: float = FALSE_ALARMS) -> Watch:
    """Find windows with far too many; alerts "burst" are about (group, hour, first minute, minutes).

    `counts` is by group (a reason of an agent, or of all), hour and minute; of a day of 24 hours each group has its
    most surprising window only, so that a burst is one alert. An hour whose slot has no past is not judged.

    Raises:
        ValueError: As `Baseline.of`, or the groups are not those of the baseline.
    """
    seen, which = _checked(counts, slots=slots, slot_count=baseline.hours.size)
    if seen.shape[0] != baseline.events.shape[0]:
        raise ValueError("give the groups that the baseline has")
    judged = baseline.hours[which] >= MIN_HOURS
    found = [each for minutes in WINDOWS for each in _windows(seen, which, judged, baseline=baseline, minutes=minutes)]
    tested = int(seen.shape[0] * judged.sum()) * sum(60 // each for each in WINDOWS)
    adjusted = holm(np.array([each.p_value for each in found]), tests=tested)
    best: dict[tuple[int, int], Alert] = {}
    for at in np.argsort(np.array([each.p_value for each in found]), kind="stable").tolist():
        if adjusted[at] > false_alarms:
            break
        window = found[at]
        ratio, low, high = ratio_interval(window.count, expected=window.mean, shape=window.shape)
        alert = Alert(
            signal="burst",
            about=window.about,
            seen=window.count,
            expected=window.mean,
            ratio=ratio,
            low=low,
            high=high,
            sample=int(window.count),
            reference=int(baseline.events[window.about[0]].sum()),
            p_value=float(adjusted[at]),
            false_alarms=false_alarms,
        )
        best.setdefault((window.about[0], window.about[1] // 24), alert)
    too_few = int(seen.shape[0] * (~judged).sum())
    return Watch(alerts=ordered(list(best.values())), tested=tested, too_few=too_few)


def _windows(seen: Floats, slots: Ints, judged: Bools, *, baseline: Baseline, minutes: int) -> list[_Window]:
    """All windows of so many minutes that have enough calls to be a burst."""
    expected = baseline.expected(minutes)
    totals = seen.reshape(*seen.shape[:2], 60 // minutes, minutes).sum(axis=3)
    groups, hours, parts = np.nonzero((totals >= MIN_COUNT) & judged[None, :, None])
    there = Expected(mean=expected.mean[groups, slots[hours]], shape=expected.shape[groups, slots[hours]])
    some = totals[groups, hours, parts]
    return [
        _Window(p_value=p_value, about=(group, hour, part * minutes, minutes), count=count, mean=mean, shape=shape)
        for p_value, group, hour, part, count, mean, shape in zip(
            there.at_least(some).tolist(),
            groups.tolist(),
            hours.tolist(),
            parts.tolist(),
            some.tolist(),
            there.mean.tolist(),
            there.shape.tolist(),
            strict=True,
        )
    ]


def _checked(counts: ArrayLike, *, slots: ArrayLike, slot_count: int) -> tuple[Floats, Ints]:
    seen, which = np.asarray(counts, dtype=np.float64), np.asarray(slots, dtype=np.int64)
    if seen.ndim != 3 or seen.shape[2] != 60 or which.shape != seen.shape[1:2]:
        raise ValueError("give counts by group, hour and minute, and a slot for each hour")
    if which.size and not (which.min() >= 0 and which.max() < slot_count):
        raise ValueError(f"slots are from 0 to {slot_count - 1}")
    if not (np.isfinite(seen).all() and (seen >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    return seen, which
