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
from services.control.integrations import Connector


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/integrations", right=Right.SEE, include_in_schema=False)
    async def integrations(request: Request[Any, Any, Any]) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        shown = await parts.operations.integrations.get(tenants)
        return page(request, "integrations/integrations.html", shown=shown, guarded=guarded, ms=milliseconds)

    return [integrations]


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


PAGE = Page("integrations", TEXTS, handlers, icon="plug")
