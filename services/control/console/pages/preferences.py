"""The language and the theme that somebody wants pages in: of a browser, not of an account, so it needs no login."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from gateway.core.texts import LANGUAGES
from services.control.access.persons import LANGUAGE_COOKIE
from services.control.access.rights import Right
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to
from services.control.console.viewer import THEME_COOKIE, THEMES, local_path

_YEAR_SECONDS: Final = 365 * 24 * 3600
_OURS: Final = ("same-origin", "none")
"""What a browser says of a request that a page of ours makes, or somebody by hand."""


class _Wanted(Form, frozen=True, kw_only=True):
    language: str = ""
    theme: str = ""
    next: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @post("/preferences", right=Right.ANYONE, include_in_schema=False)
    async def preferences(request: Request[Any, Any, Any]) -> Response[None]:
        form = await form_as(request, _Wanted)
        if request.headers.get("sec-fetch-site", "none") not in _OURS:
            return go_to(request, "/")
        cookies = [
            chosen(cookie, wanted, https=parts.https)
            for wanted, cookie, allowed in (
                (form.language, LANGUAGE_COOKIE, LANGUAGES),
                (form.theme, THEME_COOKIE, THEMES),
            )
            if wanted in allowed
        ]
        return go_to(request, local_path(form.next), cookies=cookies)

    return [preferences]


def chosen(cookie: str, value: str, *, https: bool) -> Cookie:
    """A choice that the browser keeps for a year."""
    return Cookie(key=cookie, value=value, path="/", max_age=_YEAR_SECONDS, samesite="lax", secure=https)


PAGE: Final = Page("preferences", {}, handlers)
