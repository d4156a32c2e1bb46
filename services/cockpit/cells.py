"""What is known of one day, of everything or of one agent, channel and so on: sums that name nobody.

Days add up to any time, by customer. A customer who comes on several days must count once, so a day has not only how
many customers there were, but after how many days they were there again: of days from a first one on a customer counts
on the day whose last one before lies before the first. What a customer spent on several days must be squared
as one amount: (a + b)² = a² + b² + 2ab, so a day has the products with what the same customers spent on earlier days,
by how many days lie between. Both reach back `LOOKBACK_DAYS`, so times may be as long, and no longer.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.insights.kpis.money import Spending
from services.insights.kpis.refused import Made
from services.insights.pressure.spread import Tally

LOOKBACK_DAYS: Final = 92
"""As many days as a quarter has at most."""
Gaps = dict[int, int]
"""How many customers by how many days after the time before; 0: not within `LOOKBACK_DAYS`."""


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Some customers of a day, and what they spent, in cents of the reporting currency."""

    people: Gaps = {}
    spenders: Gaps = {}
    total: int = 0
    products: dict[int, str] = {}
    """Sums of products with what the same customers spent so many days before, which count twice; 0: of squares. As
    texts: they may have more than 63 bits."""


class Cell(msgspec.Struct, frozen=True, array_like=True):
    """What one cell of a day knows. What customers did belongs to the day of the contact that it followed."""

    contacts: int = 0
    """Carried out, or in doubt."""
    contacted: Group = Group()
    treated: Group = Group()
    """Customers who could have been held out and were not; of all contacts that were asked for, also refused ones."""
    held: Group = Group()
    """Customers who were held out, and what they spent."""
    active: Gaps = {}
    """Contacted customers who clicked, replied or converted; likewise those who converted, and who opted out or
    complained."""
    converted: Gaps = {}
    left: Gaps = {}
    scores: tuple[int, int, int] = (0, 0, 0)
    """Promoters, passives and detractors."""
    felt: dict[str, int] = {}
    """Answers to "pressure"."""
    refused: dict[str, int] = {}
    """Refused contacts by stratum: a customer once a day, and none that was made after all the same or the next day."""
    made: dict[str, tuple[int, int, int, str, int]] = {}
    """Contacts that were made, by stratum, as `Made` has them; squares as a text. Of everything together only."""
    tally: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    """Of days that end an ISO week: how many contacts there were in the week, and how many customers had so many, of
    those for whom any was asked in the last 28 days and who are not held out."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What days come to."""

    contacts: int = 0
    contacted: Spending = Spending()
    treated: Spending = Spending()
    held: Spending = Spending()
    active: int = 0
    converted: int = 0
    left: int = 0
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    felt: Mapping[str, int] = {}
    refused: Mapping[str, int] = {}
    made: Mapping[str, Made] = {}
    tally: Tally = Tally()
    """Of the last ISO week that is over within these days."""


def summed(cells: Mapping[int, Cell], *, start_day: int) -> Sums:
    """Cells of days from `start_day` on, at most `LOOKBACK_DAYS` of them, added up by customer."""
    felt: dict[str, int] = {}
    refused: dict[str, int] = {}
    made: dict[str, Made] = {}
    tally = Tally()
    for day in sorted(cells):
        cell = cells[day]
        _add(felt, cell.felt)
        _add(refused, cell.refused)
        for name, (n, sold, total, squares, left) in cell.made.items():
            more = Made(n=n, sold=sold, total=total, squares=int(squares), left=left)
            made[name] = made.get(name, Made()) + more
        if cell.tally[0]:
            tally = Tally(contacts=cell.tally[0], people=cell.tally[1])
    scores = [sum(each.scores[place] for each in cells.values()) for place in range(3)]
    return Sums(
        contacts=sum(each.contacts for each in cells.values()),
        contacted=_spending({day: each.contacted for day, each in cells.items()}, start_day),
        treated=_spending({day: each.treated for day, each in cells.items()}, start_day),
        held=_spending({day: each.held for day, each in cells.items()}, start_day),
        active=_once({day: each.active for day, each in cells.items()}, start_day),
        converted=_once({day: each.converted for day, each in cells.items()}, start_day),
        left=_once({day: each.left for day, each in cells.items()}, start_day),
        promoters=scores[0],
        passives=scores[1],
        detractors=scores[2],
        felt=felt,
        refused=refused,
        made=made,
        tally=tally,
    )


def _once(days: Mapping[int, Gaps], start_day: int) -> int:
    """Customers, each once."""
    return sum(count for day, gaps in days.items() for gap, count in gaps.items() if gap == 0 or day - gap < start_day)


def _spending(days: Mapping[int, Group], start_day: int) -> Spending:
    squares = sum(
        int(product) * (2 if gap else 1)
        for day, each in days.items()
        for gap, product in each.products.items()
        if day - gap >= start_day
    )
    return Spending(
        n=_once({day: each.people for day, each in days.items()}, start_day),
        spenders=_once({day: each.spenders for day, each in days.items()}, start_day),
        total=sum(each.total for each in days.values()),
        squares=squares,
    )


def _add(to: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        to[name] = to.get(name, 0) + count
