"""Which segments are saturated, on target or under-solicited: said only where it is known, of all of them together."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, share
from services.insights.pressure.spread import Tally, quantile


class Standing(StrEnum):
    """How a segment stands to the target."""

    SATURATED = "SATURATED"
    ON_TARGET = "ON_TARGET"
    UNDER_SOLICITED = "UNDER_SOLICITED"
    UNKNOWN = "UNKNOWN"
    """Not enough known: the interval reaches over an end of the target, or there are too few people."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """How many contacts in a period a segment should have.

    Raises:
        ValueError: `low` is above `high` or below 0, or `quantile` is not between 0 and 1.
    """

    low: float
    high: float
    quantile: float = 0.5
    """Of whom: 0.5 asks for the person in the middle, 0.9 for the one whom nine of ten do not exceed. The mean would
    follow a few people with hundreds of contacts."""

    def __post_init__(self) -> None:
        """Refuse a target that no segment could meet."""
        if not 0 <= self.low <= self.high:
            raise ValueError("a target reaches from its low to its high end, from 0 contacts up")
        if not 0 < self.quantile < 1:
            raise ValueError("the quantile of a target is between 0 and 1, both excluded")


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one segment."""

    name: str
    standing: Standing
    people: int
    mean: float
    """Contacts for each person; 0 of nobody."""
    typical: Estimate | None
    """The target's quantile. The intervals of all segments hold together: see `judge`."""
    above: Estimate | None
    """Share of people with more contacts than the target, at the same level."""
    below: Estimate | None
    false_alarms: float
    """At most such a share of periods has any segment that is said to stand as it does not."""


def judge(tallies: Mapping[str, Tally], target: Target, *, alpha: float = 0.05) -> tuple[Segment, ...]:
    """How each segment stands, by name; people of the holdout do not belong in the tallies.

    A segment is judged where the whole interval of its quantile is above, inside or below the target. Each is exact, at
    the level 1 - `alpha` / segments (Bonferroni), so that in at most the share `alpha` of periods any judgement is
    wrong, however many segments there are, whatever the distributions, and though people may be in several of them.
    Segments of fewer than `LEAST_PEOPLE` people are not judged and take no part of `alpha`.
    """
    judged = sum(each.n >= LEAST_PEOPLE for each in tallies.values())
    own = alpha / max(1, judged)
    return tuple(_segment(name, tallies[name], target, own=own, alpha=alpha) for name in sorted(tallies))


def _segment(name: str, tally: Tally, target: Target, *, own: float, alpha: float) -> Segment:
    typical = quantile(tally, target.quantile, alpha=own)
    pairs = tuple(zip(tally.contacts, tally.people, strict=True))
    enough = typical is not None
    return Segment(
        name=name,
        standing=_standing(typical, target),
        people=tally.n,
        mean=tally.total / max(1, tally.n),
        typical=typical,
        above=share(sum(who for count, who in pairs if count > target.high), tally.n, alpha=own) if enough else None,
        below=share(sum(who for count, who in pairs if count < target.low), tally.n, alpha=own) if enough else None,
        false_alarms=alpha,
    )


def _standing(typical: Estimate | None, target: Target) -> Standing:
    if typical is None:
        return Standing.UNKNOWN
    if typical.low > target.high:
        return Standing.SATURATED
    if typical.high < target.low:
        return Standing.UNDER_SOLICITED
    if target.low <= typical.low and typical.high <= target.high:
        return Standing.ON_TARGET
    return Standing.UNKNOWN
