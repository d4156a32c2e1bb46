"""What happens now over HTTP: asked once, or followed."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent

from pilote.audit.v1 import activity_pb2 as pb
from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import schema_of
from services.control.api.parameters import Answer, Asking, Tenant, Tenants
from services.control.api.proto_schemas import answers, described
from services.control.audit_client import AuditClient
from services.control.live.following import Event, Following
from services.control.live.gathering import said
from services.control.live.now import Now
from services.control.live.scope import scope_of
from services.control.texts import say

_Top = Annotated[int, QueryParameter(name="topSize", ge=0, le=100, description="Most values of each list. 0: 10.")]


class Happening:
    """Shows what happens now to who may see it."""

    def __init__(self, client: AuditClient, following: Following) -> None:
        self._client = client
        self._following = following

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        client = self._client

        @get("/v1/now", right=Right.SEE, summary="See now")
        async def now(request: Asking, *, tenant: Tenant = "") -> Response[Now]:
            """Calls, limits that are nearly used up, versions, objectives, holds, workers, the stream and stops.

            What is not known is `null`, and `unknown` says why.
            """
            scope, language = scope_of(principal_of(request), tenant=tenant), language_in(request)
            return Response(_said(await self._following.gathering.now(scope), language))

        @get("/v1/now:follow", right=Right.SEE, summary="Follow now", operation_class=_STREAM, media_type=_EVENTS)
        async def follow(request: Asking, *, tenant: Tenant = "") -> Answer:
            """The same every second, as server-sent events `now`. After five minutes the stream ends: follow anew."""
            scope, language = scope_of(principal_of(request), tenant=tenant), language_in(request)

            def render(now: Now) -> tuple[Event, ...]:
                return (Event(data=msgspec.json.encode(_said(now, language)).decode(), event="now"),)

            return ServerSentEvent(await self._following.follow(scope, render, alike=("json", language)))

        @get("/v1/activity", right=Right.SEE, summary="Count now", operation_class=answers(pb.GetActivityResponse))
        async def activity(request: Asking, *, tenants: Tenants = None, top: _Top = 0) -> Answer:
            """Calls of the last minutes as the audit service has counted them."""
            principal = principal_of(request)
            scopes = [scope_of(principal, tenant=each) for each in tenants or [""]]
            named = [] if any(scope.tenants is None for scope in scopes) else [each.tenants or () for each in scopes]
            asked = pb.GetActivityRequest(tenants=dict.fromkeys(name for each in named for name in each), top_size=top)
            return await client.ask(request, client.stub.GetActivity, asked, defaults=True)

        return [now, follow, activity]


def _said(now: Now, language: str) -> Now:
    return said(now, lambda key: say(key, language=language))


_EVENTS = "text/event-stream"
_STREAM = described(
    {
        "200": OpenAPIResponse(
            description="Events `now`, each with what GET /v1/now answers as its data.",
            content={_EVENTS: OpenAPIMediaType(schema=schema_of(Now))},
        )
    }
)
