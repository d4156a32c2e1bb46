"""Who the customers are: contacts of a LeadForge world, with what they have agreed to."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from gateway.core.call import Facts
from gateway.core.consents import Consent
from services.demo.data import SEED, time_zone
from services.leads import world
from services.simulation.chance import uniform

CHANNELS: Final = ("email", "push", "sms")
AGREED: Final = {"email": 0.9, "push": 0.6, "sms": 0.45}
"""Share of customers who have agreed to marketing on a channel."""
LEAST: Final = 30
MOST: Final = 200_000


class Person(msgspec.Struct, frozen=True):
    """One customer, as the company knows them."""

    name: str
    """Resource name, such as "contacts/cnt_000042"."""
    segments: tuple[str, ...]
    """First how much they matter to the company, "vip", "core" or "standard"; then their industry."""
    language: str
    time_zone: str
    channels: tuple[str, ...]
    """Those on which they have agreed to marketing."""


def people(count: int, *, seed: int) -> tuple[Person, ...]:
    """The first `count` contacts of LeadForge's world, always the same; what they have agreed to goes by the seed.

    Needs the extra `demo`. `count` is from `LEAST` to `MOST`.
    """
    bundle = world(seed=SEED, accounts=max(1, count // 3), contacts=count, leads=1)
    accounts = {row.account_id: row for row in bundle.population.accounts}
    agreed = uniform(seed, "agreed", (count, len(CHANNELS))) < np.array([AGREED[each] for each in CHANNELS])
    found = []
    for row, yes in zip(bundle.population.contacts, agreed.tolist(), strict=True):
        account = accounts[row.account_id]
        found.append(
            Person(
                name=f"contacts/{row.contact_id}",
                segments=(_TIERS.get(row.seniority, "standard"), account.industry),
                language="en-GB" if account.region == "UK" else "en-US",
                time_zone=time_zone(account),
                channels=tuple(channel for channel, said in zip(CHANNELS, yes, strict=True) if said),
            )
        )
    return tuple(found)


def facts_of(person: Person, statements: Sequence[Consent]) -> Facts:
    """What the company's systems know of somebody who has said that."""
    return Facts(
        consent_records=tuple(statements),
        time_zone=person.time_zone,
        language=person.language,
        segments=person.segments,
        traits={"tier": person.segments[0]},
    )


def agreements(person: Person, *, at_ms: int) -> tuple[Consent, ...]:
    """What they have said before the quarter begins."""
    return tuple(
        Consent(channel=channel, status="granted", captured_ms=at_ms, proof="simulated") for channel in person.channels
    )


_TIERS: Final = {"c_suite": "vip", "vp": "vip", "director": "core"}
