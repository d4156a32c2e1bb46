"""Measures of what was done to people, by groups of the vault's attributes; groups that are too small are hidden. Pure.

A group is hidden below `LEAST` persons. Where the others and a sum that anybody can get, such as how many persons an
agent dealt with, would tell of those hidden while these are fewer than that, the next smallest group is hidden too.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.fairness.intersections import Attribute, Cells, cells, count
from services.insights.fairness.judging import Kind, Subject
from services.insights.fairness.people import Group
from services.insights.fairness.rates import LEAST, Table
from services.insights.sums import Sums, total
from services.workbench.looks.fairness_calls import Ints, Treated
from services.workbench.looks.spans import Span

Floats = NDArray[np.float64]
DEPTH: Final = 2
"""Intersections of two attributes."""


class Measured(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One measure of one version of an agent in a time: `got` of `among`, an entry for each person."""

    agent: str
    version: str
    span: Span
    name: str
    kind: Kind
    share: bool
    place: Ints
    got: Ints | Floats
    among: Ints | Floats


def measures(found: Treated, everybody: Ints, *, span: Span) -> tuple[Measured, ...]:
    """What is measured of it; `everybody` are places of whom any agent of the tenant dealt with, ascending.

    - offers: whether a person got one, of everybody
    - inferences: those that led to something, of all
    - contacts: of those who were contacted, how often
    - refusals: of all decisions
    """
    reached = np.isin(everybody, found.place[found.offers > 0]).astype(np.int64)
    some, asked = found.contacts > 0, found.inferences > 0
    of: dict[str, Any] = {"agent": found.agent, "version": found.version, "span": span}
    return (
        Measured(
            **of,
            name="offers",
            kind=Kind.BENEFIT,
            share=True,
            place=everybody,
            got=reached,
            among=np.ones_like(reached),
        ),
        Measured(
            **of,
            name="inferences",
            kind=Kind.BENEFIT,
            share=True,
            place=found.place[asked],
            got=found.led[asked],
            among=found.inferences[asked],
        ),
        Measured(
            **of,
            name="contacts",
            kind=Kind.BURDEN,
            share=False,
            place=found.place[some],
            got=found.contacts[some],
            among=np.ones(int(some.sum()), dtype=np.int64),
        ),
        Measured(
            **of,
            name="refusals",
            kind=Kind.BURDEN,
            share=True,
            place=found.place,
            got=found.refusals,
            among=found.decisions,
        ),
    )


class Tabled(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A measure by the groups of an attribute or an intersection."""

    found: Cells
    """Of each person of the measure the group."""
    hidden: tuple[Group, ...]
    """Those that are too small, or would tell of one that is; also those of nobody."""
    subject: Subject | None
    """None where there are no two groups to show."""


def tabled(measured: Measured, attributes: Sequence[Attribute]) -> Iterator[Tabled]:
    """A table for each attribute and intersection.

    Without any event, or with nothing else, there are none: no test could tell anything of them.
    """
    if measured.got.sum() < 1 or (measured.share and measured.got.sum() >= measured.among.sum()):
        return
    own = [msgspec.structs.replace(each, codes=each.codes[measured.place]) for each in attributes]
    by_name = {each.name: each for each in own}
    for found in cells(own, depth=DEPTH) if own else ():
        people = count(
            found,
            persons=measured.place,
            numerators=measured.got.astype(np.float64),
            denominators=measured.among.astype(np.float64),
        )
        shown = shown_of(people.sums(found.labels), found, by_name)
        table = Table(measure=measured.name, attributes=found.attributes, groups=shown, share=measured.share)
        some = len(shown) > 1 and total(shown.values()).y > 0
        yield Tabled(
            found=found,
            hidden=tuple(each for each in found.labels if each not in shown),
            subject=Subject(table=table, kind=measured.kind) if some else None,
        )


def shown_of(groups: Mapping[Group, Sums], found: Cells, attributes: Mapping[str, Attribute]) -> Mapping[Group, Sums]:
    """The groups that can be shown without telling of one that cannot; each person is one row of `found`."""
    shown = {group: sums for group, sums in groups.items() if sums.n >= LEAST}
    lines = list(_lines(found, [attributes[name] for name in found.attributes]))
    while True:
        telling = [line for line in lines if 0 < line.people - line.shown(shown) < LEAST and line.among(shown)]
        if not telling:
            return shown
        for line in telling:
            among = line.among(shown)
            if among:
                del shown[min(among, key=lambda each: (shown[each].n, each))]


class Line(msgspec.Struct, frozen=True):
    """Groups that together are no more than a number of people that can be got otherwise."""

    people: int
    groups: tuple[Group, ...]

    def among(self, shown: Mapping[Group, Sums]) -> tuple[Group, ...]:
        """Those of them that are shown."""
        return tuple(each for each in self.groups if each in shown)

    def shown(self, shown: Mapping[Group, Sums]) -> int:
        """How many people these are."""
        return sum(shown[each].n for each in self.among(shown))


def _lines(found: Cells, attributes: Sequence[Attribute]) -> Iterator[Line]:
    """All groups of one attribute; of an intersection those with one value of one attribute in common, likewise."""
    yield Line(int(found.codes.size), found.labels)
    if len(attributes) < 2:
        return
    for place, attribute in enumerate(attributes):
        for code, value in enumerate(attribute.values):
            people = int(np.count_nonzero(attribute.codes == code))
            yield Line(people, tuple(each for each in found.labels if each[place] == value))


def coded(name: str, values: Sequence[str], known: Mapping[str, str], subjects: Sequence[str]) -> Attribute:
    """An attribute as numbers, in the order of `subjects`; -1 of whom it is not known."""
    numbers = {value: number for number, value in enumerate(values)}
    codes: NDArray[np.int64] = np.fromiter(
        (numbers.get(known.get(each, ""), -1) for each in subjects), dtype=np.int64, count=len(subjects)
    )
    return Attribute(name=name, values=tuple(values), codes=codes)
