"""How the customers live through the quarter: what they buy, and what a contact does to them."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from scipy.special import ndtri

from services.simulation.campaigns import DAY_MS, Campaign
from services.simulation.chance import Numbers, uniform
from services.simulation.people import Person
from services.simulation.truths import Hidden, Truths, hidden

MARKETING: Final = "marketing"
LEAVING: Final = frozenset({"unsubscribed", "complained"})
"""What customers do who have had enough."""
_MINUTE_MS: Final = 60_000


class Purchase(msgspec.Struct, frozen=True):
    """Somebody buys."""

    person: int
    at_ms: int
    """Since the quarter began; likewise the next."""
    reported_ms: int
    cents: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of one contact, and what came of it."""

    added: float = 0.0
    """Purchases that it adds, to be expected of such a contact with such a customer at that time."""
    opts_out: float = 0.0
    """Probability; likewise the next ones."""
    complains: float = 0.0
    opens: float = 0.0
    clicks: float = 0.0
    followed: tuple[tuple[str, int], ...] = ()
    """What the customer did: kind of outcome, and milliseconds after the contact."""


class Lives:
    """All customers, day by day. `dawn` begins each day; `contact` tells of contacts in the order of time."""

    def __init__(self, truths: Truths, persons: Sequence[Person], *, days: int, attempts: int, seed: int) -> None:
        self.truths: Final = truths
        self.hidden: Final[Hidden] = hidden(truths, persons, seed=seed)
        self.fatigue: Final[Numbers] = np.zeros(len(persons))
        self._added = np.zeros(len(persons))
        self._fresh = np.zeros(len(persons))
        """What contacts of the day add from the next day on."""
        self._tiers = [each.segments[0] for each in persons]
        self._buys = uniform(seed, "buys", (days, len(persons)))
        self._amounts = uniform(seed, "amounts", (days, len(persons)))
        self._hours = uniform(seed, "hours", (days, len(persons)))
        self._late = uniform(seed, "late", (days, len(persons)))
        self._luck = uniform(seed, "reactions", (attempts, 5))
        self._end_ms = days * DAY_MS
        self.would = np.zeros((2, len(persons)))
        """Of the day: the probability of a purchase, as things are and if nobody had been contacted."""
        self.without = np.zeros(len(persons), dtype=np.int64)
        """What they would have bought on the day if nobody had been contacted, in cents."""

    def dawn(self, day: int) -> list[Purchase]:
        """Begin a day; returns what is bought on it."""
        truths = self.truths
        if day:
            self.fatigue[:] *= truths.keeps
            self._added *= 1 - 1 / truths.lasts_days
            self._added += self._fresh / truths.lasts_days
            self._fresh[:] = 0.0
        anyway = self.hidden.buys
        self.would = np.stack([np.minimum(0.9, anyway * np.exp(-truths.annoys * self.fatigue) + self._added), anyway])
        amounts = self._cents(day)
        self.without = np.where(self._buys[day] < anyway, amounts, 0)
        found = []
        for person in np.flatnonzero(self._buys[day] < self.would[0]).tolist():
            at_ms = day * DAY_MS + int((8 + 14 * self._hours[day, person]) * 60) * _MINUTE_MS
            reported_ms = min(at_ms + self._lag_ms(day, person), self._end_ms)
            found.append(Purchase(person, at_ms, reported_ms, int(amounts[person])))
        return found

    def contact(self, person: int, attempt: int, *, campaign: Campaign, version: str) -> Effect:
        """A contact was made: what that does."""
        truths, luck = self.truths, self._luck[attempt].tolist()
        fatigue = float(self.fatigue[person])
        marketing = campaign.category == MARKETING
        fades = math.exp(-truths.tires * fatigue) if marketing else 1.0
        opens = truths.opens.get(campaign.channel, 0.0) * fades
        followed = []
        if luck[0] < opens:
            followed.append(("opened", int(_delay(luck[0] / opens, 90))))
            if luck[1] < truths.clicks:
                followed.append(("clicked", followed[0][1] + int(_delay(luck[1] / truths.clicks, 5))))
        if not marketing:
            return Effect(opens=opens, clicks=opens * truths.clicks, followed=tuple(followed))
        worse = math.exp(truths.hurts * fatigue)
        opts_out, complains = min(0.3, truths.opts_out * worse), min(0.1, truths.complains * worse)
        if luck[2] < opts_out:
            followed.append(("unsubscribed", int(_delay(luck[4], 60))))
        if luck[3] < complains:
            followed.append(("complained", int(_delay(luck[4], 120))))
        added = truths.uplift.get(campaign.channel, 0.0) * float(self.hidden.moved[person]) * fades
        if campaign.scored:
            added *= truths.versions.get(version, 1.0)
        self._fresh[person] += added
        self.fatigue[person] += self.hidden.sensitive[person]
        return Effect(
            added=added,
            opts_out=opts_out,
            complains=complains,
            opens=opens,
            clicks=opens * truths.clicks,
            followed=tuple(followed),
        )

    def _cents(self, day: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        drawn = ndtri(np.clip(self._amounts[day], 1e-9, 1 - 1e-9))
        cents: np.ndarray[tuple[int], np.dtype[np.int64]] = np.round(
            self.truths.amount_cents * np.exp(self.truths.amounts_differ * drawn)
        ).astype(np.int64)
        return cents

    def _lag_ms(self, day: int, person: int) -> int:
        """Most are told within the hour, one in twenty days later."""
        luck = float(self._late[day, person])
        return int(luck * 3_600_000) + _MINUTE_MS if luck < 0.95 else int((2 + (luck - 0.95) * 140) * DAY_MS)


def _delay(luck: float, minutes: float) -> float:
    """Milliseconds, of that many minutes on average, two days at most; `luck` is from 0 to 1."""
    return min(-math.log(max(luck, 1e-9)) * minutes * _MINUTE_MS + 1_000, 2 * DAY_MS)
