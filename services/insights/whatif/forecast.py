"""What a changed policy does to contacts, people and KPIs, from recorded decisions, each number with its interval.

What the new policy would have said of each recorded attempt is exact: that is the backtest. What is not known is how
customers and agents would have gone on from there, and what another month brings. So

- a contact that was avoided, and after which its customer opted out, would have left them open to later contacts: these
  come back. How many would have been let through is taken from the share of all attempts that were;
- opt-outs and complaints go with the contacts of the seven days before: each contact that is still made counts with the
  rate of contacts under the pressure that it would then have had. That takes people under little pressure for the same
  as those under much, if only they were spared;
- purchases are lost by the contact, as many as one contact adds on average: the difference to the holdout, over all
  contacts. Avoided contacts are those that come on top of others, which mostly add less: the loss is rather too high.
  Without a holdout nothing is said: what customers would have bought anyway is not known;
- agents are taken to try what they tried. Where the records show that they come back soon after a refusal that says
  when to (`returns` is surely above 0), as many of the refused contacts may yet be made, later: how many, records
  cannot say. Then the interval of contacts avoided reaches down to all of these being made.

Intervals are for as many customers like these in as long a time: variances by customer (delta method), so that neither
busy customers nor several contacts of one make them too narrow. That of contacts avoided also spans from all that could
come back to nothing coming back.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate
from services.insights.whatif.pressing import groups, pressure
from services.insights.whatif.returning import returns
from services.insights.whatif.trial import Contacts

LEAST_EVENTS: Final = 10
"""Opt-outs or complaints below which nothing is said of their change."""
LEAST_HELD_OUT: Final = 100
"""Customers who are held out, below which nothing is said of purchases."""
_Numbers = NDArray[np.float64]


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What would be otherwise. Numbers are of the time that was looked at; `None` where too little is known."""

    people: int
    """Customers for whom any contact was asked; those who are held out do not count."""
    contacts: int
    """That were made."""
    refused: int
    """Of these, how many the new policy refuses: exact, of what was recorded."""
    allowed: int
    """Not made then, and newly let through; exact."""
    comes_back: float
    """Contacts to be expected of those who would not have opted out."""
    comes_back_most: int
    returns: Estimate | None
    """Of refusals that say when to come back, the share after which the agent did, beyond its rhythm."""
    avoided: Estimate | None
    """`refused` less `allowed` and what comes back: by how many contacts there are fewer."""
    affected: Estimate | None
    """People for whom any contact changes."""
    opt_outs: Estimate | None
    """The change, below 0 where there are fewer; likewise the next ones."""
    complaints: Estimate | None
    purchases: Estimate | None
    cents: Estimate | None


def forecast(contacts: Contacts, *, alpha: float = 0.05) -> Forecast:
    """What the trial comes to. Each interval alone is wrong with a probability of about `alpha`."""
    z = float(-ndtri(alpha / 2))
    inside, n = contacts.inside, contacts.people
    held = _of(contacts, contacts.held_out) > 0
    asked = (_of(contacts, inside) > 0) & ~held
    refused, allowed = inside & contacts.before & ~contacts.after, inside & contacts.after & ~contacts.before
    lifted = _lifted(contacts)
    tries = int((inside & ~contacts.held_out).sum())
    passes = float((inside & contacts.after).sum()) / tries if tries else 0.0
    people = int(asked.sum())
    lost = _of(contacts, refused) - _of(contacts, allowed) - passes * _of(contacts, inside & lifted)
    changed = (_of(contacts, refused) + _of(contacts, allowed) > 0)[asked]
    avoided = affected = None
    back = returns(contacts, alpha=alpha)
    if people >= LEAST_PEOPLE:
        exact = float(refused.sum()) - float(allowed.sum())
        most = float((inside & lifted).sum())
        if back is not None and back.low > 0:
            most += back.high * float(refused.sum())
        value, reach = float(lost.sum()), z * math.sqrt(_variance(lost[asked]))
        low = value - math.hypot(reach, value - (exact - most))
        high = value + math.hypot(reach, exact - value)
        avoided = Estimate(value=value, low=low, high=high, level=1 - alpha, n=people)
        affected = _estimate(float(changed.sum()), _variance(changed.astype(np.float64)), z=z, n=people, alpha=alpha)
    now, then = pressure(contacts.before, contacts), pressure(contacts.after, contacts)
    return Forecast(
        people=people,
        contacts=int((inside & contacts.before).sum()),
        refused=int(refused.sum()),
        allowed=int(allowed.sum()),
        comes_back=passes * float((inside & lifted).sum()),
        comes_back_most=int((inside & lifted).sum()),
        returns=back,
        avoided=avoided,
        affected=affected,
        opt_outs=_change(contacts, contacts.opted_out, now, then, asked=asked, z=z, alpha=alpha),
        complaints=_change(contacts, contacts.complained, now, then, asked=asked, z=z, alpha=alpha),
        purchases=_lost(contacts, contacts.converted, lost, asked=asked, held=held, z=z, alpha=alpha),
        cents=_lost(contacts, contacts.cents, lost, asked=asked, held=held, z=z, alpha=alpha) if n else None,
    )


