"""Looks for drift: what an agent's version does in an hour, and in a day, against what it did before.

Of a version that is new the reference is what the agent did with its other versions: that is when a model most often
turns out to be another one than was thought. What adds up within a day is told before the day is over, see `hearing`:
it is the same finding.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from services.findings.finding import Seen
from services.insights.drift.bins import LEAST_EXPECTED
from services.insights.drift.watching import Look, Plan, Series, Window, watch
from services.insights.pressure.intervals import share
from services.workbench.columns.source import Source
from services.workbench.columns.sums import VERDICT
from services.workbench.looks.evidence import filter_of, most_risen, sampled, shares
from services.workbench.looks.hearing import Heard, heard
from services.workbench.looks.references import DAY, GAP_HOURS, LEAST_REFERENCE, REFERENCE_HOURS, References, day_of
from services.workbench.looks.series import COST, MEASURES, Hours, Measure, Served, costs, hours_of
from services.workbench.looks.spans import HOUR_MS, Span
from services.workbench.looks.sums import sums_of

LOOKED_HOURS: Final = DAY
"""Complete hours that are looked at: a round that comes late misses none, and one that comes again sees the same."""
LEAST_SERIES: Final = 40
"""Series that a week is planned for at least; with more there are, the more certain each alarm must be."""
WINDOWS: Final = 7 * (DAY + 1)
"""Of one series in a week: its hours and its days."""
ALPHA: Final = 0.05
"""In at most this share of weeks without drift there is any finding."""
LEVEL: Final = 0.95
"""Of the interval of what share of values were never there before."""
EARLY: Final = 0.01
"""What part of that early words get."""
_GRAVE: Final = 0.15
"""A PSI of so much is 63 % grave; 0.25, the rule of thumb for a major one, is 81 %. A normal measure that is above its
reference by d more often than below it has a PSI of about pi d^2."""


class _Asked(msgspec.Struct, frozen=True, eq=False):
    """One window, and what it is of."""

    served: Served
    measure: Measure
    window: Window
    hours: int
    against: str
    """The version of the reference; empty for its own, "*" for all others."""


class DriftLook:
    """See `services.workbench.looking.Look`."""

    kind = "drift"

    def __init__(self, measures: Sequence[Measure] = MEASURES) -> None:
        self._measures = tuple(measures)

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The drift of hours, and of a day, that were complete in the last 24 hours."""
        now_hour = now_ms // HOUR_MS
        start_hour = day_of(now_hour - LOOKED_HOURS) - GAP_HOURS - REFERENCE_HOURS
        with ThreadPoolExecutor(1) as beside:  # it waits for columns while sums are read
            asked_for = beside.submit(self._measured, columns, start_hour=start_hour, end_hour=now_hour)
            sums = sums_of(columns, start_hour=start_hour, end_hour=now_hour, least=LEAST_REFERENCE)
            measured: dict[Measure, Hours] = {**asked_for.result(), **sums}
        references = References(measured)
        asked = [each for its in measured.items() for each in _windows(*its, references, now_hour=now_hour)]
        series = {each.window.series for each in asked}
        plan = Plan(series=max(LEAST_SERIES, len(series)), windows=WINDOWS, alpha=ALPHA - EARLY)
        known = {(each.window.series, each.window.until_hour, each.hours): each for each in asked}
        seen: list[Seen] = []
        for hours in (1, DAY):
            its = [each.window for each in asked if each.hours == hours and _enough(each.window)]
            alarms = [each for each in watch(its, plan=plan, now_hour=now_hour) if each.alarm]
            seen += [_seen(columns, known[each.series, each.until_hour, hours], each) for each in alarms]
        begun = now_hour - LOOKED_HOURS
        words = heard(columns, measured, references, begun=begun, now_hour=now_hour, alpha=EARLY)
        told = {(each.tenant, each.about, each.end_ms) for each in seen}
        early = [_early(columns, each) for each in words]
        # What an hour or the day tells by itself is told of it only.
        return seen + [each for each in early if (each.tenant, each.about, each.end_ms) not in told]

    def _measured(self, columns: Source, *, start_hour: int, end_hour: int) -> dict[Measure, Hours]:
        return {
            each: hours_of(columns, each, start_hour=start_hour, end_hour=end_hour)
            for each in (*self._measures, *costs(columns))
        }


