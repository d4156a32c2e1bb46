"""Comparisons within segments of customers: whether a gap between groups is there among people of the same segments.

A stratum is everybody with the same segments, as they stand when the week is looked at. Nothing of a single stratum is
told: only the ratio within all of them together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from services.insights.fairness.intersections import Cells
from services.insights.fairness.people import People
from services.insights.fairness.rates import Table
from services.workbench.looks.fairness_calls import Ints
from services.workbench.looks.fairness_tables import Measured

MOST: Final = 20
"""Strata: the largest ones, and everybody else together as the last one."""


def strata_of(people: Sequence[str], segments: Mapping[str, Sequence[str]]) -> Ints | None:
    """The number of each one's stratum, from 0; None where all are in the same."""
    names = [tuple(sorted(set(segments.get(each, ())))) for each in people]
    sizes = Counter(names)
    if len(sizes) < 2:
        return None
    largest = sorted(sizes, key=lambda each: (-sizes[each], each))[: MOST - 1]
    numbers = {name: number for number, name in enumerate(largest)}
    return np.array([numbers.get(each, MOST - 1) for each in names], dtype=np.int64)


def within(measured: Measured, table: Table, found: Cells, strata: Ints) -> Mapping[str, Table]:
    """The table of a measure, once for each stratum, with the groups that it shows; `found` has everybody's group."""
    stratum = strata[measured.place]
    many = int(stratum.max()) + 1 if stratum.size else 0
    people = People.of(
        groups=np.where(found.codes >= 0, found.codes * many + stratum, -1),
        persons=measured.place,
        numerators=measured.got.astype(np.float64),
        denominators=measured.among.astype(np.float64),
    )
    sums = people.sums([(*label, str(number)) for label in found.labels for number in range(many)])
    return {
        str(number): msgspec.structs.replace(
            table,
            groups={label: sums[each] for label in table.groups if (each := (*label, str(number))) in sums},
        )
        for number in range(many)
    }
