"""Saved views over HTTP: what `pilote views` does, for people with keys of their own."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from pilote.audit.v1 import views_pb2
from services.control.api.parameters import Answer, Asking, PageSize, PageToken
from services.control.api.proto_schemas import answers
from services.control.audit_client import AuditClient, parsed

_Etag = Annotated[str, QueryParameter(name="etag", description="Delete only if the view is still the same.")]


class Views:
    """Lets people whom the active policy names save views; they own what they save."""

    def __init__(self, client: AuditClient) -> None:
        self._client = client

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._changing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get("/v1/views", summary="List views", operation_class=answers(views_pb2.ListViewsResponse))
        async def listed(request: Asking, size: PageSize = 0, token: PageToken = "") -> Answer:
            """Saved views, by name."""
            values = {"pageSize": size, "pageToken": token}
            return await client.ask_with(request, stub.ListViews, views_pb2.ListViewsRequest, values)

        @get("/v1/views/{view:str}", summary="Get a view", operation_class=answers(views_pb2.GetViewResponse))
        async def one(request: Asking, view: FromPath[str]) -> Answer:
            """One saved view."""
            asked = views_pb2.GetViewRequest(name=f"views/{view}")
            return await client.ask(request, stub.GetView, lambda _: asked)

        return [listed, one]

    def _changing(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @post(
            "/v1/views",
            status_code=200,
            summary="Save a view",
            operation_class=answers(views_pb2.CreateViewResponse, takes=views_pb2.View),
        )
        async def create(request: Asking) -> Answer:
            """Save a view under a name that is free; one with a mistake is not saved."""
            body = await request.body()

            def asked(person: str) -> views_pb2.CreateViewRequest:
                view = parsed(views_pb2.View, body)
                view.owner = person
                return views_pb2.CreateViewRequest(view=view)

            return await client.ask(request, stub.CreateView, asked)

        @put(
            "/v1/views/{view:str}",
            summary="Change a view",
            operation_class=answers(views_pb2.UpdateViewResponse, takes=views_pb2.View),
        )
        async def update(request: Asking, view: FromPath[str]) -> Answer:
            """Put a view in the place of the one of this name; with its `etag` only if it is still the same."""
            body = await request.body()

            def asked(_: str) -> views_pb2.UpdateViewRequest:
                wanted = parsed(views_pb2.View, body)
                wanted.name = f"views/{view}"
                return views_pb2.UpdateViewRequest(view=wanted)

            return await client.ask(request, stub.UpdateView, asked)

        @delete(
            "/v1/views/{view:str}",
            status_code=200,
            summary="Delete a view",
            operation_class=answers(views_pb2.DeleteViewResponse),
        )
        async def remove(request: Asking, view: FromPath[str], etag: _Etag = "") -> Answer:
            """Delete a view."""
            asked = views_pb2.DeleteViewRequest(name=f"views/{view}", etag=etag)
            return await client.ask(request, stub.DeleteView, lambda _: asked)

        return [create, update, remove]