def _windows(measure: Measure, served: Hours, references: References, *, now_hour: int) -> Iterator[_Asked]:
    """All that were complete within the last `LOOKED_HOURS`.

    What a window is compared with depends on its day alone: in whichever round it is looked at, it is one and the same
    look.
    """
    begun = now_hour - LOOKED_HOURS
    for whose, hours in served.items():
        series = Series(
            f"{whose.tenant}/{whose.agent}", whose.version, whose.segment, f"{whose.method} {measure.key}".lstrip()
        )
        for day in sorted({day_of(hour) for hour in hours if hour >= day_of(begun)}):
            found = references.of(measure, whose, day=day)
            if found is None:
                continue
            reference, against = found
            current = {hour: each for hour, each in hours.items() if day_of(hour) == day}
            for hour, each in current.items():
                if hour >= begun:
                    yield _Asked(whose, measure, Window(series, reference, {hour: each}, hour + 1), 1, against)
            if begun < day + DAY <= now_hour:
                yield _Asked(whose, measure, Window(series, reference, current, day + DAY), DAY, against)


def _enough(window: Window) -> bool:
    """Whether it can alarm: most hours of most series have too few values for two bins."""
    return sum(each.size for each in window.current.values()) >= LEAST_EXPECTED


def _about(served: Served, measure: Measure) -> tuple[tuple[str, str], ...]:
    """What a finding is about, in order; what says nothing is left out, but for the version."""
    of = "limit" if measure.name == COST else "field"
    more = (("method", served.method), ("segment", served.segment), ("measure", measure.name), (of, measure.of))
    return ("agent", served.agent), ("version", served.version), *(each for each in more if each[1])


def _seen(columns: Source, asked: _Asked, look: Look) -> Seen:
    whose, until_ms = asked.served, look.until_hour * HOUR_MS
    span = Span(until_ms - asked.hours * HOUR_MS, until_ms)
    bins = shares(asked.window.reference, asked.window.current, sealed=asked.measure.sealed)
    name = "" if asked.measure.sealed and asked.measure.name != VERDICT else most_risen(bins)
    sure = look.psi.interval.low if look.psi is not None else 0.0
    strange = look.strange if look.strange_p_value is not None and look.strange_p_value < look.alpha / 2 else 0.0
    new = share(look.strange * look.current_size, look.current_size, alpha=1 - LEVEL)
    assert new is not None  # noqa: S101 - a look is at something
    value, low, high = new.value, new.low, new.high
    if look.psi is not None:
        value, low, high = look.psi.value, sure, look.psi.interval.high
    return Seen(
        kind="drift",
        tenant=whose.tenant,
        about=_about(whose, asked.measure),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=max(1 - math.exp(-sure / _GRAVE), min(1.0, strange)),
        reach=int(look.current_size),
        certainty=1 - (1.0 if look.p_value is None else look.p_value),
        value=value,
        low=low,
        high=high,
        level=look.psi.level if look.psi is not None else LEVEL,
        n=int(look.current_size),
        m=int(look.reference_size),
        false_alarms=ALPHA,
        filter=filter_of(whose, asked.measure, name, span=span),
        decisions=sampled(columns, whose, asked.measure, name, span=span),
        shown={"against": asked.against, "hours": asked.hours, "strange": look.strange, "bins": bins}
        | ({} if look.wasserstein is None else {"wasserstein": look.wasserstein.value})
        | ({} if look.jensen_shannon is None else {"jensen_shannon": look.jensen_shannon.value}),
    )


def _early(columns: Source, each: Heard) -> Seen:
    """What was heard; measured is by how much more often a value is above one of the reference than below it."""
    word, whose = each.word, each.served
    span = Span(word.since_hour * HOUR_MS, word.until_hour * HOUR_MS)
    bins = shares(each.reference, each.current, sealed=each.measure.sealed)
    name = each.name if word.rise > 0 else most_risen(bins)
    sure = max(0.0, word.interval.low, -word.interval.high)
    return Seen(
        kind="drift",
        tenant=whose.tenant,
        about=_about(whose, each.measure),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=1 - math.exp(-math.pi * sure**2 / _GRAVE),
        reach=int(word.size),
        certainty=1 - EARLY,
        value=word.rise,
        low=word.interval.low,
        high=word.interval.high,
        level=word.level,
        n=int(word.size),
        m=int(word.reference_size),
        false_alarms=ALPHA,
        filter=filter_of(whose, each.measure, name, span=span),
        decisions=sampled(columns, whose, each.measure, name, span=span),
        shown={"against": each.against, "hours": word.until_hour - word.since_hour, "bins": bins}
        | {"early": word.detector.value, "name": each.name},
    )
