"""How each KPI of a digest stands against the week before: what is proven, and what cannot be said yet. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from services.digest.told import Numbers, Told
from services.insights.kpis.differences import Difference, difference
from services.insights.kpis.figures import Figure

OUTCOMES: Final = (
    "activation_rate",
    "conversion_rate",
    "revenue_cents",
    "incremental_revenue_cents",
    "departure_rate",
)
"""What grows for weeks after the contacts that it is of."""
ANSWERS: Final = ("nps", "pressure_much_too_much", "pressure_a_bit_too_much")
PRESSURE: Final = ("pressure_p50", "pressure_p95", "never_contacted_rate")
KPIS: Final = (*OUTCOMES, *ANSWERS, *PRESSURE)
GOOD_UP: Final = frozenset(
    {"activation_rate", "conversion_rate", "revenue_cents", "incremental_revenue_cents", "nps"},
)
GOOD_DOWN: Final = frozenset({"departure_rate", "pressure_much_too_much", "pressure_a_bit_too_much"})
_TOGETHER: Final = len(KPIS) + len(OUTCOMES)
"""All comparisons of a digest, which hold together."""
Called = Literal["more", "less", "same", "open", "unknown"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One KPI in two weeks."""

    kpi: str
    now: Figure
    before: Figure
    difference: Difference | None
    called: Called
    """What is proven: "more" or "less"; "same": neither; "open": it may still grow; "unknown": too few to say."""

    @property
    def good(self) -> bool | None:
        """Whether what is proven is for the better; `None` where nothing is, or nobody can say."""
        ways = {"more": (GOOD_UP, GOOD_DOWN), "less": (GOOD_DOWN, GOOD_UP)}.get(self.called)
        if ways is None or self.kpi not in ways[0] | ways[1]:
            return None
        return self.kpi in ways[0]


def of_week(told: Told) -> tuple[Line, ...]:
    """The week of the digest against the one before.

    What customers do after its contacts still comes in, for four weeks, and the week before has had seven days more for
    that. So of such KPIs only a rise is proven, never a fall, and nothing of what contacts brought beyond the holdout,
    which may go either way.
    """
    return _lines(KPIS, told.now, told.before, young=True)


def of_settled(told: Told) -> tuple[Line, ...]:
    """The last week of which every outcome is known against the one before it."""
    return _lines(OUTCOMES, told.settled, told.settled_before, young=False)


def proven(told: Told) -> tuple[Line, ...]:
    """Those of this week that surely differ, the bad ones first."""
    found = [each for each in of_week(told) if each.called in {"more", "less"}]
    return tuple(sorted(found, key=lambda each: (each.good is not False, KPIS.index(each.kpi))))


def _lines(names: Sequence[str], now: Numbers, before: Numbers, *, young: bool) -> tuple[Line, ...]:
    nothing = Figure(n=0)
    pairs = [(name, now.figures.get(name, nothing), before.figures.get(name, nothing)) for name in names]
    made = [(name, one, other, difference(one, other, of=_TOGETHER)) for name, one, other in pairs]
    return tuple(
        Line(kpi=name, now=one, before=other, difference=by, called=_called(name, by, young=young))
        for name, one, other, by in made
    )


def _called(name: str, by: Difference | None, *, young: bool) -> Called:
    if by is None:
        return "unknown"
    waits = young and name in OUTCOMES
    if by.rises and not (waits and name == "incremental_revenue_cents"):
        return "more"
    if waits:
        return "open"
    return "less" if by.falls else "same"
