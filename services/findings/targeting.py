"""Which segments are contacted too much or never, in numbers: worked out once a day by the workbench."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.redis_clients import Client


class TargetingCause(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What brings it about most."""

    agent: str = ""
    """Whose contacts come on top; empty where refusals are told."""
    campaign: str = ""
    """Of most of these contacts; empty: none is named."""
    reason: str = ""
    """Why contacts were refused, such as CAP_EXCEEDED; empty with no agent: no agent tried."""
    rule: str = ""
    """The rule, limit or cap that refused."""
    part: int
    """How many of `whole` are its doing: contacts beyond the ceiling, or customers who were never contacted."""
    whole: int
    share: float | None = None
    """`null`, here and in the next two: too few to say. At 95 % by itself."""
    share_low: float | None = None
    share_high: float | None = None


class TargetingSkew(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One segment by one question, against everybody else."""

    segment: str
    question: str
    """"much": more contacts within any seven days than `ceiling`; "never": none at all."""
    events: int
    """Customers of the segment of whom that is true, of so many; and of all others."""
    people: int
    other_events: int
    other_people: int
    ratio: float | None = None
    """How many times as often as among all others; `null` where nothing can be said."""
    ratio_low: float
    ratio_high: float | None = None
    level: float
    """Of the interval: 5 % are parted over all segments and both questions."""
    p_value: float
    standing: str
    """MORE, LESS: proven; NOT_PROVEN; or TOO_FEW."""
    ceiling: int
    """Contacts within seven days that 95 % of all others did not exceed."""
    cause: TargetingCause | None = None


class Targeting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of one tenant. Times are milliseconds since the epoch."""

    tenant: str
    start_ms: int
    """Of the four weeks that were looked at, up to `end_ms`."""
    end_ms: int
    people: int
    """Customers whom calls were about; those who are held out do not count."""
    skews: tuple[TargetingSkew, ...] = ()
    """The surest first."""


_READ: Final = msgspec.json.Decoder(Targeting)


class TargetingStore:
    """What was worked out last, in Redis. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def keep(self, targeting: Targeting) -> None:
        """Keep it instead of what was there."""
        await self._redis.set(keys.targeting(targeting.tenant), msgspec.json.encode(targeting))

    async def of(self, tenants: Sequence[str]) -> tuple[Targeting, ...]:
        """Those of these tenants that something was worked out for, in that order."""
        found = [await self.get(each) for each in tenants]
        return tuple(each for each in found if each is not None)

    async def get(self, tenant: str) -> Targeting | None:
        """That of a tenant; `None` where nothing was worked out yet, or by a version of Pilote that tells other things.

        It is made anew within a day.
        """
        body: Any = await self._redis.get(keys.targeting(tenant))
        try:
            return None if body is None else _READ.decode(body)
        except msgspec.DecodeError:
            return None
