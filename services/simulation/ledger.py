"""What was true of a quarter, added up while it is lived through: what intervals are held against."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.simulation.campaigns import Campaign
from services.simulation.living import LEAVING, Effect

FOLLOWED_DAYS: Final = 28
"""A purchase so many days after a contact is told of it, see `quarter`."""
_LONG_AGO: Final = 1 << 32


class Contacts(msgspec.Struct):
    """Sums over contacts that were made."""

    contacts: int = 0
    added: float = 0.0
    """Purchases that they add: over `contacts` it is the true uplift of one."""
    opt_outs: float = 0.0
    """Expected; over `contacts` it is the true rate. Likewise the next."""
    complaints: float = 0.0
    opened: float = 0.0
    clicked: float = 0.0


class Surveyed(msgspec.Struct):
    """Sums over everybody who was asked, whether or not they answered."""

    people: int = 0
    promoters: float = 0.0
    detractors: float = 0.0
    much_too_much: float = 0.0
    a_bit_too_much: float = 0.0

    def ask(self, nps: tuple[float, float], pressure: tuple[float, float]) -> None:
        """Count somebody: the probabilities that they are a promoter and a detractor; and of the two answers."""
        self.people += 1
        self.promoters += nps[0]
        self.detractors += nps[1]
        self.much_too_much += pressure[0]
        self.a_bit_too_much += pressure[1]

    @property
    def nps(self) -> float:
        """Promoters less detractors, from -1 to 1."""
        return (self.promoters - self.detractors) / max(1, self.people)


class Ledger:
    """All that is true, of customers in their order. Purchases count from the day after the first marketing decision.

    Before it there is no decision that a purchase could be told of, and of customers who are held out the same is so.
    """

    def __init__(self, people: int) -> None:
        self.known: Final = np.zeros(people, dtype=np.bool_)
        """About whose marketing there was a decision before today."""
        self.first: Final = np.zeros(people, dtype=np.bool_)
        """Whose first one was today."""
        self.held_out: Final = np.zeros(people, dtype=np.bool_)
        self.reached: Final = np.zeros(people, dtype=np.bool_)
        """To whom a marketing contact was made."""
        self.revenue: Final = np.zeros(people, dtype=np.int64)
        """What they have bought, in cents; and what they would have if nobody had contacted anybody."""
        self.without: Final = np.zeros(people, dtype=np.int64)
        self.expected: Final = np.zeros(people)
        """Purchases to be expected; and the logarithm of the probability of none."""
        self.none: Final = np.zeros(people)
        self.since: Final = np.full(people, _LONG_AGO, dtype=np.int64)
        """Days since the last marketing contact that was made, 0 on its own."""
        self.none_after: Final = np.zeros(people)
        """The logarithm of the probability of no purchase on the `FOLLOWED_DAYS` after any of these contacts."""
        self.left: Final = np.zeros(people, dtype=np.bool_)
        """Who has opted out or complained after a contact."""
        self.leaving = 0.0
        """How many of them are to be expected: the probability of each contact with somebody who had not yet."""
        self.contacts: Final[dict[tuple[str, str], Contacts]] = defaultdict(Contacts)
        """By dimension and value, such as ("channel", "sms"); ("", "") are all."""
        self.surveyed: Final = Surveyed()

    def begin(self, would: NDArray[np.float64], without: NDArray[np.int64]) -> None:
        """Begin a day: the probabilities of purchases, and what would be bought without any contact."""
        self.known[:] |= self.first
        self.first[:] = False
        self.expected[:] += np.where(self.known, would[0], 0.0)
        self.none[:] += np.where(self.known, np.log1p(-would[0]), 0.0)
        self.without[:] += np.where(self.known, without, 0)
        self.since[:] += 1
        self.none_after[:] += np.where(self.since <= FOLLOWED_DAYS, np.log1p(-would[0]), 0.0)

    def bought(self, person: int, cents: int) -> bool:
        """Count a purchase of the day; says whether it counts."""
        counts = bool(self.known[person])
        self.revenue[person] += cents if counts else 0
        return counts

    def made(self, person: int, effect: Effect, *, campaign: Campaign, version: str, segment: str) -> None:
        """Count a contact."""
        if not self.left[person]:
            self.leaving += 1 - (1 - effect.opts_out) * (1 - effect.complains)
            self.left[person] = any(kind in LEAVING for kind, _ in effect.followed)
        for key in (
            ("", ""),
            ("agent", campaign.agent),
            ("campaign", campaign.name),
            ("channel", campaign.channel),
            ("version", version),
            ("segment", segment),
            ("category", campaign.category),
        ):
            its = self.contacts[key]
            its.contacts += 1
            its.added += effect.added
            its.opt_outs += effect.opts_out
            its.complaints += effect.complains
            its.opened += effect.opens
            its.clicked += effect.clicks

    @property
    def left_share(self) -> float:
        """The share of those contacted by marketing to be expected to have opted out or complained, each once."""
        return self.leaving / max(1, int(self.reached.sum()))

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Of whom a decision was made, and who are not held out: those whom the holdout is compared with."""
        found: NDArray[np.bool_] = (self.known | self.first) & ~self.held_out
        return found

    @property
    def incremental_cents(self) -> int:
        """What all contacts of the quarter have brought: revenue less what there would have been, of everybody."""
        return int((self.revenue - self.without).sum())

    def bought_share(self, whom: NDArray[np.bool_]) -> float:
        """The share of these people to be expected to have bought at least once."""
        return float((1 - np.exp(self.none[whom])).mean()) if whom.any() else 0.0

    @property
    def converted_share(self) -> float:
        """The share of those contacted by marketing to be expected to have bought within `FOLLOWED_DAYS` after it."""
        return float((1 - np.exp(self.none_after[self.reached])).mean()) if self.reached.any() else 0.0


