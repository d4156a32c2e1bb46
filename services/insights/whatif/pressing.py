"""Under how much pressure contacts are made: contacts of the same customer in the seven days before each."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.insights.whatif.trial import Contacts

WEEK_MS: Final = 7 * 86_400_000
MOST_GROUPS: Final = 10
LEAST_IN_GROUP: Final = 100
"""Contacts of one group: with fewer a rate says too little."""


def pressure(made: NDArray[np.bool_], contacts: Contacts) -> NDArray[np.int64]:
    """For each entry, how many of the contacts `made` its customer had in the seven days before."""
    order = np.lexsort((contacts.at_ms, contacts.person))
    person, at_ms = contacts.person[order], contacts.at_ms[order]
    counted = np.concatenate([[0], np.cumsum(made[order])])
    # One line of time, on which everybody has a stretch of their own.
    span = int(at_ms.max() - at_ms.min()) + 2 * WEEK_MS if at_ms.size else 1
    line = person * span + (at_ms - (at_ms.min() if at_ms.size else 0))
    first = np.searchsorted(line, line - WEEK_MS, side="right")
    found = np.empty(len(order), dtype=np.int64)
    found[order] = counted[np.arange(len(order))] - counted[first]
    return found


def groups(pressures: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    """Ranges of pressure from the least to any, both ends included: each number by itself where enough contacts had it.

    Not deciles: those throw few contacts together with many, which a tighter cap parts again. At most ten.
    """
    values, counts = np.unique(pressures, return_counts=True)
    found: list[tuple[int, int]] = []
    first, have = 0, 0
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        have += count
        if have >= LEAST_IN_GROUP and len(found) < MOST_GROUPS:
            found.append((first, value))
            first, have = value + 1, 0
    top = np.iinfo(np.int64).max
    if not found:
        return [(0, int(top))]
    found[-1] = (found[-1][0], int(top))  # what is left over is too few for a group of its own
    return found
