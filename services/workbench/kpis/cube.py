"""All cells of a tenant's days, worked out in one go: what a contact led to belongs to the day of the contact."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec

from gateway.core.outcomes import NPS
from services.cockpit.cells import DEEDS, Cell, Gaps, Group
from services.cockpit.days import DAY_MS, Heads
from services.cockpit.dimensions import ALL, DIMENSIONS
from services.workbench.columns.database import Columns, Desk
from services.workbench.kpis import answers, refusals
from services.workbench.kpis.contacts import put_together
from services.workbench.kpis.people import GROUPS, contacts, gaps, group, products, tallies, totals

_SUNDAY: Final = 3
"""The first one after the epoch, which began on a Thursday, as a number of days."""


class _Made:
    """A cell in the making."""

    def __init__(self) -> None:
        self.people: dict[str, Gaps] = {each: {} for each in (*GROUPS, *DEEDS)}
        self.spenders: dict[str, Gaps] = {each: {} for each in GROUPS}
        self.total = dict.fromkeys(GROUPS, 0)
        self.products: dict[str, dict[int, str]] = {each: {} for each in GROUPS}
        self.scores = {answers.PROMOTERS: 0, answers.PASSIVES: 0, answers.DETRACTORS: 0}
        self.felt: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.made: dict[str, tuple[int, int, int, str, int]] = {}
        self.tally: dict[int, int] = {}
        self.contacts = 0

    def cell(self) -> Cell:
        """It, as it is kept."""
        groups = {
            each: Group(self.people[each], self.spenders[each], self.total[each], self.products[each])
            for each in GROUPS
        }
        return Cell(
            contacts=self.contacts,
            **groups,
            deeds={each: self.people[each] for each in DEEDS if self.people[each]},
            scores=(
                self.scores[answers.PROMOTERS],
                self.scores[answers.PASSIVES],
                self.scores[answers.DETRACTORS],
            ),
            felt=self.felt,
            refused=self.refused,
            made=self.made,
            tally=(tuple(self.tally), tuple(self.tally.values())),
        )


class Cube(msgspec.Struct, frozen=True):
    """What was worked out of some days."""

    days: Mapping[int, Mapping[str, Mapping[str, Cell]]]
    """Cells by day, dimension and key. A day without any contact has those of everything only."""
    apart: Mapping[int, dict[str, tuple[int, int]]]
    """See `services.cockpit.days.Day`."""


def work_out(
    columns: Columns,
    tenant: str,
    *,
    start_day: int,
    end_ms: int,
    rates: Mapping[str, Fraction],
    segments: Mapping[str, tuple[str, ...]],
) -> Cube:
    """Days from `start_day` to the one in which `end_ms` lies. Working out twice comes to the same.

    `segments` are those of customers, by pseudonym; `rates` what currencies are worth in that of the report.
    """
    last_day = (end_ms - 1) // DAY_MS
    days: dict[int, dict[str, dict[str, Cell]]] = {}
    with columns.desk() as ask:
        apart = put_together(ask, tenant, start_day=start_day, end_ms=end_ms, rates=rates, segments=segments)
        answers.listen(ask, tenant)
        for dimension in (ALL, *DIMENSIONS):
            group(ask, dimension)
            for (key, day), made in _cells(ask, dimension, start_day=start_day, last_day=last_day).items():
                days.setdefault(day, {}).setdefault(dimension, {})[key] = made.cell()
    for day in range(start_day, last_day + 1):
        for dimension in (ALL, *DIMENSIONS):
            days.setdefault(day, {}).setdefault(dimension, {})
        days[day][ALL].setdefault("", Cell())
    return Cube(days, apart)


def heads_of(cell: Cell) -> Heads:
    """What changes of a day are told of, from the cell of everything."""
    return {
        "contacts": cell.contacts,
        **{name: sum(cell.deeds.get(name, {}).values()) for name in ("active", "converted")},
        "left": sum(cell.deeds.get("gone", {}).values()),
        "scores": sum(cell.scores),
        "felt": sum(cell.felt.values()),
        "revenue": cell.contacted.total,
    }


Found = dict[tuple[str, int], _Made]
"""Cells in the making, by key and day."""


def _cells(ask: Desk, dimension: str, *, start_day: int, last_day: int) -> Found:
    found: Found = {}
    _customers(ask, found, start_day)
    _money(ask, found, start_day)
    _contacts(ask, found, start_day)
    if dimension == ALL:
        for day, stratum, its in refusals.made(ask, start_day=start_day):
            _at(found, "", day).made[stratum] = its
    ends = [day for day in range(start_day, last_day) if day % 7 == _SUNDAY]
    for key, day, many, n in tallies(ask, ends=ends):
        _at(found, key, day).tally[many] = n
    return found


def _at(found: Found, key: str, day: int) -> _Made:
    made = found.get((key, day))
    if made is None:
        made = found[key, day] = _Made()
    return made


def _customers(ask: Desk, found: Found, start_day: int) -> None:
    for name in (*GROUPS, *DEEDS):
        for key, day, gap, n in gaps(ask, name, start_day=start_day):
            its = _at(found, key, day).people[name]
            its[gap] = its.get(gap, 0) + n


def _money(ask: Desk, found: Found, start_day: int) -> None:
    for name in GROUPS:
        for key, day, gap, n in gaps(ask, f"{name}_spent <> 0", start_day=start_day):
            its = _at(found, key, day).spenders[name]
            its[gap] = its.get(gap, 0) + n
        for key, day, n in totals(ask, name, start_day=start_day):
            _at(found, key, day).total[name] = n
        for key, day, gap, text in products(ask, name, start_day=start_day):
            _at(found, key, day).products[name][gap] = text


def _contacts(ask: Desk, found: Found, start_day: int) -> None:
    for key, day, n in contacts(ask, start_day=start_day):
        _at(found, key, day).contacts = n
    for key, day, question, answer, n in answers.answers(ask, start_day=start_day):
        made = _at(found, key, day)
        (made.scores if question == NPS else made.felt)[answer] = n
    for key, day, stratum, n in refusals.refusals(ask, start_day=start_day):
        _at(found, key, day).refused[stratum] = n