def _of(contacts: Contacts, which: NDArray[np.bool_] | NDArray[np.int64]) -> _Numbers:
    """By person, how many of these, or their sum."""
    counted = np.bincount(contacts.person, which.astype(np.float64), minlength=contacts.people)
    found: _Numbers = counted.astype(np.float64)
    return found


def _lifted(contacts: Contacts) -> NDArray[np.bool_]:
    """Contacts that were refused for a consent after an opt-out that would not have been: its contact is avoided."""
    gone = contacts.before & ~contacts.after & ((contacts.opted_out > 0) | (contacts.complained > 0))
    first = np.full(contacts.people, np.iinfo(np.int64).max)
    np.minimum.at(first, contacts.person[gone], contacts.at_ms[gone])
    found: NDArray[np.bool_] = contacts.unwelcome & (contacts.at_ms > first[contacts.person])
    return found


def _variance(each: _Numbers) -> float:
    """Of the sum over customers, where another time draws as many like these."""
    return float(each.var(ddof=1) * each.size) if each.size > 1 else 0.0


def _estimate(value: float, variance: float, *, z: float, n: float, alpha: float) -> Estimate:
    reach = z * math.sqrt(max(0.0, variance))
    return Estimate(value=value, low=value - reach, high=value + reach, level=1 - alpha, n=n)


def _change(
    contacts: Contacts,
    events: NDArray[np.int64],
    now: NDArray[np.int64],
    then: NDArray[np.int64],
    *,
    asked: NDArray[np.bool_],
    z: float,
    alpha: float,
) -> Estimate | None:
    """Each contact that is still made, times the rate of contacts under that pressure; less what came of all."""
    inside = contacts.inside
    made, left = inside & contacts.before, inside & contacts.after
    if int(events[made].sum()) < LEAST_EVENTS or int(asked.sum()) < LEAST_PEOPLE:
        return None
    value, moves = 0.0, np.zeros(contacts.people)
    for low, high in groups(now[made]):
        own, other = made & (now >= low) & (now <= high), left & (then >= low) & (then <= high)
        had, seen = _of(contacts, own), _of(contacts, np.where(own, events, 0))
        rate, more = float(seen.sum() / had.sum()), _of(contacts, other) - had
        value += rate * float(more.sum())
        # What a person moves: the rate, as far as it is theirs, and by how many contacts they have fewer.
        moves += (seen - rate * had) * float(more.sum() / had.sum()) + rate * more
    return _estimate(value, _variance(moves[asked]), z=z, n=int(asked.sum()), alpha=alpha)


def _lost(
    contacts: Contacts,
    what: NDArray[np.int64],
    lost: _Numbers,
    *,
    asked: NDArray[np.bool_],
    held: NDArray[np.bool_],
    z: float,
    alpha: float,
) -> Estimate | None:
    """What avoided contacts would have added: as much each as all contacts have on average, by the holdout."""
    inside = contacts.inside
    made, base = _of(contacts, inside & contacts.before)[asked], _of(contacts, np.where(inside, what, 0))
    treated, control = base[asked], base[held & (_of(contacts, inside) > 0)]
    if control.size < LEAST_HELD_OUT or treated.size < LEAST_HELD_OUT or not made.sum():
        return None
    people, avoided = treated.size, float(lost.sum())
    each = people * float(treated.mean() - control.mean()) / float(made.sum())
    # Of the ratio by customer, the holdout, and how many contacts another time avoids.
    share = avoided / float(made.sum())
    own = (treated - control.mean() - each * made) * share + each * lost[asked]
    variance = _variance(own) + (people * share) ** 2 * float(control.var(ddof=1)) / control.size
    return _estimate(-each * avoided, variance, z=z, n=control.size, alpha=alpha)
