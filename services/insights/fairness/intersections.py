"""Groups from columns of attributes: each attribute alone, and all intersections up to a depth.

A harm to one intersection may be invisible in each of its attributes (Crenshaw 1989; Kearns et al., "Preventing
fairness gerrymandering", 2018). Each further attribute multiplies the cells, so they are small soon: `rates.pairs`
lists cells below its minimum as too few, and nothing is dropped.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.fairness.people import Group, People


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """One sensitive attribute of each row."""

    name: str
    values: tuple[str, ...]
    codes: NDArray[np.int64]
    """Places in `values`; negative where it is not known."""


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """The rows, divided by one attribute or several."""

    attributes: tuple[str, ...]
    labels: tuple[Group, ...]
    codes: NDArray[np.int64]
    """Places in `labels`; negative where one of the attributes is not known."""
    unknown: int
    """Rows of which an attribute is not known: they are in no group."""


def cells(attributes: Sequence[Attribute], *, depth: int = 2) -> Iterator[Cells]:
    """Each attribute alone, then each pair, and so on up to `depth` attributes at once, in the order given.

    Raises:
        ValueError: Columns are not equally long, a code has no value, or a name comes twice.
    """
    if len({each.name for each in attributes}) < len(attributes):
        raise ValueError("give each attribute once")
    if len({each.codes.shape for each in attributes}) > 1:
        raise ValueError("give each row one code of each attribute")
    for each in attributes:
        if each.codes.size and int(each.codes.max()) >= len(each.values):
            raise ValueError(f"{each.name} has a code without a value: there are {len(each.values)}")
    for size in range(1, depth + 1):
        for chosen in combinations(attributes, size):
            yield _crossed(chosen)


def count(
    found: Cells,
    *,
    persons: NDArray[np.int64],
    numerators: NDArray[np.float64],
    denominators: NDArray[np.float64] | None = None,
) -> People:
    """What each person of each cell got, a row a decision; mergeable: see `People.of`."""
    return People.of(groups=found.codes, persons=persons, numerators=numerators, denominators=denominators)


def _crossed(chosen: Sequence[Attribute]) -> Cells:
    codes, known = np.zeros_like(chosen[0].codes), np.ones(chosen[0].codes.shape, dtype=bool)
    for each in chosen:
        codes = codes * len(each.values) + each.codes
        known &= each.codes >= 0
    return Cells(
        attributes=tuple(each.name for each in chosen),
        labels=tuple(product(*(each.values for each in chosen))),
        codes=np.where(known, codes, -1),
        unknown=int(np.count_nonzero(~known)),
    )
