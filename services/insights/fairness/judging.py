"""What of all groups, attributes and measures deserves an alert, with a stated rate of false ones.

An alert needs three things: enough persons; a ratio beyond four fifths (29 CFR 1607.4 D, below 0.8; or above 1.25,
which is the same seen from the other side); and a ratio that is surely not 1, by an interval and an exact test at the
level that is left when `alpha` is split over all comparisons and looks (Bonferroni). So of all periods in which people
of all groups are treated alike at most a share `alpha` raises any alert, however comparisons depend on each other: an
intersection on its attributes, a look on the one before. That is exact for one decision a person; for several, and for
counts, it holds as far as design effects do, and README says what was simulated. All the intervals of a look hold the
truth together, with a probability of 1 - `spent`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from services.insights.fairness.people import Group
from services.insights.fairness.rates import LEAST, Pair, Table, TooFew, Versus, compare, pairs

FOUR_FIFTHS: Final = 0.8


class Kind(StrEnum):
    """Whether more of a measure is good or bad for a person."""

    BENEFIT = "BENEFIT"
    """Offers made, positive inferences: too little harms."""
    BURDEN = "BURDEN"
    """Contacts received, refusals: too much harms."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One table to judge, and what it is about."""

    table: Table
    kind: Kind


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison and what it means."""

    place: int
    """Of its subject among those that were given, from 0."""
    versus: Versus
    kind: Kind
    harmed: Group | None
    """Who gets less of the good or more of the bad, whether or not that is proven; None for equal rates."""
    alert: bool


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """All that one look has found."""

    findings: tuple[Finding, ...]
    """Alerts first, then by p-value and name."""
    too_few: tuple[TooFew, ...]
    comparisons: int
    """How many were tested, over which `spent` is split evenly."""
    spent: float
    """At most this share of looks like this one raises any alert where nothing differs."""
    alpha: float
    """At most this share of periods raises any alert at any of its looks where nothing differs."""

    @property
    def alerts(self) -> tuple[Finding, ...]:
        """The findings that are alerts."""
        return tuple(each for each in self.findings if each.alert)


def judge(
    subjects: Sequence[Subject], *, alpha: float = 0.05, look: int = 1, looks: int = 1, least: int = LEAST
) -> Judgement:
    """Judge all subjects of a period at the `look`-th of `looks` looks, which are fixed before the period begins.

    `alpha` is that of the whole period. Give all measures and attributes at once: what is left out is not corrected
    for. Which groups are large enough may depend on how many persons they have, not on what these got.

    Raises:
        ValueError: There are more looks than were planned, `alpha` is not between 0 and 1, or sums are impossible.
    """
    level = spent(alpha, look=look, looks=looks)
    found: list[tuple[int, Pair]] = []
    few: list[TooFew] = []
    for place, subject in enumerate(subjects):
        large, small = pairs(subject.table, least=least)
        found.extend((place, each) for each in large)
        few.extend(small)
    compared = compare([pair for _, pair in found], alpha=level / max(1, len(found)))
    findings = [
        _finding(versus, subjects[place].kind, place=place) for (place, _), versus in zip(found, compared, strict=True)
    ]
    return Judgement(
        findings=tuple(sorted(findings, key=_order)),
        too_few=tuple(sorted(few, key=lambda each: (each.measure, each.attributes, each.group))),
        comparisons=len(found),
        spent=level,
        alpha=alpha,
    )


def spent(alpha: float, *, look: int, looks: int) -> float:
    """The share of a period's `alpha` that a look may spend: half of it the last one, which sees most; the rest evenly.

    Raises:
        ValueError: `look` is not one of 1 to `looks`, or `alpha` is not between 0 and 1.
    """
    if not 1 <= look <= looks:
        raise ValueError(f"look {look} is not one of the {looks} that were planned: plan more, or wait for the period")
    if not 0 < alpha < 1:
        raise ValueError("alpha is between 0 and 1, excluded")
    if looks == 1:
        return alpha
    return alpha / 2 if look == looks else alpha / 2 / (looks - 1)


def _finding(versus: Versus, kind: Kind, *, place: int) -> Finding:
    ratio, interval = versus.ratio, versus.ratio_interval
    if ratio is None or ratio == 1:
        return Finding(place=place, versus=versus, kind=kind, harmed=None, alert=False)
    harmed = versus.group if (ratio < 1) is (kind is Kind.BENEFIT) else versus.reference
    beyond = min(ratio, 1 / ratio if ratio else 0.0) < FOUR_FIFTHS
    sure = versus.p_value <= versus.alpha and not interval.low <= 1 <= interval.high
    return Finding(place=place, versus=versus, kind=kind, harmed=harmed, alert=beyond and sure)


def _order(finding: Finding) -> tuple[bool, float, str, tuple[str, ...], Group, int]:
    versus = finding.versus
    return (not finding.alert, versus.p_value, versus.measure, versus.attributes, versus.group, finding.place)
