"""Works out days of KPIs once an hour and keeps them: a day again as long as something can still come of its contacts.

With them go how objectives stand, which of them are at risk, and once a week is over its digest.

What changes of a day that was over is kept as a change, so that whoever has read the number of yesterday sees why it is
another one today.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from gateway.core.converting import rates_of
from gateway.core.policy.objectives import Objective
from gateway.core.policy.reporting import Reporting
from gateway.redis_clients import Client
from services.cockpit.alerting import Alerts
from services.cockpit.cells import LOOKBACK_DAYS
from services.cockpit.days import DAY_MS, OPEN_DAYS, Day, revised
from services.cockpit.dimensions import ALL, DIMENSIONS
from services.cockpit.standing import Aims, Standings
from services.cockpit.store import KEPT_DAYS, KpiStore
from services.digest.making import Digests
from services.workbench.columns.database import Columns
from services.workbench.kpis.contacts import people_of
from services.workbench.kpis.cube import Cube, heads_of, work_out
from services.workbench.kpis.examples import examples_of

MOST_PEOPLE: Final = 300_000
"""Customers whose segments are asked for."""
Belonging = Callable[[str, Sequence[str]], Awaitable[Mapping[str, tuple[str, ...]]]]
"""The segments of a tenant's customers, by pseudonym."""
Wanted = Callable[[], Awaitable[Aims]]
"""By which rates amounts are told now, and what is to be achieved."""


class KpiKeeper:
    """Keeps the KPIs of all tenants."""

    def __init__(self, redis: Client, *, belonging: Belonging, wanted: Wanted) -> None:
        self._store = KpiStore(redis)
        self._standings = Standings(redis)
        self._alerts = Alerts(redis)
        self._digests = Digests(redis)
        self._belonging = belonging
        self._wanted = wanted

    async def keep(self, columns: Columns, *, now_ms: int) -> int:
        """Work out and keep what may have changed; returns how many days of all tenants that were.

        Raises:
            RedisError: the store does not answer.
        """
        aims, kept = await self._wanted(), 0
        for tenant in await asyncio.to_thread(columns.tenants):
            kept += await self._of(columns, tenant, aims.reporting, now_ms=now_ms)
            await self._standings.keep(tenant, aims, now_ms=now_ms)

            async def examples(objective: Objective, measure: str) -> Sequence[str]:
                return await asyncio.to_thread(examples_of, columns, objective, measure, now_ms=now_ms)

            await self._alerts.keep(tenant, aims, now_ms=now_ms, examples=examples)
            await self._digests.keep(tenant, stated=aims.objectives, now_ms=now_ms)
        return kept

    async def _of(self, columns: Columns, tenant: str, reporting: Reporting, *, now_ms: int) -> int:
        known, today = await self._store.days(tenant), now_ms // DAY_MS
        open_day = today - OPEN_DAYS
        # A day that was never worked out, or last while it was still open, is worked out too.
        start = open_day if any(day >= open_day - 1 for day in known) else today - LOOKBACK_DAYS
        people = await asyncio.to_thread(self._people, columns, tenant, start_day=start, end_ms=now_ms)
        segments = await self._belonging(tenant, people)
        rates = rates_of(reporting)
        cube = await asyncio.to_thread(
            work_out, columns, tenant, start_day=start, end_ms=now_ms, rates=rates, segments=segments
        )
        for day in sorted(cube.days):
            told = _told(cube, day, reporting, now_ms=now_ms)
            await self._store.keep(tenant, day, revised(known.get(day), told), cube.days[day])
        await self._store.forget(tenant, (ALL, *DIMENSIONS), before_day=today - KEPT_DAYS)
        return len(cube.days)

    def _people(self, columns: Columns, tenant: str, *, start_day: int, end_ms: int) -> Sequence[str]:
        with columns.desk() as ask:
            return people_of(ask, tenant, start_day=start_day, end_ms=end_ms, most=MOST_PEOPLE)


def _told(cube: Cube, day: int, reporting: Reporting, *, now_ms: int) -> Day:
    return Day(
        worked_out_ms=now_ms,
        over=(day + 1) * DAY_MS <= now_ms,
        currency=reporting.currency,
        rates=reporting.rates,
        apart=cube.apart.get(day, {}),
        heads=heads_of(cube.days[day][ALL][""]),
    )
