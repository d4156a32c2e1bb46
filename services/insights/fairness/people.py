"""What each person of each group got: columns of decisions, added up by person, and then to the sums of a group.

Intervals need persons, not decisions: ten decisions about one person say little more than one. A person's rows may come
in several parts, hour by hour; `People` of the parts add up to exactly that of the whole. `Sums` add up over persons
only, so they are made at the end.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.insights.sums import Sums

Group = tuple[str, ...]
"""The values of a group, in the order of its attributes: ("women",), or ("women", "over 65") of an intersection."""

_FIELDS = ("y", "d", "yy", "dd", "yd")


class People(msgspec.Struct, frozen=True, kw_only=True):
    """One row for each person and group, sorted by group and person; mergeable with `+`."""

    groups: NDArray[np.int64]
    """Codes from 0."""
    persons: NDArray[np.int64]
    """Any whole number that stands for one person."""
    numerators: NDArray[np.float64]
    """What the person got: offers made, refusals, contacts."""
    denominators: NDArray[np.float64]
    """Out of what: decisions about the person, or 1 or a time of exposure where things are counted per person."""

    @classmethod
    def of(
        cls, *, groups: ArrayLike, persons: ArrayLike, numerators: ArrayLike, denominators: ArrayLike | None = None
    ) -> "People":
        """Add up columns, a row a decision; without `denominators` each row counts for 1.

        Rows with a negative group (the attribute is not known) are left out: count them before. Whoever got nothing
        must have a row too, with a numerator of 0, or rates are those of the people who got something.

        Raises:
            ValueError: The columns are not equally long, or hold a number that is negative or not finite.
        """
        group, person = np.asarray(groups, dtype=np.int64), np.asarray(persons, dtype=np.int64)
        y = np.asarray(numerators, dtype=np.float64)
        d = np.ones_like(y) if denominators is None else np.asarray(denominators, dtype=np.float64)
        if not group.shape == person.shape == y.shape == d.shape or y.ndim != 1:
            raise ValueError("give each row one group, one person, one numerator and one denominator")
        if not bool(np.all(np.isfinite(y) & np.isfinite(d) & (y >= 0) & (d >= 0))):
            raise ValueError("numerators and denominators are finite and not negative")
        known = group >= 0
        return _added(group[known], person[known], y[known], d[known])

    def __add__(self, other: "People") -> "People":
        """The rows of both; a person who is in both has one row again."""
        names = ("groups", "persons", "numerators", "denominators")
        return _added(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def sums(self, labels: Sequence[Group]) -> Mapping[Group, Sums]:
        """The sums over persons of each label's group; the code of a group is its place in `labels`.

        Raises:
            ValueError: A code has no label.
        """
        size = len(labels)
        if self.groups.size and int(self.groups[-1]) >= size:
            raise ValueError(f"group {int(self.groups[-1])} has no label: there are {size}")
        y, d = self.numerators, self.denominators
        columns = (
            np.bincount(self.groups, weights=each, minlength=size).tolist() for each in (y, d, y * y, d * d, y * d)
        )
        counts = np.bincount(self.groups, minlength=size).tolist()
        rows = zip(labels, counts, *columns, strict=True)
        return {label: Sums(n=n, **dict(zip(_FIELDS, values, strict=True))) for label, n, *values in rows if n}


def _added(
    groups: NDArray[np.int64], persons: NDArray[np.int64], y: NDArray[np.float64], d: NDArray[np.float64]
) -> People:
    order = _order(groups, persons)
    group, person = groups[order], persons[order]
    first = np.ones(group.size, dtype=bool)
    first[1:] = (group[1:] != group[:-1]) | (person[1:] != person[:-1])
    row = np.cumsum(first) - 1
    return People(
        groups=group[first],
        persons=person[first],
        numerators=np.bincount(row, weights=y[order], minlength=int(first.sum())).astype(np.float64),
        denominators=np.bincount(row, weights=d[order], minlength=int(first.sum())).astype(np.float64),
    )


def _order(groups: NDArray[np.int64], persons: NDArray[np.int64]) -> NDArray[np.int64]:
    """By group and person; one key sorts five times as fast as two, where persons are numbered and not hashed."""
    if groups.size and int(persons.min()) >= 0 and (int(persons.max()) + 1) * (int(groups.max()) + 1) < 2**62:
        return np.argsort(groups * (persons.max() + 1) + persons)
    return np.lexsort((persons, groups))
