"""What the agents want to do: campaigns with a rhythm of their own, and the attempts that they lead to."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.simulation.chance import uniform
from services.simulation.people import Person

DAY_MS: Final = 86_400_000


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent sends, and how often it would like to."""

    agent: str
    name: str
    channel: str
    category: str
    days: float
    """From one attempt to the next with the same customer."""
    vip_days: float = 0.0
    """The same for those who matter most; 0: as for all."""
    scored: bool = False
    """Whether the agent asks the model about the customer first, and acts on what it says."""

    @property
    def decisions(self) -> int:
        """How many decisions an attempt asks for."""
        return 2 if self.scored else 1


CAMPAIGNS: Final = (
    Campaign(agent="news-bot", name="newsletter", channel="email", category="marketing", days=7),
    Campaign(agent="offer-bot", name="next-offer", channel="email", category="marketing", days=9, scored=True),
    Campaign(agent="offer-bot", name="win-back", channel="push", category="marketing", days=12, scored=True),
    Campaign(agent="loyalty-bot", name="points", channel="push", category="marketing", days=14, vip_days=5),
    Campaign(agent="loyalty-bot", name="flash-sale", channel="sms", category="marketing", days=16, vip_days=6),
    Campaign(agent="service-bot", name="orders", channel="email", category="transactional", days=18),
)


class Attempts(msgspec.Struct, frozen=True, eq=False):
    """All attempts of the quarter, in the order of time; one entry each in every array."""

    at_ms: NDArray[np.int64]
    """Since the quarter began."""
    person: NDArray[np.int64]
    """Index of the customer; likewise of the campaign."""
    campaign: NDArray[np.int64]

    def __len__(self) -> int:
        """How many."""
        return len(self.at_ms)


def attempts(
    campaigns: Sequence[Campaign], persons: Sequence[Person], *, days: int, decisions: int, seed: int
) -> Attempts:
    """What the agents try within so many days, to the number of `decisions` (one less at most; retries are beside it).

    All rhythms are as much faster or slower as that takes. An attempt comes between 7 and 22 h of the customer's day,
    as their zone has it in winter: agents know no quiet hours.
    """
    usual = sum(each.decisions * days * float((1 / _days(each, persons)).sum()) for each in campaigns)
    density = 1.02 * decisions / usual
    while True:
        found = _drawn(campaigns, persons, days=days, density=density, seed=seed)
        asked = np.array([each.decisions for each in campaigns])[found.campaign]
        if asked.sum() >= decisions:
            return _thinned(found, asked, decisions, seed=seed)
        density *= 1.05


def _days(campaign: Campaign, persons: Sequence[Person]) -> NDArray[np.float64]:
    vip = campaign.vip_days or campaign.days
    return np.array([vip if each.segments[0] == "vip" else campaign.days for each in persons])


def _drawn(
    campaigns: Sequence[Campaign], persons: Sequence[Person], *, days: int, density: float, seed: int
) -> Attempts:
    at, person, campaign = [], [], []
    zone = np.array([_HOURS_BEHIND.get(each.time_zone, 0) for each in persons])
    for number, each in enumerate(campaigns):
        every = _days(each, persons) / density
        most = int(days / every.min()) + 2
        start = uniform(seed, f"start/{number}", len(persons)) * every
        luck = uniform(seed, f"rhythm/{number}", (2, len(persons), most))
        day = np.floor(start[:, None] + every[:, None] * (np.arange(most) + 0.6 * (luck[0] - 0.5)))
        hour = zone[:, None] + 7 + 15 * luck[1]
        times = ((24 * day + hour) * 3_600_000).astype(np.int64)
        rows, columns = np.nonzero((day >= 0) & (times < days * DAY_MS))
        at.append(times[rows, columns])
        person.append(rows)
        campaign.append(np.full(len(rows), number))
    return _ordered(np.concatenate(at), np.concatenate(person), np.concatenate(campaign))


def _thinned(found: Attempts, asked: NDArray[np.int64], decisions: int, *, seed: int) -> Attempts:
    """Those that are left when attempts are taken away by lot, until not too many decisions are left."""
    order = np.argsort(uniform(seed, "left-out", len(found)), kind="stable")
    fits = np.sort(order[np.cumsum(asked[order]) <= decisions])
    return Attempts(found.at_ms[fits], found.person[fits], found.campaign[fits])


def _ordered(at_ms: NDArray[np.int64], person: NDArray[np.int64], campaign: NDArray[np.int64]) -> Attempts:
    order = np.lexsort((campaign, person, at_ms))
    return Attempts(at_ms[order], person[order], campaign[order])


_HOURS_BEHIND: Final = {
    "America/New_York": 5, "America/Chicago": 6, "America/Denver": 7, "America/Los_Angeles": 8,
}  # fmt: skip
"""Of London; what is later than the quarter's last hour is not tried."""
