"""What pressure costs: opt-outs, complaints and "much too much" by decile of pressure, and against the holdout."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, difference, rate, share
from services.insights.pressure.trends import Trend, between, within
from services.insights.pressure.watching import Watch

_QUESTIONS: Final = 3
"""Of each outcome: does it rise within people, between them, and above the holdout?"""


class Fatigue(StrEnum):
    """What is found of one outcome."""

    PROVEN = "PROVEN"
    """It rises with the pressure before it within one and the same person."""
    ASSOCIATED = "ASSOCIATED"
    """People under more pressure show it more. They may be other people: no proof that less pressure would help."""
    NOT_PROVEN = "NOT_PROVEN"
    """Nor is it proven that pressure does no harm, even where people under more pressure show it less."""
    TOO_FEW = "TOO_FEW"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Looks at people with about the same number of contacts in the window before."""

    low: int
    high: int
    """Contacts, both ends included."""
    looks: int
    contacts: int
    events: int
    per_1000_people: Estimate | None
    """Events for 1,000 looks at a person (for 1,000 answers, where the outcome is one)."""
    per_1000_contacts: Estimate | None
    """Events for 1,000 contacts in the windows before; None of no contacts."""
    above_holdout: Estimate | None
    """`per_1000_people` less that of the holdout. Not randomised: the people of a group differ."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What pressure costs in one outcome. Intervals have the level 1 - alpha / outcomes, each for itself."""

    outcome: str
    fatigue: Fatigue
    looks: int
    events: int
    groups: tuple[Group, ...]
    within: Trend | None
    between: Trend | None
    holdout: Estimate | None
    """Events for 1,000 looks at a person who is left without contacts."""
    excess: Estimate | None
    """How many more there are among all the others. Randomised, so contacts cause them: of level 1 - 2 alpha / (3
    outcomes)."""
    excess_p_value: float | None
    """That there are as many without any effect: Fisher's exact test, one-sided."""
    excess_proven: bool
    false_alarms: float
    """Where contacts have no effect and all are alike, at most such a share of periods has anything proven or
    associated in any of the outcomes."""


def costs(watches: Mapping[str, Watch], *, alpha: float = 0.05) -> tuple[Cost, ...]:
    """What pressure costs in each outcome, by name.

    Three questions of each outcome are tested, each at the level alpha / (3 outcomes), one-sided (Bonferroni): so in at
    most the share `alpha` of periods without any effect anything is raised. That holds for PROVEN and the holdout where
    people differ, too; ASSOCIATED says itself that it may be people who differ.
    """
    return tuple(_cost(name, watches[name], outcomes=len(watches), alpha=alpha) for name in sorted(watches))


def _cost(name: str, watch: Watch, *, outcomes: int, alpha: float) -> Cost:
    own, level = alpha / (_QUESTIONS * outcomes), alpha / outcomes
    held = watch.at_risk & watch.holdout[:, None]
    treated = watch.at_risk & ~watch.holdout[:, None]
    rows, base_rows = int(treated.sum()), int(held.sum())
    events, base_events = int(watch.event[treated].sum()), int(watch.event[held].sum())
    inside, across = within(watch, alpha=own), between(watch, alpha=own)
    excess = p_value = None
    if min(rows, base_rows) >= LEAST_PEOPLE:
        excess = _less(share(events, rows, alpha=2 * own), share(base_events, base_rows, alpha=2 * own))
        p_value = _fisher(events, rows, base_events=base_events, base_rows=base_rows)
    base = share(base_events, base_rows, alpha=level) if base_rows >= LEAST_PEOPLE else None
    return Cost(
        outcome=name,
        fatigue=_fatigue(inside, across),
        looks=rows,
        events=events,
        groups=_groups(watch, treated, base=base, alpha=level),
        within=inside,
        between=across,
        holdout=_thousand(base),
        excess=_thousand(excess),
        excess_p_value=p_value,
        excess_proven=excess is not None and excess.low > 0 and p_value is not None and p_value < own,
        false_alarms=alpha,
    )


def _fatigue(inside: Trend | None, across: Trend | None) -> Fatigue:
    if inside is not None and inside.ratio.low > 1:
        return Fatigue.PROVEN
    if across is not None and across.ratio.low > 1:
        return Fatigue.ASSOCIATED
    return Fatigue.TOO_FEW if inside is None and across is None else Fatigue.NOT_PROVEN


def _groups(watch: Watch, treated: NDArray[np.bool_], *, base: Estimate | None, alpha: float) -> tuple[Group, ...]:
    """Deciles of looks by pressure. Looks with the same pressure stay together, so there may be fewer than ten.

    A number of contacts belongs to the decile in which the middle of its looks lies.
    """
    values, place, looks = np.unique(watch.pressure[treated], return_inverse=True, return_counts=True)
    if not values.size:
        return ()
    events = np.bincount(place, watch.event[treated], minlength=values.size).astype(np.int64)
    middle = np.cumsum(looks) - looks / 2
    starts = np.flatnonzero(np.diff(np.floor(10 * middle / looks.sum()), prepend=-1.0))
    ends = np.append(starts[1:], values.size)
    return tuple(
        _group(
            (int(values[start]), int(values[end - 1])),
            looks=int(looks[start:end].sum()),
            contacts=int((values * looks)[start:end].sum()),
            events=int(events[start:end].sum()),
            base=base,
            alpha=alpha,
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def _group(
    ends: tuple[int, int], *, looks: int, contacts: int, events: int, base: Estimate | None, alpha: float
) -> Group:
    enough = looks >= LEAST_PEOPLE
    own = share(events, looks, alpha=alpha) if enough else None
    return Group(
        low=ends[0],
        high=ends[1],
        looks=looks,
        contacts=contacts,
        events=events,
        per_1000_people=_thousand(own),
        per_1000_contacts=_thousand(rate(events, contacts, alpha=alpha)) if enough else None,
        above_holdout=_thousand(_less(own, base)),
    )


def _less(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    return difference(one, other) if one is not None and other is not None else None


def _thousand(estimate: Estimate | None) -> Estimate | None:
    return estimate.times(1000) if estimate is not None else None


def _fisher(events: int, rows: int, *, base_events: int, base_rows: int) -> float:
    """The chance that so many of all events or more fall on those with contacts."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(events - 1, rows + base_rows, events + base_events, rows))
