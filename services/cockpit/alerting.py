"""Keeps what is watched of objectives, and makes findings of those that are proven to be at risk.

A finding stays as long as it is not proven that all is well again: what is merely not proven any more is no good news.
It is resolved by itself when it is, when the period has ended, and where the policy does not state it any more.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.adapters.progress import ByObjective
from gateway.core import keys
from gateway.core.objectives import bounds
from gateway.core.policy.objectives import Objective
from gateway.redis_clients import Client
from services.cockpit.days import DAY_MS
from services.cockpit.dimensions import quoted
from services.cockpit.measures import CONTACTS
from services.cockpit.risks import watched_of
from services.cockpit.standing import Aims, days_of
from services.cockpit.store import KpiStore
from services.cockpit.viewing import Span
from services.cockpit.watched import FALSE_ALARMS, Watch, Watched, measures_of, since
from services.findings.finding import CLOSED, Comment, Finding, Seen, State, closed, said
from services.findings.objectives import AT_RISK
from services.findings.store import FindingChanged, FindingStore
from services.insights.pace.standing import Range, Stands

Examples = Callable[[Objective, str], Awaitable[Sequence[str]]]
"""Ids of decisions that show a measure of an objective, the newest."""
_SIZES: Final = {"target": 0.6, "guardrail": 0.8, "budget": 0.6}
"""How grave it is at least; the rest is by how much it is surely missed."""
_READ: Final = msgspec.msgpack.Decoder(Watch)


class WatchStore(ByObjective[Watch]):
    """What is watched of objectives."""

    def __init__(self, redis: Client) -> None:
        super().__init__(redis, keys.watches, _READ)


class Alerts:
    """Watches the objectives of all tenants."""

    def __init__(self, redis: Client) -> None:
        self._days = KpiStore(redis)
        self._store = WatchStore(redis)
        self._findings = FindingStore(redis)

    async def keep(self, tenant: str, aims: Aims, *, now_ms: int, examples: Examples) -> tuple[Finding, ...]:
        """Look at a tenant's objectives; returns the findings that are new or have opened again.

        Raises:
            RedisError: the store does not answer.
        """
        running = {each.name: each for each in aims.objectives if each.tenant == tenant and _runs(each, now_ms)}
        measures = sum(len(measures_of(each)) for each in running.values())
        before, watches = await self._store.get(tenant), {}
        for each in running.values():
            first, last = days_of(each, now_ms=now_ms)
            cells = await self._days.cells(tenant, "objective", range(first, last + 1))
            its = {day: by_key[each.name] for day, by_key in cells.items() if each.name in by_key}
            made = watched_of(each, its, now_ms=now_ms, alpha=FALSE_ALARMS / measures)
            known = {(old.part, old.measure): old for old in before[each.name].watched} if each.name in before else {}
            watched = (since(known.get((one.part, one.measure)), one, at_ms=now_ms) for one in made)
            watches[each.name] = Watch(at_ms=now_ms, watched=tuple(watched))
        await self._store.put(tenant, watches)
        seen = []
        for name, watch in watches.items():
            for one in watch.at_risk:
                if one.stands is Stands.AT_RISK:
                    ids = await examples(running[name], one.measure)
                    currency = running[name].budget.currency if one.part == "budget" else aims.reporting.currency
                    seen.append(seen_of(running[name], one, currency=currency, decisions=ids, now_ms=now_ms))
        news = await self._findings.see(seen, now_ms=now_ms)
        await self._close(tenant, watches, now_ms=now_ms)
        return news

    async def _close(self, tenant: str, watches: Mapping[str, Watch], *, now_ms: int) -> None:
        """Resolve what is not at risk any more."""
        risks = {about_of(name, one) for name, watch in watches.items() for one in watch.at_risk}
        for each in await self._findings.all(tenant):
            if each.seen.kind == AT_RISK and each.state not in CLOSED and each.seen.about not in risks:
                what = Comment("", now_ms, "", what=f"state={State.RESOLVED}")
                with contextlib.suppress(FindingChanged):  # somebody is at it: the next hour comes
                    await self._findings.write(said(closed(each, State.RESOLVED, now_ms=now_ms), what))


def about_of(objective: str, watched: Watched) -> tuple[tuple[str, str], ...]:
    """What a finding is about: a target and a guardrail may be of the same measure."""
    return (("objective", objective), (watched.part, watched.measure))


def seen_of(objective: Objective, watched: Watched, *, currency: str, decisions: Sequence[str], now_ms: int) -> Seen:
    """What there is to say of what is at risk."""
    since_ms, _ = bounds(objective.period)
    told = watched.end if watched.part != "guardrail" and watched.end is not None else watched.now
    assert told is not None  # noqa: S101 - nothing is at risk of which nothing is known
    days = Span(first=since_ms // DAY_MS, last=now_ms // DAY_MS)
    about = f"tenant = {quoted(objective.tenant)} AND objective = {quoted(objective.name)}"
    return Seen(
        kind=AT_RISK,
        tenant=objective.tenant,
        about=about_of(objective.name, watched),
        start_ms=watched.since_ms,
        end_ms=max(watched.since_ms, now_ms // DAY_MS * DAY_MS),
        size=_size(watched, told),
        reach=watched.n,
        of="calls" if watched.part == "budget" else "people",
        certainty=watched.level,
        value=told.value,
        low=told.low,
        high=told.high,
        level=watched.level,
        n=watched.n,
        false_alarms=FALSE_ALARMS,
        filter=f"{about} AND {CONTACTS} AND {days.filter}",
        decisions=tuple(decisions),
        shown={
            "limit": watched.limit,
            "now": _ends(watched.now),
            "end": _ends(watched.end),
            "days": watched.days,
            "currency": currency,
            "out": watched.runs_out_ms,
        },
    )


def _size(watched: Watched, told: Range) -> float:
    least = _SIZES[watched.part]
    ends = sorted((abs(watched.limit), abs(told.high if watched.part == "target" else told.low)))
    return least + (1 - least) * (1 - ends[0] / ends[1] if ends[1] else 0.0)


def _ends(each: Range | None) -> list[float]:
    return [] if each is None else [each.value, each.low, each.high]


def _runs(objective: Objective, now_ms: int) -> bool:
    since_ms, ends_ms = bounds(objective.period)
    return since_ms <= now_ms < ends_ms
