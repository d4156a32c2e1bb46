"""Who was served by what of late, and how many: counted by the audit service for people who look at a policy."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration

from gateway.rpc.times import timestamp
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.summaries_pb2 import ChartDecisionsRequest, SummarizeDecisionsRequest
from services.control.filters import both, either, is_, since

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MONTH_MS: Final = 30 * DAY_MS
SECONDS: Final = 2.0
"""How long the audit service may take for a number; then it is not known."""
_AT_ONCE: Final = 8
_MOST_VALUES: Final = 100


class Traffic:
    """Counts calls of the last day. `clock_ms` is milliseconds since the epoch; `None` is what is not known now."""

    def __init__(self, audit: AuditServiceStub, *, clock_ms: Callable[[], int]) -> None:
        self._audit: Any = audit
        self._clock_ms = clock_ms
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def by(self, field: str, tenants: Sequence[str], of: str = "") -> Mapping[str, int] | None:
        """How many calls each value of a field had, of those that a filter matches."""
        answer = await self._summary(both(self._within(tenants, DAY_MS), of), field, _MOST_VALUES)
        return None if answer is None else {each.value: each.count for each in answer.values if each.value}

    async def people(self, tenants: Sequence[str], of: str) -> int | None:
        """How many customers the calls concerned that a filter matches, in 30 days."""
        answer = await self._summary(both(self._within(tenants, MONTH_MS), of, "subject_ref:*"), "subject_ref", 1)
        return None if answer is None else len(answer.values) + int(answer.more_values)

    async def hours(self, tenants: Sequence[str], of: str) -> tuple[int, ...] | None:
        """How many calls each of the last 24 hours had, of those that a filter matches."""
        now_ms = self._clock_ms()
        asked = ChartDecisionsRequest(
            filter=both(_of(tenants), of),
            start_time=timestamp(now_ms - DAY_MS),
            end_time=timestamp(now_ms),
            bucket_width=Duration(seconds=HOUR_MS // 1000),
        )
        answer = await self._answer(self._audit.ChartDecisions, asked)
        return None if answer is None else tuple(int(each.count) for each in answer.buckets)

    def _within(self, tenants: Sequence[str], span_ms: int) -> str:
        return both(_of(tenants), since(self._clock_ms() - span_ms))

    async def _summary(self, filter_: str, field: str, top: int) -> Any:
        asked = SummarizeDecisionsRequest(filter=filter_, fields=[field], top_size=top)
        answer = await self._answer(self._audit.SummarizeDecisions, asked)
        return None if answer is None else answer.facets[0]

    async def _answer(self, method: Callable[..., Any], asked: Any) -> Any:
        async with self._asking:
            try:
                return await method(asked, timeout=SECONDS)
            except grpc.aio.AioRpcError:
                return None


def _of(tenants: Sequence[str]) -> str:
    return either(*(is_("tenant", tenant) for tenant in tenants))
