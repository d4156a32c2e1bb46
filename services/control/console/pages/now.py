"""The page *Now*: what happens at this moment."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.rights import Right
from services.control.console.page import Page, Parts
from services.control.console.rendering import page
from services.control.console.texts.now import TEXTS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    del parts

    @get("/now", right=Right.SEE, include_in_schema=False)
    async def now(request: Request[Any, Any, Any]) -> Response[str]:
        return page(request, "now/now.html")

    return [now]


PAGE: Final = Page("now", TEXTS, handlers, icon="activity")
