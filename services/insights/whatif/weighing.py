"""What a trial comes to, in numbers that can be compared: sums over customers. `forecast` says what they mean."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate
from services.insights.whatif.moves import Moved, Numbers
from services.insights.whatif.pressing import groups, pressure
from services.insights.whatif.returning import returns
from services.insights.whatif.trial import Contacts

LEAST_EVENTS: Final = 10
"""Opt-outs, complaints or purchases below which nothing is said of what changes."""
LEAST_HELD_OUT: Final = 100
"""Customers who are held out, below which nothing is said of purchases."""
KPIS: Final = ("opt_outs", "complaints", "purchases", "cents", "blocked", "protected")
_Truths = NDArray[np.bool_]


class Weighed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What would be otherwise. `None` where too little is known."""

    counts: _Truths
    """By customer: whether any contact was asked for, and they are not held out."""
    contacts: int
    refused: int
    allowed: int
    comes_back: float
    comes_back_most: int
    most: float
    """By how many the avoided contacts may be fewer at most, where all that could come back does."""
    returns: Estimate | None
    avoided: Moved | None
    affected: Moved | None
    opt_outs: Moved | None
    complaints: Moved | None
    purchases: Moved | None
    cents: Moved | None
    blocked: Moved | None
    protected: Moved | None

    @property
    def people(self) -> int:
        """How many customers count."""
        return int(self.counts.sum())

    @property
    def exact(self) -> float:
        """`refused` less `allowed`: what the records say without what may come back."""
        return float(self.refused - self.allowed)


def weighed(contacts: Contacts, *, alpha: float) -> Weighed:
    """All numbers of a trial."""
    inside = contacts.inside
    held = of(contacts, contacts.held_out) > 0
    asked = (of(contacts, inside) > 0) & ~held
    refused, allowed = inside & contacts.before & ~contacts.after, inside & contacts.after & ~contacts.before
    lifted = _lifted(contacts)
    tries = int((inside & ~contacts.held_out).sum())
    passes = float((inside & contacts.after).sum()) / tries if tries else 0.0
    people = int(asked.sum())
    lost = of(contacts, refused) - of(contacts, allowed) - passes * of(contacts, inside & lifted)
    changed = ((of(contacts, refused) + of(contacts, allowed) > 0) & asked).astype(np.float64)
    back = returns(contacts, alpha=alpha)
    most = float((inside & lifted).sum())
    if back is not None and back.low > 0:
        most += back.high * float(refused.sum())
    rates = _Rates(contacts, asked)
    left = ((contacts.opted_out > 0) | (contacts.complained > 0)).astype(np.int64)
    return Weighed(
        counts=asked,
        contacts=int((inside & contacts.before).sum()),
        refused=int(refused.sum()),
        allowed=int(allowed.sum()),
        comes_back=passes * float((inside & lifted).sum()),
        comes_back_most=int((inside & lifted).sum()),
        most=most,
        returns=back,
        avoided=Moved(float(lost.sum()), _only(lost, asked), n=people) if people >= LEAST_PEOPLE else None,
        affected=Moved(float(changed.sum()), changed, n=people) if people >= LEAST_PEOPLE else None,
        opt_outs=rates.change(contacts.opted_out),
        complaints=rates.change(contacts.complained),
        purchases=_lost(contacts, contacts.converted, lost, asked=asked, held=held),
        cents=_lost(contacts, contacts.cents, lost, asked=asked, held=held) if contacts.people else None,
        blocked=_blocked(contacts, refused, allowed, asked=asked),
        protected=_protected(contacts, rates.change(left), asked=asked),
    )


def of(contacts: Contacts, which: _Truths | NDArray[np.int64]) -> Numbers:
    """By person, how many of these, or their sum."""
    counted = np.bincount(contacts.person, which.astype(np.float64), minlength=contacts.people)
    found: Numbers = counted.astype(np.float64)
    return found


def _only(each: Numbers, counts: _Truths) -> Numbers:
    return np.where(counts, each, 0.0)


