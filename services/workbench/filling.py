"""Fills the queues of reviews from the columns: of each hour that is complete, once."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from services.findings.finding import Seen
from services.reviews.drawing import HOUR_MS, Drawn, Hour, draw, joined, known_ones
from services.reviews.item import Item, Why
from services.reviews.numbers import WINDOW_MS
from services.reviews.rules import ReviewRules
from services.reviews.ruling import RuleBook
from services.reviews.store import MOST_OPEN, ReviewStore
from services.reviews.telling import read_hours
from services.workbench.columns.database import Columns
from services.workbench.looks.reviewed import seen_of, window_of
from services.workbench.looks.series import CALLS
from services.workbench.looks.spans import DAY_MS, ID, SERVED, Span

BACK_HOURS: Final = 24
"""Hours that are made up for, where nothing was looked at for a while."""
LAPSE_MS: Final = 30 * DAY_MS
"""After so long nobody will judge it any more: it is dropped, and its hour counts for no estimate."""
KEPT_HOURS: Final = 24 * 92
_TRIES: Final = 5
# How much harm a wrong decision would do, 0 to 1: what cannot be taken back, what a person was refused, a customer near
# a limit of contact pressure, and calls of which nobody knows whether they were made.
_RISK: Final = """greatest(
   CASE operation WHEN 'DELETE' THEN 0.5 WHEN 'CONTACT' THEN 0.3 WHEN 'WRITE' THEN 0.2 ELSE 0.05 END,
   CASE admitted.verdict WHEN 'ALLOW' THEN 0.0 ELSE 0.6 END,
   CASE WHEN cap_capacity > 0 THEN 0.8 * least(cap_used / cap_capacity, 1.0) ELSE 0.0 END,
   CASE WHEN coalesce(in_doubt, false) THEN 1.0 ELSE 0.0 END)"""
_ASKED: Final = f"""SELECT {ID} AS id, agent, admitted.at_ms AS at_ms, admitted.verdict AS verdict,
  coalesce(nullif(admitted.model, ''), inferred.model, '') AS model, {SERVED} AS version, {_RISK} AS risk,
  coalesce(copies.differs, false) AS disagrees
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id
  LEFT JOIN (SELECT id, bool_or(ended = 'DIFFERED') AS differs FROM copied
   WHERE tenant = $tenant AND at_ms >= $start_ms AND at_ms < $end_ms GROUP BY id) AS copies
   ON copies.id = admitted.id
  LEFT JOIN (SELECT id, model FROM admitted WHERE tenant = $tenant AND model <> '') AS inferred
   ON inferred.id = admitted.inference
 WHERE admitted.tenant = $tenant AND {CALLS}
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
 ORDER BY admitted.id"""  # noqa: S608 - our own names


_HOURS: Final = f"""SELECT DISTINCT at_ms // {HOUR_MS} AS hour FROM admitted
 WHERE tenant = $tenant AND {CALLS}
  AND at_ms >= $start_ms AND at_ms < $end_ms
 ORDER BY hour"""  # noqa: S608 - our own names


class Filling:
    """Fills the queues of all tenants."""

    def __init__(self, store: ReviewStore, rules: RuleBook) -> None:
        self._store = store
        self._rules = rules

    async def fill(self, columns: Columns, *, now_ms: int) -> int:
        """Draw what is complete at that time; returns how many items have joined.

        Raises:
            RedisError: the store does not answer.
        """
        count = 0
        for tenant in await asyncio.to_thread(columns.tenants):
            rules, known = await self._rules.read(tenant), await self._store.drawn_hours(tenant)
            forgotten = await self._forget(tenant, known, now_ms=now_ms)
            if rules.random > 0:
                seed = await self._rules.seed(tenant, new=secrets.randbits(63))
                known -= forgotten
                count += await self._fill(columns, tenant, rules=rules, known=known, seed=seed, now_ms=now_ms)
        return count

    async def seen(self, columns: Columns, *, now_ms: int) -> Sequence[Seen]:
        """What the reviews of all tenants say is wrong at that time; the same all day.

        Raises:
            RedisError: the store does not answer.
        """
        span, found = window_of(now_ms), list[Seen]()
        for tenant in await asyncio.to_thread(columns.tenants):
            rules = await self._rules.read(tenant)
            hours = read_hours(await self._store.hours(tenant), since_ms=span.start_ms)
            settled = await self._store.settled(tenant, start_ms=span.start_ms, end_ms=span.end_ms)
            found += await asyncio.to_thread(_seen, tenant, settled, hours, rules, span)
        return found

    async def _fill(
        self, columns: Columns, tenant: str, *, rules: ReviewRules, known: frozenset[int], seed: int, now_ms: int
    ) -> int:
        last, count = now_ms // HOUR_MS, 0
        wanted = frozenset(range(last - BACK_HOURS, last)) - known
        for hour in await asyncio.to_thread(_not_empty, columns, tenant, wanted):
            if await self._store.waiting(tenant) >= MOST_OPEN:
                break  # an hour is drawn whole or not at all
            drawn, items = await asyncio.to_thread(
                lambda at: draw(tenant, hour_of(columns, tenant, hour=at), rules=rules, seed=seed, now_ms=now_ms), hour
            )
            count += await self._add(tenant, hour, drawn, items, rules=rules, seed=seed)
        return count

    async def _add(
        self, tenant: str, hour: int, drawn: Drawn, items: Sequence[Item], *, rules: ReviewRules, seed: int
    ) -> int:
        """Add the items of an hour, with known ones among them; says how many."""
        for _ in range(_TRIES):
            there = {each.id: each for each in await self._store.some(tenant, [each.id for each in items])}
            merged = [joined(there[each.id], each) if each.id in there else each for each in items]
            now_ms = items[0].created_ms if items else 0
            pool = [*await self._rules.known(tenant), *await self._store.settled(tenant, start_ms=now_ms - WINDOW_MS)]
            pool += [each for each in await self._store.open(tenant) if each.why is Why.KNOWN]
            more = known_ones(pool, drawn=items, rules=rules, seed=seed, hour=hour, now_ms=now_ms)
            wanted = [*merged, *more]
            told = await self._store.add(tenant, wanted, hour=hour, drawn=msgspec.json.encode(drawn))
            if told != "version":
                return len(wanted) if told == "done" else 0
        return 0  # the next round tries again

    async def _forget(self, tenant: str, known: frozenset[int], *, now_ms: int) -> frozenset[int]:
        """Drop what nobody will judge any more; known ones as soon as they are overdue: nobody is left for them.

        Gives the hours that are forgotten with it.
        """
        waiting = await self._store.open(tenant)
        lapsed = [
            each
            for each in waiting
            if each.created_ms < now_ms - LAPSE_MS or (each.why is Why.KNOWN and each.due_ms < now_ms)
        ]
        hours = {each.received_ms // HOUR_MS for each in lapsed if each.chance}
        old = {each for each in known if each < now_ms // HOUR_MS - KEPT_HOURS}
        await self._store.trim(tenant, lapsed=lapsed, hours=sorted(hours | old))
        return frozenset(hours | old)


def _seen(tenant: str, settled: Sequence[Item], hours: dict[int, Drawn], rules: ReviewRules, span: Span) -> list[Seen]:
    return list(seen_of(tenant, settled, hours, rules=rules, span=span))


def _not_empty(columns: Columns, tenant: str, hours: frozenset[int]) -> list[int]:
    """Those of the hours in which the tenant has decisions, in order: one question about all of them."""
    if not hours:
        return []
    asked = {"tenant": tenant, "start_ms": min(hours) * HOUR_MS, "end_ms": (max(hours) + 1) * HOUR_MS}
    found: list[int] = columns.asked(_HOURS, asked)["hour"].tolist()
    return [each for each in found if each in hours]


def hour_of(columns: Columns, tenant: str, *, hour: int) -> Hour:
    """The decisions of a tenant in that hour since the epoch."""
    asked = {"tenant": tenant, "start_ms": hour * HOUR_MS, "end_ms": (hour + 1) * HOUR_MS}
    found = columns.asked(_ASKED, asked)
    return Hour(
        ids=tuple(_texts(found["id"])),
        agents=tuple(_texts(found["agent"])),
        models=tuple(_texts(found["model"])),
        versions=tuple(_texts(found["version"])),
        verdicts=tuple(_texts(found["verdict"])),
        at_ms=found["at_ms"].astype(np.int64),
        risks=np.ma.filled(found["risk"].astype(np.float64), 1.0),
        disagrees=np.ma.filled(found["disagrees"].astype(np.bool_), False),  # noqa: FBT003 - what a gap is filled with
    )


def _texts(column: Any) -> Iterator[str]:
    return (str(each) for each in np.ma.filled(column, "").tolist())
