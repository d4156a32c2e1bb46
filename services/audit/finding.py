"""What is asked of many decisions at once, and what a store answers. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from services.audit.filters.fields import FIELDS, Field

MOST_VALUES: Final = 10_000
"""Most values of one field that are told apart in one part of a store; rarer ones are not counted."""


class Order(msgspec.Struct, frozen=True):
    """By a field that has one number or time, and among equals by the id."""

    field: Field
    descending: bool = False

    @property
    def by_time(self) -> bool:
        """Whether it is the order of the ids, which sort by the time at which the gateway took the call."""
        return self.field.name == "receive_time"


class Place(msgspec.Struct, frozen=True):
    """Where a decision stands in an order: by its id alone where that is by time."""

    id: str
    key: int = 0
    """The field's value in its stored unit, -1 for a decision that has none."""


NEWEST: Final = Order(FIELDS["receive_time"], descending=True)


class Facets(msgspec.Struct, frozen=True):
    """How many decisions match, and how many of them have each value of some fields."""

    total: int
    counts: Mapping[str, Mapping[str | int, int]]
    """By field and value; an empty text stands for decisions that have none."""


def added(parts: Iterable[Facets]) -> Facets:
    """The facets of several parts of a store together."""
    total, counts = 0, dict[str, dict[str | int, int]]()
    for part in parts:
        total += part.total
        for field, values in part.counts.items():
            sums = counts.setdefault(field, {})
            for value, count in values.items():
                sums[value] = sums.get(value, 0) + count
    return Facets(total, counts)


class Timeline(msgspec.Struct, frozen=True):
    """When decisions were received: how many in each bucket, by verdict."""

    start_ms: int
    width_ms: int
    counts: Mapping[tuple[int, str], int]
    """By the number of the bucket, counted from 0, and the verdict; none for an empty one."""


def joined_up(start_ms: int, width_ms: int, parts: Iterable[Mapping[tuple[int, str], int]]) -> Timeline:
    """The timelines of several parts of a store together."""
    counts = dict[tuple[int, str], int]()
    for part in parts:
        for place, count in part.items():
            counts[place] = counts.get(place, 0) + count
    return Timeline(start_ms, width_ms, counts)
