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
- revenue blocked is what came after the contacts that are refused now, gross: a part of it comes without them. Revenue
  protected is what customers would spend who no longer leave, as much as customers do on average in as long a time;
- agents are taken to try what they tried. Where the records show that they come back soon after a refusal that says
  when to (`returns` is surely above 0), as many of the refused contacts may yet be made, later: how many, records
  cannot say. Then the interval of contacts avoided reaches down to all of these being made.

Intervals are for as many customers like these in as long a time: variances by customer (delta method), so that neither
busy customers nor several contacts of one make them too narrow. That of contacts avoided also spans from all that could
come back to nothing coming back.
"""

import math

import msgspec

from services.insights.pressure.intervals import Estimate
from services.insights.whatif.moves import Moved
from services.insights.whatif.trial import Contacts
from services.insights.whatif.weighing import KPIS, Weighed, weighed


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
    """Of the reporting currency; likewise the next two."""
    blocked: Estimate | None = None
    """Revenue of contacts that are refused now, less that of those newly let through; gross."""
    protected: Estimate | None = None
    """What customers who no longer leave would spend."""


def forecast(contacts: Contacts, *, alpha: float = 0.05) -> Forecast:
    """What the trial comes to. Each interval alone is wrong with a probability of about `alpha`."""
    return told(weighed(contacts, alpha=alpha), alpha=alpha)


def told(found: Weighed, *, alpha: float = 0.05) -> Forecast:
    """The numbers of a trial with their intervals."""
    return Forecast(
        people=found.people,
        contacts=found.contacts,
        refused=found.refused,
        allowed=found.allowed,
        comes_back=found.comes_back,
        comes_back_most=found.comes_back_most,
        returns=found.returns,
        avoided=_avoided(found, alpha=alpha),
        affected=_estimate(found.affected, found, alpha=alpha),
        **{name: _estimate(getattr(found, name), found, alpha=alpha) for name in KPIS},
    )


def _estimate(moved: Moved | None, found: Weighed, *, alpha: float) -> Estimate | None:
    return None if moved is None else moved.estimate(found.counts, alpha=alpha)


def _avoided(found: Weighed, *, alpha: float) -> Estimate | None:
    if found.avoided is None:
        return None
    value, reach = found.avoided.value, found.avoided.reach(found.counts, alpha=alpha)
    low = value - math.hypot(reach, value - (found.exact - found.most))
    high = value + math.hypot(reach, found.exact - value)
    return Estimate(value=value, low=low, high=high, level=1 - alpha, n=found.avoided.n)
