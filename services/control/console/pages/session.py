"""How long the session lasts of whoever looks. To ask makes it go on, unless a page asks by itself."""

from collections.abc import Sequence
from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from services.control.access.knowing import here_of
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.console.page import Page, Parts
from services.control.console.texts.session import TEXTS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The one answer."""

    @get("/session/left", right=Right.OWN, include_in_schema=False)
    async def left(request: Asked) -> dict[str, int]:
        """Milliseconds until it ends if nobody uses it."""
        return {"leftMs": max(0, here_of(request).session.ends_ms - parts.clock_ms())}

    return [left]


PAGE: Final = Page("session", TEXTS, handlers)
