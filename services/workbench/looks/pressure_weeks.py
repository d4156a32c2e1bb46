"""People week by week: how many contacts each had in the week before, and what came of the first one after it.

Somebody who gets more contacts has more of them to opt out of, though each one may be as harmless as any other. So of
each week only a person's first contact counts, and what is told within the same time after it: all have one chance, and
what differs is how many contacts came before. Where each contact has the same chance to be one too many whatever came
before, nothing rises; opt-outs counted by person rise then, too.

Whether it rises within people is asked by how far the week before was from what was usual for the person until then:
what is known at a look cannot depend on what comes after it, so that neither who is left over, nor times in which
somebody gets much for weeks, nor who likes the brand makes a trend. The test within people that compares an event with
all looks before it takes such things for fatigue where only those who are contacted can be looked at
(`tests/services/workbench/test_pressure_weeks.py`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.deciles import Cost, Fatigue, costs
from services.insights.pressure.trends import between
from services.insights.pressure.watching import Watch
from services.workbench.looks.pressure_contacts import WEEK_MS, Contacts

QUESTIONS: Final = 9
"""That are asked together: of each of three outcomes, whether it rises between people, within, and with the holdout."""
OPT_OUTS: Final = "opt-outs"
COMPLAINTS: Final = "complaints"
ANSWERS: Final = "much-too-much"
_Truths = NDArray[np.bool_]


class Weeks(msgspec.Struct, frozen=True, eq=False):
    """People by weeks at whose beginning they are looked at."""

    watches: Mapping[str, Watch]
    """By outcome."""
    leaf: NDArray[np.int64]
    """The decision of the first contact of each week; -1 where there was none."""
    more: NDArray[np.float64]
    """By how many doublings of 1 + contacts the week before was above what was usual for the person; NaN where that is
    not known."""


def weeks_of(contacts: Contacts, *, start_ms: int, weeks: int, looks: int) -> Weeks:
    """Look at people at the beginning of each of the last `looks` of so many weeks.

    Who has opted out is no longer looked at, nor is for an outcome who has shown it before. Who has contacts held back
    and none carried out is the holdout: of those the first contact that was held back counts.
    """
    people, first = contacts.people, weeks - looks
    carried = np.bincount(contacts.person[~contacts.held], minlength=people) > 0
    week = (contacts.at_ms - start_ms) // WEEK_MS
    counts = np.zeros((people, weeks), dtype=np.int64)
    np.add.at(counts, (contacts.person[~contacts.held], week[~contacts.held]), 1)
    # Written backwards: the first contact of a week is written last, and stays.
    inside = np.flatnonzero(~contacts.held | ~carried[contacts.person])[::-1]
    place = np.full(counts.shape, -1)
    place[contacts.person[inside], week[inside]] = inside
    since = np.zeros(people, dtype=np.int64)
    since[contacts.person] = contacts.since_ms
    known = since[:, None] <= start_ms + np.arange(weeks) * WEEK_MS
    has = (
        (place >= 0)[:, first:]
        & known[:, first - 1 : -1]
        & ~_before(contacts, contacts.unsubscribed, week, counts)[:, first:]
    )
    answered, much = _answers(contacts, week, counts)
    outcomes: Mapping[str, tuple[_Truths, _Truths, _Truths]] = {
        OPT_OUTS: (has, _at(contacts.unsubscribed, place), contacts.unsubscribed),
        COMPLAINTS: (has, _at(contacts.complained, place), contacts.complained),
        ANSWERS: (has & answered[:, first:], much, contacts.much),
    }
    watches = {}
    for name, (risk, event, happened) in outcomes.items():
        at_risk = risk & ~_before(contacts, happened, week, counts)[:, first:]
        watches[name] = Watch(
            pressure=counts[:, first - 1 : -1],
            at_risk=at_risk,
            event=event[:, first:] & at_risk,
            holdout=~carried,
            segment=np.zeros(people, dtype=np.int64),
        )
    leaf = np.where(place >= 0, contacts.leaf[place] if people else place, -1)
    return Weeks(watches, leaf[:, first:], _more(counts, known)[:, first:])


def fatigue(weeks: Weeks, *, alpha: float) -> tuple[Cost, ...]:
    """What contacts cost in each outcome: see `costs`.

    In at most the share `alpha` of periods in which no contact depends on those before it anything is PROVEN or
    ASSOCIATED. Of PROVEN that holds where people differ, too.
    """
    return tuple(_judged(each, weeks, alpha=alpha / QUESTIONS) for each in costs(weeks.watches, alpha=alpha))


def _judged(cost: Cost, weeks: Weeks, *, alpha: float) -> Cost:
    watch, usual = weeks.watches[cost.outcome], np.isfinite(weeks.more)
    own = between(
        msgspec.structs.replace(watch, at_risk=watch.at_risk & usual, event=watch.event & usual),
        alpha=alpha,
        score=weeks.more,
    )
    if own is not None and own.ratio.low > 1:
        found = Fatigue.PROVEN
    elif cost.between is not None and cost.between.ratio.low > 1:
        found = Fatigue.ASSOCIATED
    else:
        found = Fatigue.TOO_FEW if own is None and cost.between is None else Fatigue.NOT_PROVEN
    return msgspec.structs.replace(cost, within=own, fatigue=found)


def _more(counts: NDArray[np.int64], known: _Truths) -> NDArray[np.float64]:
    """By person and week: the week before, less the mean of those before it.

    A person's very first week says nothing of what is usual: without a contact in it it would not be the first.
    """
    scores = np.log2(1.0 + counts)
    sums, amounts = np.cumsum(scores * known, axis=1), np.cumsum(known, axis=1)
    found = np.full(counts.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        found[:, 2:] = scores[:, 1:-1] - sums[:, :-2] / amounts[:, :-2]
    return found


def _at(happened: _Truths, place: NDArray[np.int64]) -> _Truths:
    """Whether it followed the first contact of each week."""
    return happened[place] & (place >= 0) if happened.size else np.zeros(place.shape, dtype=np.bool_)


def _before(contacts: Contacts, happened: _Truths, week: NDArray[np.int64], counts: NDArray[np.int64]) -> _Truths:
    """By person and week: whether it came after a contact of an earlier week."""
    first = np.full(len(counts), counts.shape[1])
    np.minimum.at(first, contacts.person[happened], week[happened])
    found: _Truths = first[:, None] < np.arange(counts.shape[1])
    return found


def _answers(contacts: Contacts, week: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[_Truths, _Truths]:
    """By person and week: whether an answer came, and whether the first one says that it is much too much.

    A survey is often a contact of its own, and not the first of its week; who answers has one chance anyway.
    """
    answered = np.zeros(counts.shape, dtype=np.bool_)
    much = np.zeros_like(answered)
    inside = np.flatnonzero(contacts.answered)[::-1]
    answered[contacts.person[inside], week[inside]] = True
    much[contacts.person[inside], week[inside]] = contacts.much[inside]
    return answered, much
