"""How segments of customers stand to what is aimed at: of a sample of each channel's people, once a week.

Which segments somebody is in stands only in what calls were decided by, sealed, and is kept nowhere else. So the last
decision about each person of the sample is read once more and opened, and only counts stay. Who was erased cannot be
opened, and counts nowhere.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from pilote.audit.v1 import log_pb2
from services.findings.pressure import PressureNumber, PressureSegment
from services.insights.pressure.segments import Segment, Target, judge
from services.insights.pressure.spread import Tally
from services.workbench.columns.database import Columns
from services.workbench.columns.measured import segments_of
from services.workbench.columns.sums import Entry, Summing
from services.workbench.looks.pressure_channels import ALPHA
from services.workbench.looks.standings import TARGET, Fullest, fullest

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

MOST_PEOPLE: Final = 5_000
"""Of a channel, drawn by their pseudonyms."""
_AT_ONCE: Final = 2_000

Standings = Mapping[tuple[str, str], tuple[PressureSegment, ...]]
"""By tenant and channel."""
_Key = tuple[str, str, str]
"""Tenant, channel and segment."""


class Segmenting:
    """Works out how segments stand in a week, once for each week."""

    def __init__(self, *, target: Target = TARGET) -> None:
        self._target = target
        self._week_ms = -1
        self._known: Standings = {}

    async def of(self, columns: Columns, audit: "AuditServiceAsyncStub", *, week_ms: int) -> Standings:
        """Segments of at least 30 people of the sample, in the week that begins then; none without the records' keys.

        Of each tenant in at most 5 % of weeks any segment is said to stand as it does not.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer.
        """
        if week_ms != self._week_ms:
            self._known = await self._worked_out(columns, audit, week_ms)
            self._week_ms = week_ms
        return self._known

    async def _worked_out(self, columns: Columns, audit: "AuditServiceAsyncStub", week_ms: int) -> Standings:
        people = {tenant: fullest(columns, tenant, week_ms=week_ms, most=MOST_PEOPLE) for tenant in columns.tenants()}
        counts = {} if columns.summing is None else await _counted(people, columns.summing, audit)
        known: dict[tuple[str, str], list[PressureSegment]] = {}
        for tenant in people:
            its = {key: Tally.of(sorted(each)) for key, each in counts.items() if key[0] == tenant}
            named = {str(number): key for number, key in enumerate(sorted(its))}
            for segment in judge({name: its[key] for name, key in named.items()}, self._target, alpha=ALPHA):
                _, channel, name = named[segment.name]
                if segment.typical is not None:
                    known.setdefault((tenant, channel), []).append(_told(name, segment))
        return {key: tuple(sorted(each, key=lambda one: one.segment)) for key, each in known.items()}


async def _counted(
    people: Mapping[str, Mapping[int, Fullest]], summing: Summing, audit: "AuditServiceAsyncStub"
) -> dict[_Key, list[int]]:
    """How full the caps of the people of each segment were."""
    wanted = {leaf: (tenant, each) for tenant, its in people.items() for leaf, each in its.items()}
    found: dict[_Key, list[int]] = {}
    batch: dict[int, Entry] = {}

    async def opened() -> None:
        values = await summing.opened(list(batch.values()), audit, since_ms=0)
        for leaf, (_, parts, _) in batch.items():
            tenant, each = wanted[leaf]
            for segment in segments_of(values.get(_id_of(parts), ())):
                found.setdefault((tenant, each.channel, segment), []).append(each.percent)
        batch.clear()

    if not wanted:
        return found
    last = max(wanted)
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=min(wanted))):
        batch |= {
            each.index: (each.kind, each.parts, each.leaf_hash) for each in answer.entries if each.index in wanted
        }
        ended = bool(answer.entries) and answer.entries[-1].index >= last
        if ended or len(batch) >= _AT_ONCE:
            await opened()
        if ended:
            break
    return found


class _Named(msgspec.Struct, frozen=True):
    id: str


_NAMED: Final = msgspec.json.Decoder(_Named)


def _id_of(parts: Sequence[bytes]) -> str:
    return _NAMED.decode(parts[0]).id if parts else ""


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
