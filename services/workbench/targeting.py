"""Works out once a day which segments are contacted too much or never, and keeps it for whoever shows it.

Four complete weeks up to the last midnight (UTC). Segments are those that customers are in now, asked of what is known
of them and kept nowhere: only counts stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.redis_clients import Client
from services.findings.targeting import Targeting, TargetingCause, TargetingSkew, TargetingStore
from services.insights.pressure import targeting as statistics
from services.insights.pressure.attribution import Sent
from services.insights.pressure.targeting import Seen, Skew
from services.insights.pressure.watching import Moments
from services.workbench.columns.database import Columns
from services.workbench.looks.spans import CARRIED_OUT, DAY_MS, SUBJECT

WEEKS: Final = 4
MOST_PEOPLE: Final = 300_000
"""Customers who are looked at, drawn by their pseudonyms."""
MOST_SEGMENTS: Final = 100
"""The largest ones: with each more, every one of them must be surer."""
EXEMPT: Final = ("transactional", "legal")
"""Categories of contacts that nobody counts as pressure: what a customer has asked for, or must be told."""
Belonging = Callable[[str, Sequence[str]], Awaitable[Mapping[str, tuple[str, ...]]]]
"""The segments of a tenant's customers, by pseudonym."""
_APART: Final = " "
_OURS: Final = f"""tenant = $tenant AND subject IS NOT NULL AND NOT standby AND NOT repeats
 AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
 AND category NOT IN ({", ".join(repr(each) for each in EXEMPT)})"""
_PEOPLE: Final = f"""CREATE OR REPLACE TEMP TABLE aimed AS
 SELECT subject, row_number() OVER (ORDER BY subject) - 1 AS person FROM (
  SELECT subject FROM admitted WHERE {_OURS} GROUP BY subject HAVING NOT bool_or(held_out)
  ORDER BY hash(subject), subject LIMIT $most)"""  # noqa: S608 - our own texts
_NAMES: Final = f"SELECT {SUBJECT} AS subject FROM aimed AS admitted ORDER BY person"  # noqa: S608 - likewise
_SENT: Final = f"""SELECT person, admitted.at_ms AS at_ms, agent, campaign
 FROM admitted JOIN aimed USING (subject) LEFT JOIN settled ON settled.id = admitted.id
 WHERE {_OURS} AND operation = 'CONTACT' AND {CARRIED_OUT}"""  # noqa: S608
_REFUSED: Final = f"""SELECT person, reason || '{_APART}' || rule AS cause, count(*) AS n
 FROM admitted JOIN aimed USING (subject)
 WHERE {_OURS} AND operation = 'CONTACT' AND verdict <> 'ALLOW' GROUP BY ALL ORDER BY ALL"""  # noqa: S608


class TargetKeeper:
    """Keeps it of all tenants."""

    def __init__(self, redis: Client, *, belonging: Belonging) -> None:
        self._store = TargetingStore(redis)
        self._belonging = belonging

    async def keep(self, columns: Columns, *, now_ms: int) -> int:
        """Work out and keep what is not known yet of the last day; returns for how many tenants that was.

        Raises:
            RedisError: the store does not answer.
        """
        end_ms, kept = now_ms // DAY_MS * DAY_MS, 0
        for tenant in await asyncio.to_thread(columns.tenants):
            known = await self._store.get(tenant)
            if known is not None and known.end_ms == end_ms:
                continue
            await self._store.keep(await self._of(columns, tenant, end_ms=end_ms))
            kept += 1
        return kept

    async def _of(self, columns: Columns, tenant: str, *, end_ms: int) -> Targeting:
        start_ms = end_ms - 7 * WEEKS * DAY_MS
        names, seen = await asyncio.to_thread(_read, columns, tenant, start_ms, end_ms)
        segments = _members(names, await self._belonging(tenant, names))
        found = await asyncio.to_thread(statistics.targeting, seen(segments))
        return Targeting(
            tenant=tenant,
            start_ms=start_ms,
            end_ms=end_ms,
            people=found.people,
            skews=tuple(map(_told, found.skews)),
        )


def _read(
    columns: Columns, tenant: str, start_ms: int, end_ms: int
) -> tuple[list[str], Callable[[Mapping[str, NDArray[np.int64]]], Seen]]:
    """Customers in the order of their numbers, and what makes all of it, once their segments are known."""
    span = {"tenant": tenant, "start_ms": start_ms, "end_ms": end_ms}
    with columns.desk() as ask:
        ask(_PEOPLE, span | {"most": MOST_PEOPLE})
        names = [str(each) for each in ask(_NAMES)["subject"]]
        sent, refused = ask(_SENT, span), ask(_REFUSED, span)
    agents, agent = _placed(sent["agent"])
    campaigns, campaign = _placed(sent["campaign"])
    moments = Moments.of(_whole(sent["person"]), _whole(sent["at_ms"]))
    counts = _counts(refused, people=len(names))
    return names, lambda segments: Seen(
        people=len(names),
        sent=Sent.of(moments, agent, agents),
        campaign=campaign,
        campaigns=campaigns,
        segments=segments,
        refused=counts,
    )


def _placed(names: NDArray[Any]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    found, places = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    return tuple(found.tolist()), places.astype(np.int64)


def _whole(numbers: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(numbers, dtype=np.int64)


def _counts(refused: Mapping[str, NDArray[Any]], *, people: int) -> Mapping[str, NDArray[np.int64]]:
    """By what refused, how many contacts of each customer it did."""
    found: dict[str, NDArray[np.int64]] = {}
    for person, by, n in zip(*(refused[name].tolist() for name in ("person", "cause", "n")), strict=True):
        found.setdefault(by, np.zeros(people, dtype=np.int64))[person] = n
    return found


def _members(names: Sequence[str], segments: Mapping[str, Sequence[str]]) -> Mapping[str, NDArray[np.int64]]:
    """The places of the customers of the largest segments."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        for segment in segments.get(name, ()):
            found.setdefault(segment, []).append(place)
    kept = sorted(found, key=lambda each: (-len(found[each]), each))[:MOST_SEGMENTS]
    return {name: np.array(found[name], dtype=np.int64) for name in kept}


def _told(skew: Skew) -> TargetingSkew:
    return TargetingSkew(
        segment=skew.segment,
        question=skew.question,
        events=skew.events,
        people=skew.people,
        other_events=skew.other_events,
        other_people=skew.other_people,
        ratio=skew.ratio,
        ratio_low=skew.low,
        ratio_high=skew.high,
        level=skew.level,
        p_value=skew.p_value,
        standing=skew.standing,
        ceiling=skew.ceiling,
        cause=_cause(skew),
    )


def _cause(skew: Skew) -> TargetingCause | None:
    if skew.cause is None:
        return None
    cause, share = skew.cause, skew.cause.share
    reason, _, rule = ("", "", "") if skew.question == "much" else cause.name.partition(_APART)
    return TargetingCause(
        agent=cause.name if skew.question == "much" else "",
        campaign=cause.campaign,
        reason=reason,
        rule=rule,
        part=cause.part,
        whole=cause.whole,
        share=None if share is None else share.value,
        share_low=None if share is None else share.low,
        share_high=None if share is None else share.high,
    )
