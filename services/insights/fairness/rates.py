"""Rates by group, and each group's beside the reference's: ratio (four fifths), difference, their intervals, a p-value.

A measure is a share (offers per decision, refusals per decision) or a count per person or exposure (contacts). Persons
with several decisions, and counts that vary more than Poisson's, tell less than their number: each group's counts are
divided by how many times more its rate varies (the design effect; Rao and Scott, "A simple method for the analysis of
clustered binary data", 1992), and then the intervals for independent ones are taken. With one decision a person it is 1
and nothing changes.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from services.insights.comparing import Interval
from services.insights.fairness import intervals
from services.insights.fairness.designs import designs
from services.insights.fairness.people import Group
from services.insights.sums import Sums

LEAST: Final = 30
"""Persons that a group must have before anything is said of it. Of groups of 30 that get half of an even chance, 80 %
are found where it is the only comparison, and 51 % among five: with fewer, an alert is mostly chance or missing. And a
rate of so few comes close to telling what happened to one of them."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One measure, by the groups of one attribute or of an intersection."""

    measure: str
    attributes: tuple[str, ...]
    groups: Mapping[Group, Sums]
    share: bool
    """Whether it counts things among its denominator, so 0 <= y <= d for each person; else it is a count."""
    reference: Group | None = None
    """Whom the others are held against; None for the group with the most persons."""

    def against(self) -> Group | None:
        """The reference; of equally large groups the first by name. None without groups."""
        return self.reference or min(self.groups, key=lambda each: (-self.groups[each].n, each), default=None)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What one group got."""

    group: Group
    persons: int
    value: float
    interval: Interval
    design: float
    """The design effect, 1 or more: so many times as many persons are needed as if all were independent."""


class TooFew(msgspec.Struct, frozen=True, kw_only=True):
    """A group of which nothing is said, because it or its reference has too few persons."""

    measure: str
    attributes: tuple[str, ...]
    group: Group
    persons: int
    """Do not show it to those who may not know who these few are."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A group and its reference, both large enough."""

    table: Table
    group: Group
    reference: Group
    design: float
    reference_design: float


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """How a group's rate compares with the reference's. Intervals are of the level 1 - `alpha` each."""

    measure: str
    attributes: tuple[str, ...]
    group: Group
    reference: Group
    persons: int
    reference_persons: int
    rate: float
    reference_rate: float
    ratio: float | None
    """The group's rate by the reference's; infinite where only the reference has none, None where both have none."""
    ratio_interval: Interval
    difference: float
    difference_interval: Interval | None
    """Of shares; None for counts."""
    p_value: float
    """Of equal rates, two-sided, exact but for the design effect."""
    alpha: float


def rates(table: Table, *, alpha: float, least: int = LEAST) -> tuple[Rate, ...]:
    """The rate of each group with at least `least` persons and something to count among, by name.

    Raises:
        ValueError: The sums of a group are impossible.
    """
    effects = designs(table.groups, share=table.share)
    named = [each for each in sorted(table.groups) if _enough(table.groups[each], least)]
    design = np.array([effects[each] for each in named], dtype=np.float64)
    y = np.array([table.groups[each].y for each in named], dtype=np.float64)
    d = np.array([table.groups[each].d for each in named], dtype=np.float64)
    interval = intervals.wilson if table.share else intervals.garwood
    low, high = interval(y / design, d / design, alpha=np.full_like(y, alpha))
    rows = zip(named, (y / d).tolist(), low.tolist(), high.tolist(), strict=True)
    return tuple(
        Rate(group=group, persons=table.groups[group].n, value=value, interval=Interval(a, b), design=effects[group])
        for group, value, a, b in rows
    )


def pairs(table: Table, *, least: int = LEAST) -> tuple[tuple[Pair, ...], tuple[TooFew, ...]]:
    """Each group beside the reference, and those too small; nobody is left out of both but the reference itself.

    Raises:
        ValueError: The sums of a group are impossible.
    """
    reference = table.against()
    if reference is None:
        return (), ()
    effects = designs(table.groups, share=table.share)
    found, few = [], []
    enough = _enough(table.groups.get(reference, Sums()), least)
    for group in sorted(table.groups):
        if enough and group != reference and _enough(table.groups[group], least):
            found.append(
                Pair(
                    table=table,
                    group=group,
                    reference=reference,
                    design=effects[group],
                    reference_design=effects[reference],
                )
            )
        elif not enough or group != reference:
            persons = table.groups[group].n
            few.append(TooFew(measure=table.measure, attributes=table.attributes, group=group, persons=persons))
    return tuple(found), tuple(few)


def compare(found: Sequence[Pair], *, alpha: float) -> tuple[Versus, ...]:
    """Compare each pair, with intervals that hold for each alone with probability 1 - `alpha`."""
    shares = [number for number, each in enumerate(found) if each.table.share]
    counts = [number for number, each in enumerate(found) if not each.table.share]
    done = dict(zip(shares, _shares([found[each] for each in shares], alpha=alpha), strict=True))
    done |= zip(counts, _counts([found[each] for each in counts], alpha=alpha), strict=True)
    return tuple(done[number] for number in range(len(found)))


def _shares(found: Sequence[Pair], *, alpha: float) -> list[Versus]:
    counted, level = _effective(found), np.full(len(found), alpha)
    ratios = np.stack(intervals.koopman(*counted, alpha=level), axis=1)
    differences = np.stack(intervals.newcombe(*counted, alpha=level), axis=1)
    rows = zip(found, ratios.tolist(), intervals.fisher(*counted).tolist(), differences.tolist(), strict=True)
    return [
        _versus(pair, ratio=ratio, p_value=p_value, alpha=alpha, difference=Interval(*difference))
        for pair, ratio, p_value, difference in rows
    ]


def _counts(found: Sequence[Pair], *, alpha: float) -> list[Versus]:
    low, high, p_values = intervals.poisson(*_effective(found), alpha=np.full(len(found), alpha))
    rows = zip(found, low.tolist(), high.tolist(), p_values.tolist(), strict=True)
    return [_versus(pair, ratio=(a, b), p_value=p_value, alpha=alpha) for pair, a, b, p_value in rows]


def _versus(
    pair: Pair, *, ratio: Sequence[float], p_value: float, alpha: float, difference: Interval | None = None
) -> Versus:
    own, other = pair.table.groups[pair.group], pair.table.groups[pair.reference]
    rate, reference_rate = own.y / own.d, other.y / other.d
    return Versus(
        measure=pair.table.measure,
        attributes=pair.table.attributes,
        group=pair.group,
        reference=pair.reference,
        persons=own.n,
        reference_persons=other.n,
        rate=rate,
        reference_rate=reference_rate,
        ratio=rate / reference_rate if reference_rate > 0 else float("inf") if rate > 0 else None,
        ratio_interval=Interval(*ratio),
        difference=rate - reference_rate,
        difference_interval=difference,
        p_value=p_value,
        alpha=alpha,
    )


def _effective(found: Sequence[Pair]) -> tuple[intervals.Values, ...]:
    rows = []
    for each in found:
        own, other = each.table.groups[each.group], each.table.groups[each.reference]
        design, reference = each.design, each.reference_design
        rows.append((own.y / design, own.d / design, other.y / reference, other.d / reference))
    return tuple(np.array(rows, dtype=np.float64).reshape(-1, 4).T)


def _enough(sums: Sums, least: int) -> bool:
    return sums.n >= max(2, least) and sums.d > 0
