"""A group's ratio within strata such as segments, beside the crude one: Simpson's paradox, found before it misleads.

A group may get less in every segment and as much over all, or less over all only since it is in another segment. The
stratified ratio is that of Mantel and Haenszel, with the variance of Greenland and Robins ("Estimation of a common
effect parameter from sparse follow-up data", 1985), which holds for few large strata and for many small ones. It takes
the ratio to be the same in all strata; where it is not, it is their weighted mean. Which of the two ratios is fair is
for people to say: a segment may itself be the harm.
"""

import math
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from scipy.special import ndtri

from services.insights.comparing import Interval
from services.insights.fairness.judging import FOUR_FIFTHS
from services.insights.fairness.people import Group
from services.insights.fairness.rates import LEAST, Table, Versus, compare, pairs
from services.insights.sums import Sums


class Word(StrEnum):
    """How the stratified ratio stands to the crude one. "Stands" means beyond four fifths and surely not 1."""

    SAME = "SAME"
    """Both stand on the same side, or neither does."""
    EXPLAINED = "EXPLAINED"
    """The crude one stands; within strata the ratio is within four fifths."""
    HIDDEN = "HIDDEN"
    """Only the ratio within strata stands."""
    REVERSED = "REVERSED"
    """Both stand, on different sides of 1."""
    UNSURE = "UNSURE"
    """The crude one stands; within strata the ratio is beyond four fifths too, but not surely."""
    TOO_FEW = "TOO_FEW"
    """Nothing can be said of one of them."""


class Stratified(msgspec.Struct, frozen=True, kw_only=True):
    """Both ratios of one group by its reference."""

    group: Group
    reference: Group
    crude: Versus | None
    """None where one of them has too few persons."""
    ratio: float | None
    """Within strata; None where that cannot be told."""
    interval: Interval | None
    strata: int
    """How many have both and so tell something."""
    left_out: int
    """Persons of the group in strata without anybody of the reference."""
    word: Word


def stratified(
    strata: Mapping[str, Table],
    *,
    crude: Table,
    group: Group,
    alpha: float = 0.05,
    least: int = LEAST,
) -> Stratified:
    """Hold a group against the crude table's reference, over all and within strata; shares, or counts per person.

    `crude` counts each person once over all strata. Both intervals have the level 1 - `alpha`, for one look and one
    group: it explains an alert of `judging`, it is none itself. Design effects are those of the crude table.

    Raises:
        ValueError: The sums of a group are impossible.
    """
    reference = crude.against() or ()
    found = [each for each in pairs(crude, least=least)[0] if each.group == group]
    rows = [(each.groups.get(group, Sums()), each.groups.get(reference, Sums())) for each in strata.values()]
    both = [(own, other) for own, other in rows if own.d > 0 and other.d > 0]
    plain = Stratified(
        group=group,
        reference=reference,
        crude=None,
        ratio=None,
        interval=None,
        strata=len(both),
        left_out=sum(own.n for own, other in rows if other.d <= 0),
        word=Word.TOO_FEW,
    )
    if not found:
        return plain
    versus = compare(found, alpha=alpha)[0]
    design = max(found[0].design, found[0].reference_design)
    pooled = _mantel_haenszel(both, share=crude.share, alpha=alpha, design=design)
    if pooled is None:
        return msgspec.structs.replace(plain, crude=versus)
    ratio, interval = pooled
    return msgspec.structs.replace(
        plain, crude=versus, ratio=ratio, interval=interval, word=_word(versus, ratio=ratio, interval=interval)
    )


def _mantel_haenszel(
    rows: list[tuple[Sums, Sums]], *, share: bool, alpha: float, design: float
) -> tuple[float, Interval] | None:
    """None where the group or the reference got nothing: its logarithm has no variance then."""
    above = sum(own.y * other.d / (own.d + other.d) for own, other in rows)
    below = sum(other.y * own.d / (own.d + other.d) for own, other in rows)
    if above <= 0 or below <= 0:
        return None
    # Of counts (rates per person) the variance lacks the part that comes from nobody counting twice.
    spread = sum(
        (own.d * other.d * (own.y + other.y) - share * own.y * other.y * (own.d + other.d)) / (own.d + other.d) ** 2
        for own, other in rows
    )
    half = float(-ndtri(alpha / 2)) * math.sqrt(max(0.0, spread) / (above * below) * design)
    return above / below, Interval(above / below * math.exp(-half), above / below * math.exp(half))


def _word(crude: Versus, *, ratio: float, interval: Interval) -> Word:
    over_all, within = _stands(crude.ratio, crude.ratio_interval), _stands(ratio, interval)
    if over_all == within:
        return Word.SAME
    if over_all and within:
        return Word.REVERSED
    if within:
        return Word.HIDDEN
    return Word.EXPLAINED if FOUR_FIFTHS <= ratio <= 1 / FOUR_FIFTHS else Word.UNSURE


def _stands(ratio: float | None, interval: Interval) -> int:
    """-1 for a ratio that stands below 1, 1 for one above, else 0."""
    if ratio is None or FOUR_FIFTHS <= ratio <= 1 / FOUR_FIFTHS or interval.low <= 1 <= interval.high:
        return 0
    return -1 if ratio < 1 else 1
