"""A number as it is told: with its interval and what it rests on, or that it rests on too little to be told."""

import math
from fractions import Fraction

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one KPI. `value`, `low` and `high` are `None` where `n` is too small to say anything."""

    value: float | None = None
    """A share of 1, points of NPS, contacts, or whole cents: as each function says."""
    low: float | None = None
    """The truth is from here to `high` with a probability of about `level`; `high` alone is `None` where nothing is
    known of that side."""
    high: float | None = None
    n: int
    """People, answers or contacts."""
    level: float = 0.95

    @property
    def sufficient(self) -> bool:
        """Whether anything is said."""
        return self.value is not None


def cents(value: Fraction | float, *, reach: float, n: int, alpha: float) -> Figure:
    """Money as whole cents: the value rounded half to even, its interval of `reach` to both sides rounded outwards."""
    middle = float(value)
    return Figure(
        value=round(value), low=math.floor(middle - reach), high=math.ceil(middle + reach), n=n, level=1 - alpha
    )
