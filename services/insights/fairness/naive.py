"""What the rule of four fifths alone would say of groups that are treated alike: how often it would call them unequal.

By simulation, for the very groups of a table: each is drawn as if its persons got what all of them together get, as
many as they are, or as its design effect leaves of them. A rule that alarms as often tells nothing by an alarm.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.fairness.designs import designs
from services.insights.fairness.judging import FOUR_FIFTHS
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from services.insights.sums import total

REPLAYS: Final = 2_000
"""The standard error of a share of them is 1.1 % at most."""
_SEED: Final = 805
_ROUNDING: Final = 1e-9


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """How often the rule would alarm where all are treated alike, 0 to 1."""

    groups: Mapping[Group, float]
    """Of each group beside the reference."""
    any: float
    """Of the table: any of its groups."""


def chances(table: Table, *, replays: int = REPLAYS) -> Chances:
    """The chances of a table's groups; the same table has the same ones.

    Raises:
        ValueError: The sums of a group are impossible.
    """
    reference, effects = table.against(), designs(table.groups, share=table.share)
    groups = [each for each in sorted(table.groups) if table.groups[each].d > 0]
    everybody = total(table.groups[each] for each in groups)
    if reference not in groups or everybody.d <= 0:
        return Chances(groups={}, any=0.0)
    sizes = np.array([table.groups[each].d / effects[each] for each in groups], dtype=np.float64)
    drawn = _drawn(sizes, everybody.y / everybody.d, share=table.share, replays=replays)
    unequal = _unequal(drawn, drawn[:, groups.index(reference)])
    shares = unequal.mean(axis=0).tolist()
    return Chances(
        groups={each: share for each, share in zip(groups, shares, strict=True) if each != reference},
        any=float(unequal.any(axis=1).mean()),
    )


def breaks_four_fifths(ratios: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Which of these ratios of two rates are beyond four fifths, from either side; 8 of 10 by 10 of 10 is not."""
    found: NDArray[np.bool_] = (np.asarray(ratios) < FOUR_FIFTHS * (1 - _ROUNDING)) | (
        FOUR_FIFTHS * np.asarray(ratios) > 1 + _ROUNDING
    )
    return found


def _drawn(sizes: NDArray[np.float64], rate: float, *, share: bool, replays: int) -> NDArray[np.float64]:
    """Rates of each group, a row a replay."""
    draw, shape = np.random.default_rng(_SEED), (replays, sizes.size)
    if not share:
        return draw.poisson(rate * sizes, shape) / sizes
    people = np.maximum(1, np.rint(sizes)).astype(np.int64)
    rates: NDArray[np.float64] = draw.binomial(people, min(1.0, rate), shape) / people
    return rates


def _unequal(rates: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a rate by the reference's is beyond four fifths; where nobody got anything, it is not."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return breaks_four_fifths(np.nan_to_num(rates / reference[:, None], nan=1.0, posinf=np.inf))
