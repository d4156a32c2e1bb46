"""Which digest somebody asks for: of which week, kept or made now."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from gateway.core.errors import Reason
from gateway.core.policy.objectives import Objective
from gateway.redis_clients import Client
from services.digest.gathering import Gathering
from services.digest.store import DigestStore
from services.digest.texts import say
from services.digest.told import Told
from services.digest.week import Week, last_over, week_named
from services.not_done import NotDone

Stated = Callable[[], Awaitable[Sequence[Objective]]]
"""The objectives of the active policy."""


class DigestWrong(NotDone):
    """There is no such digest."""

    say = staticmethod(say)

    def __init__(self, code: str, /, *, field: str = "", **values: str) -> None:
        super().__init__(code, reason=Reason.ARGUMENT_INVALID, field=field)
        self.values = values


class Found(msgspec.Struct, frozen=True):
    """A digest."""

    told: Told
    kept: bool
    """It is the one that was kept when the week was over; else it was put together now, and changes."""


class Digests:
    """The digests of all tenants. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._store = DigestStore(redis)
        self._gathering = Gathering(redis)

    async def of(self, tenant: str, week: Week, *, stated: Sequence[Objective], now_ms: int) -> Found:
        """That of a week that is over."""
        kept = await self._store.get(tenant, week.name)
        if kept is not None:
            return Found(kept, kept=True)
        return Found(await self._gathering.told(tenant, week, objectives=stated, now_ms=now_ms), kept=False)

    async def weeks(self, tenant: str) -> tuple[str, ...]:
        """Names of weeks whose digests are kept, the newest first."""
        return await self._store.weeks(tenant)

    async def keep(self, tenant: str, *, stated: Sequence[Objective], now_ms: int) -> bool:
        """Keep that of the last week that is over, unless it is; says whether it was made.

        Not before anything is known of the week: what is kept stays as it is.
        """
        week = last_over(now_ms)
        if week.name in await self._store.weeks(tenant):
            return False
        told = await self._gathering.told(tenant, week, objectives=stated, now_ms=now_ms)
        return bool(told.now.contacts or told.now.refusals) and await self._store.keep(told)


def wanted(name: str, *, now_ms: int) -> Week:
    """The week of that name; the last one that is over for none.

    Raises:
        DigestWrong: there is no such week, or it is not over.
    """
    last = last_over(now_ms)
    if not name:
        return last
    try:
        week = week_named(name)
    except ValueError as error:
        raise DigestWrong("week-unknown", field="week", week=name[:32]) from error
    if week.first > last.first:
        raise DigestWrong("week-to-come", field="week", week=week.name, last=last.name)
    return week
