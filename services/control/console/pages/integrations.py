"""The page *Integrations*: systems behind the gateway and their health, quotas and feeds; webhooks."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import EVERYWHERE, Right
from services.control.access.tenancy import tenants_for
from services.control.console.formats import milliseconds
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts import webhooks
from services.control.console.texts.integrations import TEXTS
from services.control.console.viewer import viewer_of
from services.control.integrations import Connector
from services.control.undone import Undone
from services.control.webhooks import WebhookShown

MOST_SHOWN: Final = 100
"""Dead deliveries on the page of an endpoint."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/integrations", right=Right.SEE, include_in_schema=False)
    async def integrations(request: Request[Any, Any, Any]) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        return page(
            request,
            "integrations/integrations.html",
            shown=await parts.operations.integrations.get(tenants),
            webhooks=await _webhooks(request, parts),
            guarded=guarded,
            ms=milliseconds,
        )

    return [integrations, *_endpoint(parts)]


class _Replay(Form, frozen=True, kw_only=True):
    delivery: str = ""


def _endpoint(parts: Parts) -> Sequence[HTTPRouteHandler]:
    book = parts.operations.webhooks

    @get("/integrations/webhooks/{webhook:str}", right=Right.SEE, include_in_schema=False)
    async def endpoint(request: Asked, webhook: FromPath[str]) -> Response[str]:
        return await _shown(request, parts, webhook)

    @post("/integrations/webhooks/{webhook:str}/replay", right=Right.WEBHOOKS, include_in_schema=False)
    async def replay(request: Asked, webhook: FromPath[str]) -> Response[Any]:
        form = await form_as(request, _Replay)
        try:
            count = await book.replay(principal_of(request), webhook, form.delivery)
        except Undone as undone:
            return await _shown(request, parts, webhook, said=undone.said(viewer_of(request).language))
        said = texts_of(request)("webhooks-replayed", count=count)
        return go_to(request, f"/integrations/webhooks/{webhook}", say=said)

    return [endpoint, replay]


async def _shown(request: Asked, parts: Parts, webhook: str, *, said: str = "") -> Response[str]:
    who, book = principal_of(request), parts.operations.webhooks
    found = await book.get(who, webhook)
    dead = await book.deliveries(who, webhook, dead=True)
    return page(
        request,
        "integrations/webhook.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK,
        webhook=found,
        dead=dead[:MOST_SHOWN],
        may=who.may(Right.WEBHOOKS, found.tenant or EVERYWHERE),
        said=said,
        ms=milliseconds,
    )


async def _webhooks(request: Asked, parts: Parts) -> tuple[WebhookShown, ...] | None:
    """`None` where the store does not say."""
    try:
        return await parts.operations.webhooks.list(principal_of(request))
    except Undone:
        return None


def guarded(system: Connector) -> dict[str, int]:
    """Of how many workers the breaker is open, and half-open, and how many addresses get no calls on any of them."""
    guards = system.guards or ()
    return {
        "workers": len(guards),
        "open": sum(each.breaker == "open" for each in guards),
        "trying": sum(each.breaker == "half-open" for each in guards),
        "openings": sum(each.openings for each in guards),
        "ejected": max((each.ejected for each in guards), default=0),
        "ejections": sum(each.ejections for each in guards),
    }


PAGE = Page("integrations", {**TEXTS, **webhooks.TEXTS}, handlers, icon="plug")
