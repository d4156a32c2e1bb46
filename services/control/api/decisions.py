"""Decisions over HTTP: what `pilote decisions` does, for who is known to the control plane."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import ServerSentEvent

from pilote.audit.v1 import audit_service_pb2, explaining_pb2, filters_pb2, summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.control.access.persons import language_in
from services.control.access.rights import Right
from services.control.api.parameters import Answer, Asking, EndTime, PageSize, PageToken, StartTime
from services.control.api.proto_schemas import answers, streams
from services.control.api.tailing import Tailing
from services.control.audit_client import AuditClient, asking_as

_Filter = Annotated[str, QueryParameter(name="filter", description="AIP-160 filter, at most 4,000 characters.")]
_OrderBy = Annotated[str, QueryParameter(name="orderBy", description="Such as `latency desc`; empty: newest first.")]
_Total = Annotated[bool, QueryParameter(name="countTotal", description="Count all that match, too.")]
_Fields = Annotated[list[str] | None, QueryParameter(name="fields", description="Fields to count by; may be repeated.")]
_Top = Annotated[int, QueryParameter(name="topSize", ge=0, le=1_000, description="Most values of each field. 0: 10.")]
_Width = Annotated[str, QueryParameter(name="bucketWidth", description="Length of a bucket, such as 60s.")]


class Decisions:
    """Answers who may see, by asking the audit service."""

    def __init__(self, client: AuditClient, *, tailing: Tailing) -> None:
        self._client = client
        self._tailing = tailing

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._finding(), *self._summing()]

    def _finding(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get(
            "/v1/decisions",
            right=Right.SEE,
            summary="List",
            operation_class=answers(audit_service_pb2.ListDecisionsResponse),
        )
        async def listed(
            request: Asking,
            *,
            text: _Filter = "",
            order_by: _OrderBy = "",
            size: PageSize = 0,
            token: PageToken = "",
            total: _Total = False,
        ) -> Answer:
            """Decisions that match a filter, in an order, page by page."""
            values = {"filter": text, "orderBy": order_by, "pageSize": size, "pageToken": token, "countTotal": total}
            return await client.ask_with(request, stub.ListDecisions, audit_service_pb2.ListDecisionsRequest, values)

        @get(
            "/v1/decisions/{decision:str}",
            right=Right.SEE,
            summary="Get",
            operation_class=answers(audit_service_pb2.GetDecisionResponse),
        )
        async def one(request: Asking, decision: FromPath[str]) -> Answer:
            """One decision, by its id."""
            values = {"name": f"decisions/{decision}"}
            return await client.ask_with(request, stub.GetDecision, audit_service_pb2.GetDecisionRequest, values)

        @get(
            "/v1/decisions/{decision:str}/explanation",
            right=Right.SEE,
            summary="Explain",
            operation_class=answers(explaining_pb2.ExplainDecisionResponse),
        )
        async def explained(request: Asking, decision: FromPath[str]) -> Answer:
            """One decision in plain words, in the language of `accept-language`."""
            values = {"name": f"decisions/{decision}", "languageCode": language_in(request)}
            return await client.ask_with(request, stub.ExplainDecision, explaining_pb2.ExplainDecisionRequest, values)

        @get(
            "/v1/decisions:tail",
            right=Right.SEE,
            summary="Follow",
            operation_class=streams(decision_pb2.Decision),
            media_type="text/event-stream",
        )
        async def tail(request: Asking, text: _Filter = "") -> Answer:
            """Decisions as they are stored and again when they are settled, as server-sent events `decision`."""
            return ServerSentEvent(await self._tailing.follow(text, metadata=asking_as(request)))

        return [listed, one, explained, tail]

    def _summing(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get(
            "/v1/decisions:facets",
            right=Right.SEE,
            summary="Count",
            operation_class=answers(summaries_pb2.SummarizeDecisionsResponse),
        )
        async def facets(request: Asking, text: _Filter = "", fields: _Fields = None, top: _Top = 0) -> Answer:
            """How many decisions match, and the most frequent values of some fields."""
            values = {"filter": text, "fields": fields or [], "topSize": top}
            kind = summaries_pb2.SummarizeDecisionsRequest
            return await client.ask_with(request, stub.SummarizeDecisions, kind, values, defaults=True)

        @get(
            "/v1/decisions:histogram",
            right=Right.SEE,
            summary="Count by time",
            operation_class=answers(summaries_pb2.ChartDecisionsResponse),
        )
        async def histogram(
            request: Asking, text: _Filter = "", start: StartTime = "", end: EndTime = "", width: _Width = ""
        ) -> Answer:
            """How many decisions that match were received in each bucket of time, by verdict."""
            values = {"filter": text, "startTime": start, "endTime": end, "bucketWidth": width}
            kind = summaries_pb2.ChartDecisionsRequest
            return await client.ask_with(request, stub.ChartDecisions, kind, values, defaults=True)

        @get(
            "/v1/decisions:fields",
            right=Right.SEE,
            summary="Fields of filters",
            operation_class=answers(filters_pb2.DescribeFiltersResponse),
        )
        async def fields(request: Asking) -> Answer:
            """What filters may name: fields and functions, described in the language of `accept-language`."""
            asked = filters_pb2.DescribeFiltersRequest(language_code=language_in(request))
            return await client.ask(request, stub.DescribeFilters, asked)

        return [facets, histogram, fields]
