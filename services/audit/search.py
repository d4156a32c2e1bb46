"""Looks for decisions: lists in an order, follows, facets and counts by time."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc, filters_pb2, summaries_pb2
from services.audit import charting, counting_values, paging
from services.audit.filters.describing import described
from services.audit.filters.expression import Expression
from services.audit.filters.resolving import Resolver, language_in
from services.audit.finding import NEWEST, Order, Timeline
from services.audit.ordering import order_of, place_of
from services.audit.store import DecisionStore, Stored
from services.audit.tails import Tails
from services.audit.telling import told

FOLLOWING: Final = "pilote-following"
"""Metadata by which a follower learns that its filter was taken."""
_TAIL_BATCH: Final = 100
"""Decisions that a follower's query reads at once: what one follower holds in memory."""


class Search(audit_service_pb2_grpc.AuditServiceServicer):
    """The methods of the audit service that take a filter. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self, store: DecisionStore, *, tails: Tails, pseudonym_key: bytes, clock_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._tails = tails
        self._clock_ms = clock_ms
        self._resolver = Resolver(store, pseudonym_key=pseudonym_key)

    async def ListDecisions(
        self, request: audit_service_pb2.ListDecisionsRequest, context: Any
    ) -> audit_service_pb2.ListDecisionsResponse:
        """See the contract."""
        size, now_ms = paging.size_of(request.page_size), self._clock_ms()
        order = order_of(request.order_by, language=language_in(context))
        asked = f"{request.filter}\x00{order.field.name} {order.descending}" if order != NEWEST else request.filter
        page = paging.page_of(request.page_token, text=asked, now_ms=now_ms)
        expression = await self._resolver.read(request.filter, context, now_ms=page.at_ms)
        # One more than asked for says whether there is a next page.
        found = await self._listed(expression, order, page, now_ms=now_ms, size=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = paging.token_of(paging.Page(page.at_ms, place_of(order, shown[-1])), text=asked)
        return audit_service_pb2.ListDecisionsResponse(
            decisions=[told(stored) for stored in shown],
            next_page_token=token,
            total_size=(await self._store.span(expression, now_ms=now_ms))[0] if request.count_total else None,
            unreadable_segments=self._store.unreadable,
        )

    async def TailDecisions(
        self, request: audit_service_pb2.TailDecisionsRequest, context: Any
    ) -> AsyncIterator[audit_service_pb2.TailDecisionsResponse]:
        """See the contract."""
        parsed = self._resolver.parsed(request.filter, context)
        await self._tails.ready()
        with self._tails.follow() as tail:
            # Sent at once, so that a follower knows from when on nothing escapes it.
            await context.send_initial_metadata(((FOLLOWING, "1"),))
            while True:
                decisions = await tail.take(_TAIL_BATCH)
                now_ms = self._clock_ms()
                expression = await self._resolver.resolved(parsed, now_ms=now_ms)
                for stored in await self._store.among(decisions, expression=expression, now_ms=now_ms):
                    yield audit_service_pb2.TailDecisionsResponse(decision=told(stored))

    async def SummarizeDecisions(
        self, request: summaries_pb2.SummarizeDecisionsRequest, context: Any
    ) -> summaries_pb2.SummarizeDecisionsResponse:
        """See the contract."""
        fields = counting_values.fields_of(request.fields, language=language_in(context))
        top, now_ms = counting_values.top_of(request.top_size), self._clock_ms()
        expression = await self._resolver.read(request.filter, context, now_ms=now_ms)
        found = await self._store.facets(expression, fields, now_ms=now_ms)
        answer = counting_values.answered(found, fields, top=top)
        answer.unreadable_segments.extend(self._store.unreadable)
        return answer

    async def ChartDecisions(
        self, request: summaries_pb2.ChartDecisionsRequest, context: Any
    ) -> summaries_pb2.ChartDecisionsResponse:
        """See the contract."""
        now_ms = self._clock_ms()
        expression = await self._resolver.read(request.filter, context, now_ms=now_ms)
        span = charting.asked(request, expression)
        start_ms, end_ms = span.start_ms, span.end_ms
        if start_ms is None or end_ms is None:
            total, first_ms, last_ms = await self._store.span(expression, now_ms=now_ms)
            if not total:
                return self._charted(charting.Buckets(0, span.width_ms or 1_000, 0), Timeline(0, 0, {}))
            start_ms = first_ms if start_ms is None else start_ms
            end_ms = max(last_ms + 1, start_ms + 1) if end_ms is None else max(end_ms, start_ms + 1)
        made = charting.buckets(start_ms, end_ms, width_ms=span.width_ms)
        found = await self._store.timeline(
            made.within(expression), now_ms=now_ms, start_ms=made.start_ms, width_ms=made.width_ms
        )
        return self._charted(made, found)

    async def DescribeFilters(
        self, request: filters_pb2.DescribeFiltersRequest, _context: Any
    ) -> filters_pb2.DescribeFiltersResponse:
        """See the contract."""
        return described(request.language_code)

    def _charted(self, made: charting.Buckets, found: Timeline) -> summaries_pb2.ChartDecisionsResponse:
        answer = charting.answered(made, found)
        answer.unreadable_segments.extend(self._store.unreadable)
        return answer

    async def _listed(
        self, expression: Expression, order: Order, page: paging.Page, *, now_ms: int, size: int
    ) -> tuple[Stored, ...]:
        if order == NEWEST:
            before = page.after.id if page.after else ""
            return await self._store.page(expression, now_ms=now_ms, before=before, size=size)
        return await self._store.ordered(expression, now_ms=now_ms, order=order, after=page.after, size=size)
