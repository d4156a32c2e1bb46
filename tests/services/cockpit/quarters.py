"""Simulated quarters of one objective: who is contacted on which day, and what comes of it, as days of KPIs."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core.policy.objectives import Objective
from services.cockpit.cells import LOOKBACK_DAYS, Cell, Gaps, Group
from services.cockpit.days import DAY_MS
from services.cockpit.risks import watched_of
from services.cockpit.viewing import date_of
from services.cockpit.watched import Watched
from services.insights.pace.standing import Stands

FIRST: Final = 20_700
DAYS: Final = 91
_NEVER: Final = -10_000
Days = NDArray[np.bool_]
"""Of each customer and day."""


class Quarter(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of a quarter."""

    customers: int = 3_000
    way: str = "by-chance"
    """Whom a day contacts: "by-chance", the same "weekly", or everybody "once"."""
    contact: float = 1 / 7
    """By chance: of a day."""
    converts: float = 0.02
    """The chance of a contact; likewise the next ones."""
    leaves: float = 0.001
    answers: float = 0.05
    much: float = 0.1
    """Of answers; likewise the next ones."""
    promoters: float = 0.4
    detractors: float = 0.2
    spends: float = 7.0
    """Logarithm of what somebody spends who converts, in cents."""

    def drawn(self, draw: np.random.Generator) -> Mapping[int, Cell]:
        """One such quarter, by day."""
        size = self.customers, DAYS
        contacted = self._contacted(draw)
        converted = contacted & (draw.random(size) < self.converts)
        left = contacted & (draw.random(size) < self.leaves)
        spent = np.where(converted, np.rint(np.exp(draw.normal(self.spends, 0.8, size))), 0).astype(np.int64)
        people, buyers, leavers = _gaps(contacted), _gaps(converted), _gaps(left)
        products = _products(spent)
        found = {}
        for day in range(DAYS):
            asked = int(draw.binomial(int(contacted[:, day].sum()), self.answers))
            scores = draw.multinomial(asked, (self.promoters, 1 - self.promoters - self.detractors, self.detractors))
            much = int(draw.binomial(asked, self.much))
            found[FIRST + day] = Cell(
                contacts=int(contacted[:, day].sum()),
                contacted=Group(people[day], buyers[day], int(spent[:, day].sum()), products[day]),
                deeds={"converted": buyers[day], "opted_out": leavers[day]},
                scores=(int(scores[0]), int(scores[1]), int(scores[2])),
                felt={"much_too_much": much, "not_solicited": asked - much},
            )
        return found

    def truth(self, draw: np.random.Generator) -> Mapping[str, float]:
        """What rates of customers come to by the end, of very many; and the revenue of as many as there are."""
        many = msgspec.structs.replace(self, customers=40_000)
        contacted = many._contacted(draw)
        chance, who = contacted.sum(axis=1), contacted.any(axis=1)
        mean = float(np.exp(self.spends + 0.8**2 / 2))
        return {
            "conversion_rate": float(1 - ((1 - self.converts) ** chance[who]).mean()),
            "opt_out_rate": float(1 - ((1 - self.leaves) ** chance[who]).mean()),
            "revenue_cents": float(self.customers * chance.mean() * self.converts * mean),
            "contacts": float(self.customers * chance.mean()),
            "nps": 100 * (self.promoters - self.detractors),
            "perceived_too_much": self.much,
        }

    def _contacted(self, draw: np.random.Generator) -> Days:
        size = self.customers, DAYS
        if self.way == "by-chance":
            return draw.random(size) < self.contact
        found, who = np.zeros(size, dtype=np.bool_), np.arange(self.customers)
        if self.way == "once":
            found[who, draw.integers(0, DAYS, self.customers)] = True
        else:
            found[who[:, None], np.arange(0, DAYS, 7)[None, :] + draw.integers(0, 7, (self.customers, 1))] = True
        return found


def objective(**fields: Any) -> Objective:
    """One of that quarter."""
    period = {"first": date_of(FIRST), "last": date_of(FIRST + DAYS - 1)}
    given = {"name": "spring", "tenant": "acme", "kpi": "conversion_rate", "target": 0.1, "period": period}
    return msgspec.convert(given | fields, Objective)


def at(day: int) -> int:
    """The beginning of a day of the quarter, of which the days before are over."""
    return (FIRST + day) * DAY_MS


def known_on(cells: Mapping[int, Cell], day: int) -> Mapping[int, Cell]:
    """What is known when that day begins, of reactions that come at once."""
    return {each: cell for each, cell in cells.items() if each < FIRST + day}


def first_risks(stated: Objective, cells: Mapping[int, Cell], *, alpha: float) -> Mapping[str, int]:
    """By measure the day on which somebody who looks every day sees it at risk first."""
    found: dict[str, int] = {}
    for day in range(1, DAYS):
        for each in watched_of(stated, known_on(cells, day), now_ms=at(day), alpha=alpha):
            if each.stands is Stands.AT_RISK:
                found.setdefault(each.measure, day)
    return found


def by_measure(watched: tuple[Watched, ...]) -> Mapping[str, Watched]:
    """By name."""
    return {each.measure: each for each in watched}


def _gaps(days: Days) -> list[Gaps]:
    last, found = np.full(days.shape[0], _NEVER), []
    for day in range(days.shape[1]):
        who = days[:, day]
        gap = day - last[who]
        gap[gap > LOOKBACK_DAYS] = 0
        values, counts = np.unique(gap, return_counts=True)
        found.append(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        last[who] = day
    return found


def _products(spent: NDArray[np.int64]) -> list[dict[int, str]]:
    """Sums of products of each day with itself and the days before; of some thousand customers none is too large."""
    products = spent.T @ spent
    return [
        {day - other: str(products[day, other]) for other in range(day + 1) if products[day, other]}
        for day in range(spent.shape[1])
    ]
