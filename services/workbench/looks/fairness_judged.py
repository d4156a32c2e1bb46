"""All measures of a week judged together: what is surely unequal, within segments too, and by the plain rule."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.insights.comparing import Interval
from services.insights.fairness.intersections import Attribute, Cells
from services.insights.fairness.judging import Finding, Subject, judge
from services.insights.fairness.naive import Chances, chances
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table, rates
from services.insights.fairness.strata import Stratified, stratified
from services.workbench.looks.fairness_calls import Ints
from services.workbench.looks.fairness_strata import within
from services.workbench.looks.fairness_tables import Measured, Tabled, tabled
from services.workbench.looks.fairness_telling import Compared, Judged, Small


class _Told(msgspec.Struct, frozen=True, eq=False):
    """What is known of a table beside its verdicts."""

    measured: Measured
    table: Table
    intervals: Mapping[Group, Interval]
    chances: Chances
    strata: Mapping[str, Table]
    """The same within each; none where that is not known."""


def compared(
    measured: Sequence[Measured], attributes: Sequence[Attribute], *, strata: Ints | None = None, alpha: float
) -> Compared:
    """All of it, the surest first. `strata` has the number of everybody's stratum, see `fairness_strata`."""
    tables = [(each, made) for each in measured for made in tabled(each, attributes)] if attributes else []
    of = [(each, made.subject, made.found) for each, made in tables if made.subject is not None]
    judgement = judge([subject for _, subject, _ in of], alpha=alpha)
    level = judgement.spent / max(1, judgement.comparisons)
    told = [_told(*each, strata, level=level) for each in of]
    return Compared(
        judged=tuple(_judged(told[finding.place], finding) for finding in judgement.findings),
        small=tuple(_small([made for _, made in tables])),
        naive_alarms=max((each.chances.any for each in told), default=0.0),
    )


def _told(measured: Measured, subject: Subject, found: Cells, strata: Ints | None, *, level: float) -> _Told:
    table = subject.table
    return _Told(
        measured,
        table,
        {each.group: each.interval for each in rates(table, alpha=level)},
        chances(table),
        {} if strata is None else within(measured, table, found, strata),
    )


def _judged(told: _Told, finding: Finding) -> Judged:
    versus, measured = finding.versus, told.measured
    return Judged(
        agent=measured.agent,
        version=measured.version,
        span=measured.span,
        finding=finding,
        interval=told.intervals[versus.group],
        reference_interval=told.intervals[versus.reference],
        naive_chance=told.chances.groups.get(versus.group, 0.0),
        within=_within(told, versus.group, alpha=versus.alpha),
    )


def _within(told: _Told, group: Group, *, alpha: float) -> Stratified | None:
    return stratified(told.strata, crude=told.table, group=group, alpha=alpha) if told.strata else None


def _small(tables: Sequence[Tabled]) -> Iterator[Small]:
    """Which groups are nowhere, or not everywhere, because they are too small; those that are nowhere first."""
    counts: dict[tuple[tuple[str, ...], Group], int] = {}
    of: dict[tuple[str, ...], int] = {}
    for each in tables:
        attributes = each.found.attributes
        of[attributes] = of.get(attributes, 0) + 1
        for group in each.hidden:
            counts[attributes, group] = counts.get((attributes, group), 0) + 1
    found = [Small(attributes, group, count, of[attributes]) for (attributes, group), count in counts.items()]
    yield from sorted(
        found, key=lambda each: (-each.hidden / each.of, len(each.attributes), each.attributes, each.group)
    )
