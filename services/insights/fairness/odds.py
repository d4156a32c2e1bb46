"""Equalised odds: whether among those for whom it would have been right a group is chosen as often as the reference.

Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016: the true positive rate (chosen among those
whose outcome is positive) and the false positive rate (among the others) are the same in all groups. Only decisions
with a known outcome count. Where the outcome is known of chosen people only, as with offers that were never made, these
rates do not exist, and nothing here can find them.

Both rates are shares, so each makes a `rates.Table` that `judging.judge` takes beside the others.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.comparing import Interval
from services.insights.fairness.people import Group, People
from services.insights.fairness.rates import LEAST, Table, TooFew, compare, pairs, rates

_UNKNOWN: Final = -1


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One group's rate less the reference's."""

    group: Group
    reference: Group
    persons: int
    value: float
    interval: Interval
    """Of the level 1 - `alpha` / number of gaps: all of them hold together."""


class Odds(msgspec.Struct, frozen=True, kw_only=True):
    """Both rates of all groups that are large enough."""

    true_positive: tuple[Gap, ...]
    false_positive: tuple[Gap, ...]
    difference: float | None
    """The larger of both rates' ranges over groups, 0 to 1; None with less than two groups for a rate. By chance alone
    it is above 0, the more so the more groups and the fewer persons: it is no reason for an alert, the gaps are."""
    too_few: tuple[TooFew, ...]


def split(
    *,
    groups: NDArray[np.int64],
    persons: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    outcomes: NDArray[np.int64],
) -> tuple[People, People]:
    """Those with a positive outcome (1) and those with another (0), a row a decision; -1 is unknown and left out.

    Raises:
        ValueError: The columns are not equally long, or an outcome is none of the three.
    """
    if not groups.shape == persons.shape == chosen.shape == outcomes.shape:
        raise ValueError("give each decision one group, one person, whether it was chosen and one outcome")
    if not bool(np.isin(outcomes, (_UNKNOWN, 0, 1)).all()):
        raise ValueError("an outcome is 1, 0, or -1 where it is not known")
    positive, negative = (
        People.of(groups=groups[rows], persons=persons[rows], numerators=chosen[rows])
        for rows in (outcomes == 1, outcomes == 0)
    )
    return positive, negative


def odds(positive: Table, negative: Table, *, alpha: float = 0.05, least: int = LEAST) -> Odds:
    """The gaps of both rates, from the tables of those with a positive outcome and of the others.

    `least` persons must have a known outcome of the kind, in the group and in its reference. If neither table names a
    reference, it is the largest group of both together.

    Raises:
        ValueError: The sums of a group are impossible, or a table is not of shares.
    """
    if not positive.share or not negative.share:
        raise ValueError("equalised odds are about shares")
    positive, negative = _together(positive, negative)
    (true, few), (false, few_others) = pairs(positive, least=least), pairs(negative, least=least)
    level = alpha / max(1, len(true) + len(false))
    gaps = [
        tuple(
            Gap(group=each.group, reference=each.reference, persons=each.persons, value=each.difference, interval=known)
            for each in compare(found, alpha=level)
            if (known := each.difference_interval) is not None
        )
        for found in (true, false)
    ]
    ranges = [_range(table, least=least) for table in (positive, negative)]
    known_ranges = [each for each in ranges if each is not None]
    return Odds(
        true_positive=gaps[0],
        false_positive=gaps[1],
        difference=max(known_ranges) if len(known_ranges) == len(ranges) else None,
        too_few=few + few_others,
    )


def _together(positive: Table, negative: Table) -> tuple[Table, Table]:
    """Both with one reference."""
    persons = {
        group: sum(table.groups[group].n for table in (positive, negative) if group in table.groups)
        for group in (*positive.groups, *negative.groups)
    }
    named = positive.reference or negative.reference
    reference = named or min(persons, key=lambda each: (-persons[each], each), default=None)
    one, other = (msgspec.structs.replace(each, reference=reference) for each in (positive, negative))
    return one, other


def _range(table: Table, *, least: int) -> float | None:
    values = [each.value for each in rates(table, alpha=0.05, least=least)]
    return max(values) - min(values) if len(values) > 1 else None
