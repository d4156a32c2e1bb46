"""Sums over HTTP: calls by method, arms of routes and experiments, copies of calls, service objectives."""

from collections.abc import Mapping
from typing import Annotated, Any

from google.protobuf.message import Message
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from gateway.core.errors import Reason
from pilote.audit.v1 import arms_pb2, objectives_pb2, planning_pb2, shadows_pb2, upstreams_pb2
from services.control.access.persons import language_in
from services.control.access.rights import Right
from services.control.api.parameters import Answer, Asking, EndTime, StartTime, Tenants
from services.control.api.proto_schemas import answers
from services.control.audit_client import AuditClient, ended

_Tenant = Annotated[str, QueryParameter(name="tenant", description="Whose; empty: all, where that is allowed.")]
_Window = Annotated[str, QueryParameter(name="window", description="How far back, 60s to 3600s. Empty: 900s.")]
_Route = Annotated[str, QueryParameter(name="route", description="Name of a route.")]
_Experiment = Annotated[str, QueryParameter(name="experiment", description="Name of an experiment, for `route`.")]
_Arm = Annotated[str, QueryParameter(name="arm", description="Name of an arm that copies go to; empty: all.")]
_Measures = Annotated[list[str] | None, QueryParameter(name="measures", description="What to sum; may be repeated.")]
_Within = Annotated[str, QueryParameter(name="attributionWindow", description="How long what follows counts: 604800s.")]
_Before = Annotated[str, QueryParameter(name="covariateWindow", description="How long before is summed: 604800s.")]
_Currency = Annotated[str, QueryParameter(name="currency", description="Of revenue, three capital letters.")]
_Budget = Annotated[str, QueryParameter(name="budget", description="Whose amounts `cost` sums.")]


class Sums:
    """Answers who may see, by asking the audit service."""

    def __init__(self, client: AuditClient) -> None:
        self._client = client

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._counting(), *self._comparing()]

    def _counting(self) -> list[HTTPRouteHandler]:
        stub = self._client.stub

        @get(
            "/v1/decisions:count",
            right=Right.SEE,
            summary="Count by method",
            operation_class=answers(planning_pb2.CountDecisionsResponse),
        )
        async def counted(request: Asking, tenant: _Tenant = "", start: StartTime = "", end: EndTime = "") -> Answer:
            """How many decisions there were by method, agent and route."""
            values = {"tenant": tenant, "startTime": start, "endTime": end}
            return await self._ask(request, stub.CountDecisions, planning_pb2.CountDecisionsRequest, values)

        @get(
            "/v1/service-objectives",
            right=Right.SEE,
            summary="Service objectives",
            operation_class=answers(objectives_pb2.GetObjectivesResponse),
        )
        async def objectives(request: Asking, route: _Route = "") -> Answer:
            """How routes do by the service objectives of the active revision."""
            return await self._ask(request, stub.GetObjectives, objectives_pb2.GetObjectivesRequest, {"route": route})

        return [counted, objectives]

    def _comparing(self) -> list[HTTPRouteHandler]:
        stub = self._client.stub

        @get(
            "/v1/arms:summarize",
            right=Right.SEE,
            summary="Sum arms",
            operation_class=answers(arms_pb2.SummarizeArmsResponse),
        )
        async def arms(
            request: Asking,
            *,
            tenant: _Tenant = "",
            route: _Route = "",
            experiment: _Experiment = "",
            start: StartTime = "",
            end: EndTime = "",
            measures: _Measures = None,
            within: _Within = "",
            before: _Before = "",
            currency: _Currency = "",
            budget: _Budget = "",
        ) -> Answer:
            """What was measured of the arms of a route, or of the variations of an experiment, subject by subject."""
            values = {"tenant": tenant, "route": route, "experiment": experiment, "startTime": start, "endTime": end}
            values |= {"attributionWindow": within, "covariateWindow": before, "currency": currency, "budget": budget}
            kind = arms_pb2.SummarizeArmsRequest
            return await self._ask(request, stub.SummarizeArms, kind, values | {"measures": measures or []})

        @get(
            "/v1/shadows:summarize",
            right=Right.SEE,
            summary="Sum copies",
            operation_class=answers(shadows_pb2.SummarizeShadowsResponse),
        )
        async def shadows(
            request: Asking,
            *,
            tenant: _Tenant = "",
            route: _Route = "",
            arm: _Arm = "",
            start: StartTime = "",
            end: EndTime = "",
        ) -> Answer:
            """What came of copies of calls: how often a candidate agrees, where it differs, what it takes and costs."""
            values = {"tenant": tenant, "route": route, "arm": arm, "startTime": start, "endTime": end}
            return await self._ask(request, stub.SummarizeShadows, shadows_pb2.SummarizeShadowsRequest, values)

        @get(
            "/v1/upstreams:summarize",
            right=Right.SEE,
            summary="Sum upstreams",
            operation_class=answers(upstreams_pb2.SummarizeUpstreamsResponse),
        )
        async def upstreams(request: Asking, *, tenants: Tenants = None, window: _Window = "") -> Answer:
            """How upstreams have done of late: calls, failures, durations, and when each was last heard of."""
            values = {"tenants": tenants or []} | ({"window": window} if window else {})
            return await self._ask(request, stub.SummarizeUpstreams, upstreams_pb2.SummarizeUpstreamsRequest, values)

        return [arms, shadows, upstreams]

    async def _ask(self, request: Asking, method: Any, kind: type[Message], values: Mapping[str, Any]) -> Answer:
        if values.get("route") and values.get("experiment"):
            raise ended(Reason.ARGUMENT_INVALID, "arms-both", language_in(request), field="experiment")
        return await self._client.ask_with(request, method, kind, values, defaults=True)