def _lifted(contacts: Contacts) -> _Truths:
    """Contacts that were refused for a consent after an opt-out that would not have been: its contact is avoided."""
    gone = contacts.before & ~contacts.after & ((contacts.opted_out > 0) | (contacts.complained > 0))
    first = np.full(contacts.people, np.iinfo(np.int64).max)
    np.minimum.at(first, contacts.person[gone], contacts.at_ms[gone])
    found: _Truths = contacts.unwelcome & (contacts.at_ms > first[contacts.person])
    return found


class _Rates:
    """How often something comes of contacts, by the pressure that they were made under."""

    def __init__(self, contacts: Contacts, asked: _Truths) -> None:
        self._contacts = contacts
        self._asked = asked
        self._now, self._then = pressure(contacts.before, contacts), pressure(contacts.after, contacts)

    def change(self, events: NDArray[np.int64]) -> Moved | None:
        """Each contact that is still made, times the rate of contacts under that pressure; less what came of all."""
        contacts, now, then = self._contacts, self._now, self._then
        made, left = contacts.inside & contacts.before, contacts.inside & contacts.after
        people = int(self._asked.sum())
        if int(events[made].sum()) < LEAST_EVENTS or people < LEAST_PEOPLE:
            return None
        value, moves = 0.0, np.zeros(contacts.people)
        for low, high in groups(now[made]):
            own, other = made & (now >= low) & (now <= high), left & (then >= low) & (then <= high)
            had, seen = of(contacts, own), of(contacts, np.where(own, events, 0))
            rate, more = float(seen.sum() / had.sum()), of(contacts, other) - had
            value += rate * float(more.sum())
            # What a person moves: the rate, as far as it is theirs, and by how many contacts they have fewer.
            moves += (seen - rate * had) * float(more.sum() / had.sum()) + rate * more
        return Moved(value, _only(moves, self._asked), n=people)


def _lost(contacts: Contacts, what: NDArray[np.int64], lost: Numbers, *, asked: _Truths, held: _Truths) -> Moved | None:
    """What avoided contacts would have added: as much each as all contacts have on average, by the holdout."""
    inside = contacts.inside
    made, base = of(contacts, inside & contacts.before), of(contacts, np.where(inside, what, 0))
    treated, control = base[asked], base[held & (of(contacts, inside) > 0)]
    total = float(made[asked].sum())
    if control.size < LEAST_HELD_OUT or treated.size < LEAST_HELD_OUT or not total:
        return None
    people, avoided = treated.size, float(lost.sum())
    each = people * float(treated.mean() - control.mean()) / total
    # Of the ratio by customer, the holdout, and how many contacts another time avoids.
    share = avoided / total
    own = (base - control.mean() - each * made) * share + each * lost
    return Moved(
        -each * avoided,
        _only(-own, asked),
        control=people * share,
        spread=float(control.var(ddof=1)) / control.size,
        n=control.size,
    )


def _blocked(contacts: Contacts, refused: _Truths, allowed: _Truths, *, asked: _Truths) -> Moved | None:
    """Revenue that came after contacts that are refused now, less what those newly let through bring on average.

    It is gross, as the cockpit's is: a part of it comes without the contact.
    """
    made = contacts.inside & contacts.before
    known = refused if refused.any() else made
    if int((contacts.cents[known] != 0).sum()) < LEAST_EVENTS or not (refused.any() or allowed.any()):
        return None
    had, brought = of(contacts, made), of(contacts, np.where(made, contacts.cents, 0))
    mean, more = float(brought.sum() / had.sum()), of(contacts, allowed)
    lost = of(contacts, np.where(refused, contacts.cents, 0))
    moves = lost - mean * more - (brought - mean * had) * float(more.sum() / had.sum())
    return Moved(float(lost.sum() - mean * more.sum()), _only(moves, asked), n=int(asked.sum()))


def _protected(contacts: Contacts, leaving: Moved | None, *, asked: _Truths) -> Moved | None:
    """What customers would spend in as long a time again who no longer leave: as much as customers do on average."""
    if leaving is None or int((contacts.cents[contacts.inside] != 0).sum()) < LEAST_EVENTS:
        return None
    spent, people = of(contacts, np.where(contacts.inside, contacts.cents, 0)), int(asked.sum())
    worth = float(spent[asked].mean())
    moves = leaving.each * worth + leaving.value * (spent - worth) / people
    return Moved(-leaving.value * worth, _only(-moves, asked), n=people)
