"""What drift needs to know of one measure in one hour: a fine histogram that hours can be added up of."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

MISSING: Final = -(2**62)
"""The cell of values that are not a number. It lies below all others, so that it needs no bin of its own."""
_INFINITE: Final = 2**61
_FARTHEST: Final = 2**53
_LEAST: Final = 1e-9
"""Numbers nearer to 0 than this are one cell of a logarithmic grid."""

Floats = NDArray[np.float64]
Keys = NDArray[Any]


class Grid(msgspec.Struct, frozen=True):
    """How fine numbers are told apart. Fixed before anything is measured, or hours could not be added up.

    `step` is the width of a cell in the measure's own unit, or with `logarithmic` as a share of the number: 0.02 tells
    latencies of 100 and 102 ms apart. It is above 0 and finite.

    Raises:
        ValueError: It is not.
    """

    step: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.step < np.inf:
            raise ValueError("give the grid a step above 0")

    def cells(self, values: Floats) -> NDArray[np.int64]:
        """The cell of each number; those that are missing or infinite have cells of their own."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            positions = np.nan_to_num(self._position(values))
        found = np.clip(positions, -_FARTHEST, _FARTHEST).astype(np.int64)
        found[np.isposinf(values)] = _INFINITE
        found[np.isneginf(values)] = -_INFINITE
        found[np.isnan(values)] = MISSING
        return found

    def centres(self, cells: NDArray[np.int64]) -> Floats:
        """The number in the middle of each cell; NaN for those that are missing or infinite."""
        if self.logarithmic:
            with np.errstate(over="ignore"):
                sizes = _LEAST * np.exp(np.log1p(self.step) * (np.abs(cells) - 0.5))
            found = np.where(cells == 0, 0.0, np.sign(cells) * sizes)
        else:
            found = (cells + 0.5) * self.step
        return np.where(np.abs(cells) >= _INFINITE, np.nan, found)

    def _position(self, values: Floats) -> Floats:
        if not self.logarithmic:
            return np.floor(values / self.step)
        above = np.floor(np.log(np.abs(values) / _LEAST) / np.log1p(self.step)) + 1
        return np.where(np.abs(values) < _LEAST, 0.0, np.sign(values) * above)


class Histogram(msgspec.Struct, frozen=True, eq=False, dict=True):
    """How often each cell, or each name, came. Mergeable: see `total`."""

    grid: Grid | None
    """None where the measure has names instead of numbers."""
    keys: Keys
    """Cells or names; sorted, each once."""
    counts: Floats
    """Exact up to 2^53."""

    @classmethod
    def of_numbers(cls, values: Sequence[float] | Floats, *, grid: Grid) -> "Histogram":
        """Those of numbers, in any order."""
        keys, counts = np.unique(grid.cells(np.asarray(values, dtype=np.float64)), return_counts=True)
        return cls(grid, keys, counts.astype(np.float64))

    @classmethod
    def of_names(cls, values: Sequence[str] | Keys) -> "Histogram":
        """Those of names, in any order."""
        keys, counts = np.unique(np.asarray(values, dtype=np.str_), return_counts=True)
        return cls(None, keys, counts.astype(np.float64))

    @cached_property  # hundreds of thousands are asked several times each
    def size(self) -> float:
        """How many values there are."""
        return float(self.counts.sum())


def total(parts: Iterable[Histogram]) -> Histogram:
    """The histogram over all of them, the same as of all their values at once.

    Raises:
        ValueError: There is none, or they are not of one grid.
    """
    found = tuple(parts)
    if not found or any(each.grid != found[0].grid for each in found):
        raise ValueError("give histograms of one grid, at least one")
    if len(found) == 1:
        return found[0]
    keys, places = np.unique(np.concatenate([each.keys for each in found]), return_inverse=True)
    counts = np.bincount(places, weights=np.concatenate([each.counts for each in found]), minlength=keys.size)
    return Histogram(found[0].grid, keys, np.asarray(counts, dtype=np.float64))
