"""Which objectives are at risk, out of the days of what served them: proven by intervals that hold at every look. Pure.

A number counts only as far as nothing can still be reported that would better it. What customers do after a contact is
waited for 28 days, so where more is better the contacts of the last 28 days do not count, and where less is better they
do count against it. Sums are taken of whole weeks: a week has its good and its bad days.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import variance
from typing import Final

import msgspec

from gateway.core.objectives import bounds
from gateway.core.policy.objectives import LESS_IS_BETTER, MONEY, Objective
from services.cockpit.cells import Cell, Sums, summed
from services.cockpit.days import DAY_MS, FOLLOW_DAYS
from services.cockpit.standing import A_BIT, MUCH
from services.cockpit.watched import Watched, measures_of
from services.insights.comparing import Effect
from services.insights.pace import growing, means
from services.insights.pace.standing import Range, Stands, at_least, at_most

WEEK: Final = 7
_LEAST_WEEKS: Final = 3
"""Weeks whose sums say how much more than by chance they differ."""
_DEEDS: Final[Mapping[str, str]] = {
    "activation_rate": "active",
    "conversion_rate": "converted",
    "open_rate": "opened",
    "click_rate": "clicked",
    "reply_rate": "replied",
    "opt_out_rate": "opted_out",
    "complaint_rate": "complained",
    "bounce_rate": "bounced",
}
_FELT: Final[Mapping[str, tuple[str, ...]]] = {"perceived_pressure": (MUCH, A_BIT), "perceived_too_much": (MUCH,)}


def watched_of(objective: Objective, cells: Mapping[int, Cell], *, now_ms: int, alpha: float) -> tuple[Watched, ...]:
    """How each number of an objective stands at that time, by the cells of the days that served it.

    `alpha` is how often one of them, all looks together, may be said to be at risk where it is not. Nothing is watched
    before the period, and after it.
    """
    since_ms, ends_ms = bounds(objective.period)
    if not since_ms <= now_ms < ends_ms:
        return ()
    days = _Days(cells, since_ms, ends_ms=ends_ms, now_ms=now_ms)
    made = []
    for part, measure in measures_of(objective):
        if part == "budget":
            made.append(_budget(objective, measure, days, alpha))
        elif measure in MONEY:
            made.append(_money(measure, objective.target, days, alpha))
        else:
            limit = objective.target if part == "target" else _most(objective, measure)
            look = _least if part == "target" and measure not in LESS_IS_BETTER else _limit
            made.append(msgspec.structs.replace(look(measure, limit, days, alpha), part=part))
    return tuple(msgspec.structs.replace(each, level=1 - alpha) for each in made)


class _Days:
    """The days of a period: those that are over, and of them those after whose contacts nothing can come any more."""

    def __init__(self, cells: Mapping[int, Cell], since_ms: int, *, ends_ms: int, now_ms: int) -> None:
        today = now_ms // DAY_MS
        self.since_ms = since_ms
        self.length = (ends_ms - since_ms) / DAY_MS
        self._first, self._cells = since_ms // DAY_MS, cells
        self.over = max(0, today - self._first)
        """How many days are over."""
        self.settled = max(0, today - FOLLOW_DAYS - self._first)

    def cells(self, first: int, count: int) -> Sequence[Cell]:
        """Of so many days from that one of the period on."""
        days = range(self._first + first, self._first + first + count)
        return [self._cells[day] for day in days if day in self._cells]

    def sums(self, count: int) -> Sums:
        """Of the first days of the period."""
        its = {day: self._cells[day] for day in range(self._first, self._first + count) if day in self._cells}
        return summed(its, start_day=self._first)

    def weeks(self, days: int) -> Sequence[Sequence[Cell]]:
        """Those of the first days that are whole."""
        return [self.cells(first, WEEK) for first in range(0, days - WEEK + 1, WEEK)]

    def reached(self, first: int, count: int) -> growing.Reached:
        """Customers of so many days from that one on, of whom those count as people who were not there before."""
        people = touched = 0
        for day in range(first, first + count):
            cell = self._cells.get(self._first + day)
            for gap, n in cell.contacted.people.items() if cell is not None else ():
                touched += n
                people += n if gap == 0 or gap > day else 0
        return growing.Reached(people=people, touched=touched)


def _least(measure: str, limit: float, days: _Days, alpha: float) -> Watched:
    """A number that should come to `limit` at least."""
    if measure == "nps":
        sums, scale = days.sums(days.over), 100.0
        n = sums.promoters + sums.passives + sums.detractors
        effect, counts = means.score(sums.promoters, sums.detractors, n), days.over
    else:
        sums, scale = days.sums(days.settled), 1.0
        n, counts = sums.contacted.n, days.settled
        effect = means.share(sums.deeds.get(_DEEDS[measure], 0), n)
    found = Watched(part="target", measure=measure, limit=limit, n=n, days=counts)
    if effect is None:
        return found
    sure = _range(effect, alpha, scale)
    end = sure if measure == "nps" else _through(sure, lambda each: growing.grown(each, _growth(days)))
    return msgspec.structs.replace(found, stands=at_least(limit, hoped=end, sure=sure), now=sure, end=end)


def _growth(days: _Days) -> float:
    weeks = [days.reached(first, WEEK) for first in range(0, days.over - WEEK + 1, WEEK)]
    ahead = days.length - WEEK * len(weeks)
    told = [growing.Week(touched=each.touched, new=each.people) for each in weeks]
    return growing.growth(told, days.reached(0, days.settled), days_left=ahead)


def _limit(measure: str, limit: float, days: _Days, alpha: float) -> Watched:
    """A number that should not be above `limit`."""
    known, n = _harm(measure, days.sums(days.over))
    sure = known if measure in _FELT else _harm(measure, days.sums(days.settled))[0]
    found = Watched(part="guardrail", measure=measure, limit=limit, n=n, days=days.over)
    if known is None:
        return found
    now = _range(known, alpha)
    stands = at_most(limit, known=now, sure=None if sure is None else _range(sure, alpha))
    return msgspec.structs.replace(found, stands=stands, now=now)


def _harm(measure: str, sums: Sums) -> tuple[Effect | None, int]:
    if measure in _FELT:
        n = sum(sums.felt.values())
        return means.share(sum(sums.felt.get(each, 0) for each in _FELT[measure]), n), n
    return means.share(sums.deeds.get(_DEEDS[measure], 0), sums.contacted.n), sums.contacted.n


def _money(measure: str, limit: float, days: _Days, alpha: float) -> Watched:
    """A sum that should come to `limit` by the end."""
    weeks = days.weeks(days.settled)
    counts = WEEK * len(weeks)
    sums = days.sums(counts)
    n = sums.contacted.n if measure == "revenue_cents" else min(sums.treated.n, sums.held.n)
    found = Watched(part="target", measure=measure, limit=limit, n=n, days=counts)
    if measure == "revenue_cents":
        between = _between([sum(each.contacted.total for each in week) for week in weeks])
        effect = means.amount(sums.contacted, between=between)
    else:
        effect = means.added(sums.treated, sums.held)
    if effect is None or not counts:
        return found
    now = _range(effect, alpha)
    end = _range(means.scaled(effect, days.length / counts), alpha)
    return msgspec.structs.replace(found, stands=at_least(limit, hoped=end, sure=end), now=now, end=end)


def _budget(objective: Objective, measure: str, days: _Days, alpha: float) -> Watched:
    """A budget that should last until the end."""
    budget, weeks = objective.budget, days.weeks(days.over)
    price = (budget.cents_per_contact or 0) if measure == "cents" else 1
    limit = float((budget.cents if measure == "cents" else budget.contacts) or 0)
    sums = [sum(each.contacts for each in week) for week in weeks]
    n, counts = sum(sums), WEEK * len(weeks)
    used = price * sum(each.contacts for each in days.cells(0, days.over + 1))
    found = Watched(part="budget", measure=measure, limit=limit, n=n, days=counts)
    if limit and used + price > limit:
        ends_ms = days.since_ms + days.over * DAY_MS
        whole = Range(used, used, used)
        return msgspec.structs.replace(found, stands=Stands.AT_RISK, now=whole, n=used // price, runs_out_ms=ends_ms)
    effect = means.counted(n, between=_between(sums))
    if effect is None or not counts:
        return found
    now = _range(means.scaled(effect, price), alpha)
    end = _range(means.scaled(effect, price * days.length / counts), alpha)
    stands = at_most(limit, known=end, sure=end)
    out_ms = days.since_ms + round(limit / now.value * counts * DAY_MS) if stands is Stands.AT_RISK else 0
    return msgspec.structs.replace(found, stands=stands, now=now, end=end, runs_out_ms=out_ms)


def _between(sums: Sequence[int]) -> float:
    """The variance of all weeks together, as they differ from each other."""
    return len(sums) * float(variance(sums)) if len(sums) >= _LEAST_WEEKS else 0.0


def _range(effect: Effect, alpha: float, scale: float = 1.0) -> Range:
    interval = effect.interval(alpha)
    return Range(effect.value * scale, interval.low * scale, interval.high * scale)


def _through(each: Range, by: Callable[[float], float]) -> Range:
    return Range(by(each.value), by(each.low), by(each.high))


def _most(objective: Objective, measure: str) -> float:
    return next((each.most for each in objective.guardrails if each.measure == measure), objective.target)
