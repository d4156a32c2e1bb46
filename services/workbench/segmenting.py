"""How segments of customers stand to what is aimed at: of a sample of each channel's people, once a week.

Which segments somebody is in is asked of what is known of them now, and kept nowhere: only counts stay. Of whom nothing
is known is in none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.redis_clients import Client
from services.findings.pressure import PressureNumber, PressureSegment
from services.insights.pressure.segments import Segment, Target, judge
from services.insights.pressure.spread import Tally
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure_channels import ALPHA
from services.workbench.looks.standings import TARGET, Fullest, fullest
from services.workbench.segments import segments_of

MOST_PEOPLE: Final = 5_000
"""Of a channel, drawn by their pseudonyms."""

Standings = Mapping[tuple[str, str], tuple[PressureSegment, ...]]
"""By tenant and channel."""


class Segmenting:
    """Works out how segments stand in a week, once for each week."""

    def __init__(self, redis: Client, *, target: Target = TARGET) -> None:
        self._redis = redis
        self._target = target
        self._week_ms = -1
        self._known: Standings = {}

    async def of(self, columns: Columns, *, week_ms: int) -> Standings:
        """Segments of at least 30 people of the sample, in the week that begins then.

        Of each tenant in at most 5 % of weeks any segment is said to stand as it does not.

        Raises:
            RedisError: the store does not answer.
        """
        if week_ms != self._week_ms:
            self._known = await self._worked_out(columns, week_ms)
            self._week_ms = week_ms
        return self._known

    async def _worked_out(self, columns: Columns, week_ms: int) -> Standings:
        known: dict[tuple[str, str], list[PressureSegment]] = {}
        for tenant in await asyncio.to_thread(columns.tenants):
            people = await asyncio.to_thread(fullest, columns, tenant, week_ms=week_ms, most=MOST_PEOPLE)
            segments = await segments_of(self._redis, tenant, sorted({each.subject for each in people}))
            its = _counted(people, segments)
            named = {str(number): key for number, key in enumerate(sorted(its))}
            for segment in judge({name: its[key] for name, key in named.items()}, self._target, alpha=ALPHA):
                channel, name = named[segment.name]
                if segment.typical is not None:
                    known.setdefault((tenant, channel), []).append(_told(name, segment))
        return {key: tuple(sorted(each, key=lambda one: one.segment)) for key, each in known.items()}


def _counted(people: Sequence[Fullest], segments: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Tally]:
    """How full the caps of people were, by channel and segment."""
    found: dict[tuple[str, str], list[int]] = {}
    for each in people:
        for segment in segments.get(each.subject, ()):
            found.setdefault((each.channel, segment), []).append(each.percent)
    return {key: Tally.of(sorted(each)) for key, each in found.items()}


def _told(name: str, segment: Segment) -> PressureSegment:
    typical = segment.typical
    assert typical is not None  # noqa: S101 - who is too few is left out
    return PressureSegment(
        segment=name,
        people=segment.people,
        standing=segment.standing.value,
        fullness=PressureNumber(
            value=typical.value / 100, low=typical.low / 100, high=typical.high / 100, level=typical.level, n=typical.n
        ),
    )
