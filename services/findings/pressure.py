"""How customers are solicited, in numbers: what the workbench works out once an hour, and others read and show."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client


class PressureNumber(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number and how well it is known."""

    value: float
    low: float
    """The interval around it; likewise `high`."""
    high: float | None = None
    """None: nothing is known of that side."""
    level: float = 0.95
    n: float = 0
    """What it rests on: people, contacts, or looks at people."""


class PressureGroup(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """People who had about as many contacts in the week before, of whom each is looked at in every week."""

    low: int
    high: int
    """Contacts, both ends included."""
    looks: int
    events: int
    per_1000_people: PressureNumber | None = None
    """None, here and elsewhere: too few to say."""
    per_1000_contacts: PressureNumber | None = None
    above_holdout: PressureNumber | None = None
    """How many more, for 1,000 people, than among those who are left without contacts."""


class PressureCost(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What contacts cost in one outcome."""

    outcome: str
    """"opt-outs", "complaints" or "much-too-much"."""
    fatigue: str
    """PROVEN, ASSOCIATED, NOT_PROVEN or TOO_FEW, see `services.insights.pressure.deciles`."""
    groups: tuple[PressureGroup, ...]
    holdout: PressureNumber | None = None
    """For 1,000 people who are left without contacts."""
    excess: PressureNumber | None = None
    """How many more there are among all the others."""


class PressureSender(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one agent adds."""

    agent: str
    contacts: int
    beyond: int
    """Contacts that came on top of as many as a person should have in seven days."""
    of_contacts: PressureNumber | None = None
    """Shares of 1 of all; likewise the next."""
    of_beyond: PressureNumber | None = None
    more: PressureNumber | None = None
    """`of_beyond` less `of_contacts`."""


class PressureSegment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one segment of a channel's customers stands."""

    segment: str
    people: int
    """Of a sample."""
    standing: str
    """SATURATED, ON_TARGET, UNDER_SOLICITED: the whole interval is above, inside or below the target; else UNKNOWN."""
    fullness: PressureNumber
    """How full the cap of the person in the middle was: a share of 1. Intervals of all segments hold together."""


class PressureChannel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How customers are solicited on one channel."""

    channel: str
    people: int
    """Who could be contacted: somebody who was in the weeks before, or in these."""
    contacts: int
    p50: PressureNumber | None = None
    """Contacts of a person; likewise the next two."""
    p95: PressureNumber | None = None
    p99: PressureNumber | None = None
    gini: PressureNumber | None = None
    """0: all have the same; towards 1: one has all."""
    over_cap: PressureNumber | None = None
    """Share of people whose contacts were counted beyond a cap; a cap that only watches lets them through."""
    capped: PressureNumber | None = None
    """Share of people of whom a cap refused a contact."""
    never: PressureNumber | None = None
    """Share of people without any contact in these weeks."""
    standing: str = "UNKNOWN"
    """SATURATED, ON_TARGET, UNDER_SOLICITED or UNKNOWN, in the last of these weeks."""
    fullness: PressureNumber | None = None
    """How full the cap of the person in the middle was then: a share of 1."""
    segments: tuple[PressureSegment, ...] = ()
    """Of at least 30 people; none where no condition of the policy asks for segments."""
    costs: tuple[PressureCost, ...] = ()
    allowed: int = 0
    """How many contacts in seven days are not beyond, for `senders`."""
    senders: tuple[PressureSender, ...] = ()
    """Who adds most first."""

    @property
    def numbers(self) -> tuple[tuple[str, PressureNumber | None], ...]:
        """What is known of all its people, by the names of texts."""
        return (
            ("p50", self.p50),
            ("p95", self.p95),
            ("p99", self.p99),
            ("gini", self.gini),
            ("never", self.never),
            ("over", self.over_cap),
            ("capped", self.capped),
        )


class Pressure(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of one tenant. Times are milliseconds since the epoch."""

    tenant: str
    start_ms: int
    """Of the weeks that were looked at, up to `end_ms`."""
    end_ms: int
    channels: tuple[PressureChannel, ...] = ()
    """By which enough people were contacted, by name."""
    target_low: float = 0.25
    """How full the caps of people in the middle should be, at least, shares of 1; likewise `target_high`, at most."""
    target_high: float = 0.89


_READ: Final = msgspec.json.Decoder(Pressure)


class PressureStore:
    """What was worked out last, in Redis. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def keep(self, pressure: Pressure) -> None:
        """Keep it instead of what was there."""
        await self._redis.set(keys.pressure(pressure.tenant), msgspec.json.encode(pressure))

    async def of(self, tenants: Sequence[str]) -> tuple[Pressure, ...]:
        """Those of these tenants that something was worked out for, in that order."""
        found = [await self.get(each) for each in tenants]
        return tuple(each for each in found if each is not None)

    async def get(self, tenant: str) -> Pressure | None:
        """That of a tenant; `None` where nothing was worked out yet, or by a version of Pilote that tells other things.

        It is made anew within the hour.
        """
        body: Any = await self._redis.get(keys.pressure(tenant))
        try:
            return None if body is None else _READ.decode(body)
        except msgspec.DecodeError:
            return None
