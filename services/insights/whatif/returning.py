"""Whether agents come back after a refusal: then more attempts follow from a stricter policy than were recorded."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, difference, share
from services.insights.whatif.trial import Contacts

SOON_MS: Final = 2 * 86_400_000
"""How soon an agent must try the same customer again to count as coming back."""


def returns(contacts: Contacts, *, alpha: float) -> Estimate | None:
    """By how much likelier an agent tries again soon after a refusal that says when to, than after a contact.

    The difference is what refusals bring about, since an agent's rhythm is in both. 0 where agents do not care; `None`
    where there are too few of either to say. The limits of the difference are those of independent attempts.
    """
    again = _again(contacts)
    refused, made = contacts.told_when, contacts.before
    if min(int(refused.sum()), int(made.sum())) < LEAST_PEOPLE:
        return None
    after = share(float(again[refused].sum()), float(refused.sum()), alpha=alpha)
    usual = share(float(again[made].sum()), float(made.sum()), alpha=alpha)
    return None if after is None or usual is None else difference(after, usual)


def _again(contacts: Contacts) -> NDArray[np.bool_]:
    """Of each attempt, whether its agent tried the same customer again soon."""
    order = np.lexsort((contacts.at_ms, contacts.agent, contacts.person))
    person, agent, at_ms = contacts.person[order], contacts.agent[order], contacts.at_ms[order]
    follows = (person[1:] == person[:-1]) & (agent[1:] == agent[:-1]) & (at_ms[1:] - at_ms[:-1] <= SOON_MS)
    found = np.zeros(len(order), dtype=np.bool_)
    found[order[:-1]] = follows
    return found
