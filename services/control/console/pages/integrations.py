"""The page *Integrations*: systems behind the gateway and their health, quotas and feeds."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.formats import milliseconds
from services.control.console.page import Page, Parts
from services.control.console.rendering import page
from services.control.console.texts.integrations import TEXTS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/integrations", right=Right.SEE, include_in_schema=False)
    async def integrations(request: Request[Any, Any, Any]) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        shown = parts.operations.integrations
        return page(
            request,
            "integrations/integrations.html",
            connectors=await shown.connectors(tenants),
            feeds=await shown.feeds(tenants),
            ms=milliseconds,
        )

    return [integrations]


PAGE = Page("integrations", TEXTS, handlers, icon="plug")
