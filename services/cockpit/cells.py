"""What is known of one day, of everything or of one agent, channel and so on: sums that name nobody.

Days add up to any time, by customer. A customer who comes on several days must count once, so a day has not only how
many customers there were, but after how many days they were there again: of days from a first one on a customer counts
on the day whose last one before lies before the first. What a customer spent on several days must be squared
as one amount: (a + b)² = a² + b² + 2ab, so a day has the products with what the same customers spent on earlier days,
by how many days lie between. Both reach back `LOOKBACK_DAYS`, so times may be as long, and no longer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from services.insights.kpis.money import Spending
from services.insights.kpis.refused import Made
from services.insights.pressure.spread import Tally

LOOKBACK_DAYS: Final = 92
"""As many days as a quarter has at most."""
DEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "active": ("clicked", "replied", "converted"),
    "converted": ("converted",),
    "gone": ("unsubscribed", "complained"),
    "opened": ("opened",),
    "clicked": ("clicked",),
    "replied": ("replied",),
    "opted_out": ("unsubscribed",),
    "complained": ("complained",),
    "bounced": ("bounced",),
}
"""What customers do after contacts, and by which kinds of outcomes."""
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
    deeds: dict[str, Gaps] = {}
    """Contacted customers who did something afterwards, by the names of `DEEDS`."""
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
    deeds: Mapping[str, int] = {}
    """Customers, by what they did."""
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
    tally = Tally()
    days = [(day - start_day, cells[day]) for day in sorted(cells)]
    for _, cell in days:
        _add(felt, cell.felt)
        _add(refused, cell.refused)
        if cell.tally[0]:
            tally = Tally(contacts=cell.tally[0], people=cell.tally[1])
    promoters, passives, detractors = (sum(cell.scores[place] for _, cell in days) for place in range(3))
    return Sums(
        contacts=sum(cell.contacts for _, cell in days),
        contacted=_spending([(after, cell.contacted) for after, cell in days]),
        treated=_spending([(after, cell.treated) for after, cell in days]),
        held=_spending([(after, cell.held) for after, cell in days]),
        deeds={name: _once([(after, cell.deeds.get(name, {})) for after, cell in days]) for name in DEEDS},
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        felt=felt,
        refused=refused,
        made=_made(cell for _, cell in days),
        tally=tally,
    )


def _made(cells: Iterable[Cell]) -> Mapping[str, Made]:
    # A quarter has tens of thousands of strata of days: a struct for each of them would take most of the time.
    found: dict[str, list[int]] = {}
    for cell in cells:
        for name, (n, sold, total, squares, left) in cell.made.items():
            its = found.get(name)
            if its is None:
                found[name] = [n, sold, total, int(squares), left]
            else:
                its[0] += n
                its[1] += sold
                its[2] += total
                its[3] += int(squares)
                its[4] += left
    return {
        name: Made(n=n, sold=sold, total=total, squares=squares, left=left)
        for name, (n, sold, total, squares, left) in found.items()
    }


def _once(days: Sequence[tuple[int, Gaps]]) -> int:
    """Customers, each once, of days with how many days they are after the first."""
    found = 0
    for after, gaps in days:
        for gap, count in gaps.items():
            if gap == 0 or gap > after:
                found += count
    return found


def _spending(days: Sequence[tuple[int, Group]]) -> Spending:
    squares = 0
    for after, each in days:
        for gap, product in each.products.items():
            if gap <= after:
                squares += int(product) * 2 if gap else int(product)
    return Spending(
        n=_once([(after, each.people) for after, each in days]),
        spenders=_once([(after, each.spenders) for after, each in days]),
        total=sum(each.total for _, each in days),
        squares=squares,
    )


def _add(to: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        to[name] = to.get(name, 0) + count