def as_data(ledger: Ledger) -> Mapping[str, object]:
    """All of it, for machines: shares from 0 to 1, money in cents."""
    surveyed, treated = ledger.surveyed, ledger.treated
    asked = max(1, surveyed.people)
    by: dict[str, dict[str, object]] = defaultdict(dict)
    for (dimension, value), its in sorted(ledger.contacts.items()):
        by[dimension or "all"][value or "all"] = _contacts(its)
    return {
        "people": {
            "decidedAbout": int((ledger.known | ledger.first).sum()),
            "heldOut": int(ledger.held_out.sum()),
            "treated": int(treated.sum()),
            "contacted": int(ledger.reached.sum()),
        },
        "incrementalRevenueCents": ledger.incremental_cents,
        "revenueCents": {
            "treated": int(ledger.revenue[treated].sum()),
            "treatedIfNobodyWereContacted": int(ledger.without[treated].sum()),
            "heldOut": int(ledger.revenue[ledger.held_out].sum()),
        },
        "boughtShare": {
            "treated": ledger.bought_share(treated),
            "heldOut": ledger.bought_share(ledger.held_out),
            "contacted": ledger.bought_share(ledger.reached),
            "afterContact": ledger.converted_share,
        },
        "leftShare": {"contacted": ledger.left_share},
        "survey": {
            "asked": surveyed.people,
            "nps": surveyed.nps,
            "muchTooMuch": surveyed.much_too_much / asked,
            "aBitTooMuch": surveyed.a_bit_too_much / asked,
        },
        "contacts": dict(by),
    }


def _contacts(its: Contacts) -> Mapping[str, object]:
    return {
        "contacts": its.contacts,
        "purchasesAddedEach": its.added / its.contacts,
        "optOutRate": its.opt_outs / its.contacts,
        "complaintRate": its.complaints / its.contacts,
        "openRate": its.opened / its.contacts,
        "clickRate": its.clicked / its.contacts,
    }
