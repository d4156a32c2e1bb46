"""Who looks at a page, and how they want it."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Request

from services.control.access.knowing import csrf_of, ends_of
from services.control.access.persons import language_in
from services.control.access.principals import Principal, known_in
from services.control.access.rights import Right

THEME_COOKIE: Final = "pilote_theme"
THEMES: Final = ("system", "light", "dark")
TIMES_COOKIE: Final = "pilote_times"
TIMES: Final = ("moment", "ago")
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who looks at a page."""

    principal: Principal | None
    language: str
    theme: str
    """One of `THEMES`."""
    times: str = TIMES[0]
    """How lists say times, one of `TIMES`."""
    path: str
    """Of the page, with its query."""
    csrf: str = ""
    """What proves that a form came from a page of this session."""
    ends_ms: int = 0
    """When their session ends if nobody uses it; 0 where they have none."""
    nonce: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(16))
    """Of this one response, for styles that an editor adds."""

    def may(self, right: Right | str, tenant: str = "") -> bool:
        """Whether they have the right in that tenant; with none given, in any."""
        return self.principal is not None and self.principal.may(Right(right), tenant)


def viewer_of(request: Request[Any, Any, Any]) -> Viewer:
    """Who makes the request."""
    url = urlsplit(str(request.url))
    return Viewer(
        principal=known_in(request),
        language=language_in(request),
        theme=_chosen(request.cookies, THEME_COOKIE, THEMES) or THEMES[0],
        times=_chosen(request.cookies, TIMES_COOKIE, TIMES) or TIMES[0],
        csrf=csrf_of(request),
        ends_ms=ends_of(request),
        path=f"{url.path}?{url.query}" if url.query else url.path,
    )


def local_path(text: object, *, default: str = "/") -> str:
    """The text, where it is a path on this site, to which a browser may be sent; else `default`."""
    return text if isinstance(text, str) and _LOCAL.fullmatch(text) else default


def _chosen(cookies: Mapping[str, str], name: str, among: tuple[str, ...]) -> str:
    value = cookies.get(name, "")
    return value if value in among else ""
