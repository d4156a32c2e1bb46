"""Saved views over HTTP: what `pilote views` does, for who is known to the control plane."""

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from pilote.audit.v1 import views_pb2
from services.control.access.rights import Right
from services.control.api.parameters import Answer, Asking, IfMatch, IfNoneMatch, PageSize, PageToken, match_of, tagged
from services.control.api.proto_schemas import answers
from services.control.audit_client import AuditClient, as_json, parsed
from services.control.viewing import SavedViews

_Etag = Annotated[str, QueryParameter(name="etag", description="Delete only if the view is still the same.")]


class Views:
    """Lets people save views; they own what they save."""

    def __init__(self, client: AuditClient, views: SavedViews) -> None:
        self._client = client
        self._views = views

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._changing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get("/v1/views", right=Right.SEE, summary="List views", operation_class=answers(views_pb2.ListViewsResponse))
        async def listed(request: Asking, size: PageSize = 0, token: PageToken = "") -> Answer:
            """Saved views, by name."""
            values = {"pageSize": size, "pageToken": token}
            return await client.ask_with(request, stub.ListViews, views_pb2.ListViewsRequest, values)

        @get(
            "/v1/views/{view:str}",
            right=Right.SEE,
            summary="Get a view",
            operation_class=answers(views_pb2.GetViewResponse),
        )
        async def one(request: Asking, view: FromPath[str], known: IfNoneMatch = "") -> Answer:
            """One saved view; its ETag is what changes name in `if-match`."""
            found = await self._views.get(request, f"views/{view}")
            return tagged(as_json(views_pb2.GetViewResponse(view=found)), etag=found.etag, known=known)

        return [listed, one]

    def _changing(self) -> list[HTTPRouteHandler]:
        views = self._views

        @post(
            "/v1/views",
            right=Right.VIEWS,
            status_code=200,
            summary="Save a view",
            operation_class=answers(views_pb2.CreateViewResponse, takes=views_pb2.View),
        )
        async def create(request: Asking) -> Answer:
            """Save a view under a name that is free; one with a mistake is not saved."""
            return Response(as_json(await views.create(request, parsed(views_pb2.View, await request.body()))))

        @put(
            "/v1/views/{view:str}",
            right=Right.VIEWS,
            summary="Change a view",
            operation_class=answers(views_pb2.UpdateViewResponse, takes=views_pb2.View),
        )
        async def update(request: Asking, view: FromPath[str], match: IfMatch = "") -> Answer:
            """Put a view in the place of the one of this name; with its `etag` only if it is still the same."""
            body = await request.body()
            wanted = parsed(views_pb2.View, body)
            wanted.name = f"views/{view}"
            return Response(as_json(await views.update(request, wanted, match=match_of(match))))

        @delete(
            "/v1/views/{view:str}",
            right=Right.VIEWS,
            status_code=200,
            summary="Delete a view",
            operation_class=answers(views_pb2.DeleteViewResponse),
        )
        async def remove(request: Asking, view: FromPath[str], etag: _Etag = "", match: IfMatch = "") -> Answer:
            """Delete a view."""
            removed = await views.remove(request, f"views/{view}", etag=etag, match=match_of(match))
            return Response(as_json(removed))

        return [create, update, remove]
