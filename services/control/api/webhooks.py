"""Webhooks over HTTP: how endpoints do, what did not arrive, and sending it again."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import Asking, PageSize, PageToken, Tenant, body_of
from services.control.paging import page
from services.control.webhooks import DeliveryShown, WebhookBook, WebhookShown

_State = Annotated[
    Literal["dead", "waiting"],
    QueryParameter(name="state", description="`dead`: not tried any more. `waiting`: on its way."),
]


class WebhooksShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Endpoints, the oldest first."""

    webhooks: tuple[WebhookShown, ...]
    next_page_token: str = ""


class DeliveriesShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Deliveries of one endpoint, by when they were queued, the newest first."""

    deliveries: tuple[DeliveryShown, ...]
    next_page_token: str = ""


class Replaying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent again."""

    delivery: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """The id of one; empty: all that are dead."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent again."""

    replayed: int
    """How many deliveries."""


class WebhooksApi:
    """Shows webhooks to who may see what happens, and lets some send again what did not arrive."""

    def __init__(self, book: WebhookBook) -> None:
        self._book = book

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @get("/v1/webhooks", right=Right.SEE, summary="List webhooks")
        async def listed(
            request: Asking, *, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[WebhooksShown]:
            """Endpoints that are told of events, and how each does."""
            found = await self._book.list(principal_of(request), tenant=tenant)
            shown, further = page(found, place=_created, size=size, token=token)
            return Response(WebhooksShown(webhooks=shown, next_page_token=further))

        @get("/v1/webhooks/{webhook:str}", right=Right.SEE, summary="Get a webhook")
        async def one(request: Asking, webhook: FromPath[str]) -> Response[WebhookShown]:
            """One endpoint."""
            return Response(await self._book.get(principal_of(request), webhook))

        @get("/v1/webhooks/{webhook:str}/deliveries", right=Right.SEE, summary="List deliveries")
        async def deliveries(
            request: Asking,
            webhook: FromPath[str],
            *,
            wanted: _State = "dead",
            size: PageSize = 0,
            token: PageToken = "",
        ) -> Response[DeliveriesShown]:
            """What did not arrive at an endpoint and why, or what waits for it."""
            found = await self._book.deliveries(principal_of(request), webhook, dead=wanted == "dead")
            shown, further = page(found, place=_created, size=size, token=token, descending=True)
            return Response(DeliveriesShown(deliveries=shown, next_page_token=further))

        @post(
            "/v1/webhooks/{webhook:str}/:replay",
            right=Right.WEBHOOKS,
            status_code=200,
            summary="Send again",
            operation_class=takes(Replaying),
        )
        async def replay(request: Asking, webhook: FromPath[str]) -> Response[Replayed]:
            """Send what did not arrive again, from the first attempt on: one delivery, or all that are dead."""
            asked = await body_of(request, Replaying)
            count = await self._book.replay(principal_of(request), webhook, asked.delivery)
            return Response(Replayed(replayed=count))

        return [listed, one, deliveries, replay]


def _created(each: WebhookShown | DeliveryShown) -> tuple[int, str]:
    return int(each.create_time.timestamp() * 1_000), each.name
