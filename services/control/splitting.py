"""How a route's calls are split among its arms: weights as people write them, and who would move by others. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from gateway.core.assignment import BASIS_POINTS, bucket_ranges
from services.control.drafts.edits import Edit

WHOLE: Final = 100
"""Percent."""


class SplitWrong(Exception):
    """These are no weights; `code` is "number" for one that cannot be read, whose `arm` it says, or "sum"."""

    def __init__(self, code: str, *, arm: str = "", percent: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.arm = arm
        self.percent = percent


def weights_in(typed: Mapping[str, str]) -> Mapping[str, int]:
    """Basis points of each arm, from percents as people type them: "12.5" or "12,5", with at most two decimals.

    Raises:
        SplitWrong: one is no share, or they do not add up to 100.
    """
    weights = {arm: _points(arm, text) for arm, text in typed.items()}
    total = sum(weights.values())
    if total != BASIS_POINTS:
        raise SplitWrong("sum", percent=f"{Decimal(total) / WHOLE:f}")
    return weights


def moved(before: Sequence[int], after: Sequence[int]) -> int:
    """Of 10,000 subjects, how many would get another arm by these weights of the same arms in the same order."""
    olds, news = bucket_ranges(before), bucket_ranges(after)
    kept = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in zip(olds, news, strict=True))
    return BASIS_POINTS - kept


def edits_of(route: str, before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Edit, ...]:
    """What makes the weights of a route in a policy these."""
    return tuple(
        Edit(kind="set", section="routes", name=route, path=("arms", arm, "weight"), value=weight)
        for arm, weight in after.items()
        if before.get(arm) != weight
    )


def _points(arm: str, text: str) -> int:
    try:
        points = Decimal(text.strip().replace(",", ".")) * (BASIS_POINTS // WHOLE)
        if not (points.is_finite() and 0 <= points <= BASIS_POINTS and points == points.to_integral_value()):
            raise SplitWrong("number", arm=arm)
    except InvalidOperation as error:
        raise SplitWrong("number", arm=arm) from error
    return int(points)
