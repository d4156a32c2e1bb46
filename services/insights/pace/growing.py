"""How far a share of customers may still grow by the end of a period, at the pace of its weeks so far.

A customer counts once in a period, and is active once they did anything in it. So the share of active ones grows with
each further contact of the same customer: 2 % a week are 20 % in ten weeks where each week contacts the same customers,
and stay 2 % where each week contacts others. Which of both it is, the weeks themselves show: how many of the customers
of a week were not there before.
"""

from collections.abc import Sequence
from math import inf, sqrt
from typing import Final

import msgspec

LEAST_WEEKS: Final = 2
_SURE: Final = 3.0
"""Standard deviations by which new customers are taken to be fewer than they seem."""


class Week(msgspec.Struct, frozen=True):
    """Customers who were contacted within seven days, each once for every day."""

    touched: int
    new: int
    """Those who were not there since the period began."""


class Reached(msgspec.Struct, frozen=True):
    """Customers of some days from the beginning on."""

    people: int
    touched: int
    """Each counted once for every day."""


def growth(weeks: Sequence[Week], reached: Reached, *, days_left: float) -> float:
    """How many times as many days of contact a customer will have had in the end as those of `reached`; 1 or more.

    `weeks` are all that are over, from the beginning on; `days_left` those of the period after them. Contacts go on at
    the mean pace of the weeks. The share of new customers among them falls by the same factor each week, as it does
    where everybody has the same chance in each; where chances differ it falls more slowly in the end, so that this is
    too much rather than too little. Infinite where the weeks are too few to say.
    """
    seen = [each for each in weeks if each.touched]
    if len(seen) < LEAST_WEEKS or not reached.people or not reached.touched:
        return inf
    people, touched = sum(each.new for each in seen), sum(each.touched for each in seen)
    first, last = seen[0], seen[-1]
    begun = (first.new + _SURE * sqrt(first.new)) / first.touched
    now = max(0.0, last.new - _SURE * sqrt(last.new)) / last.touched
    falls = min(1.0, (now / begun) ** (1 / (len(seen) - 1))) if begun else 0.0
    ahead, pace = days_left / 7, touched / len(weeks)
    share = ahead if falls == 1 else falls * (1 - falls**ahead) / (1 - falls)
    in_the_end = (touched + pace * ahead) / (people + pace * now * share)
    return max(1.0, in_the_end * reached.people / reached.touched)


def grown(share: float, by: float) -> float:
    """What a share of customers may have become after `by` times as many contacts, at most.

    1 - (1 - share)^by is exact where all customers do something with the same chance at each contact. Where they
    differ, those who are more likely to are active already, and it becomes less (Jensen's inequality).
    """
    return 1.0 if by == inf else 1 - (1 - min(max(share, 0.0), 1.0)) ** by
