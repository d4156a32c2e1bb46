"""What somebody sees who asked for a page that cannot be shown; programs get what they always get."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

from litestar import Request, Response

from services.control.access.asking import Unasked
from services.control.console.rendering import asked_by_htmx, go_to, page, texts_of
from services.control.console.static_files import NotBuilt
from services.control.console.viewer import viewer_of

_PROGRAMS: Final = ("/v1/", "/ofrep/", "/schema", "/static/", "/healthz")
"""Paths that are not for people to look at, whatever a browser says it takes."""
_SYMBOLS: Final[Mapping[int, str]] = {404: "search", 403: "lock", 503: "plug"}
_KNOWN: Final = (403, 404, 405, 413, 503)
_Asked: TypeAlias = Request[Any, Any, Any]
E = TypeVar("E", bound=Exception)


def for_people(answer: Callable[[_Asked, E], Response[Any]]) -> Callable[[_Asked, E], Response[Any]]:
    """What answers a failure to programs, made to answer people with a page that says the same."""

    def handle(request: _Asked, error: E) -> Response[Any]:
        told = answer(request, error)
        if isinstance(error, NotBuilt):
            text = "The console's assets are not built, so there are no pages: run .ci/assets, and start anew."
            return Response(text, status_code=HTTPStatus.SERVICE_UNAVAILABLE, media_type="text/plain")
        if request.url.path.startswith(_PROGRAMS):
            return told
        if isinstance(error, Unasked):
            return go_to(request, f"/login?next={quote(_back_to(request))}")
        return _failure(request, told.status_code or 500) if wants_page(request) else told

    return handle


def wants_page(request: _Asked) -> bool:
    """Whether a person with a browser waits for the answer, and no script of ours."""
    return "text/html" in request.headers.get("accept", "") and not asked_by_htmx(request)


def _failure(request: _Asked, status: int) -> Response[str]:
    t, key = texts_of(request), f"failure-{status if status in _KNOWN else 500}"
    values = {"title": t(key), "about": t(f"{key}-about"), "symbol": _SYMBOLS.get(status, "triangle-alert")}
    return page(request, "failure/failure.html", status=status, **values)


def _back_to(request: _Asked) -> str:
    """The page that somebody wanted to see; after a change it is the one that it was made from."""
    if request.method == "GET" and not asked_by_htmx(request):
        return viewer_of(request).path
    current: str = request.headers.get("hx-current-url", "")
    return "/" + current.partition("://")[2].partition("/")[2]
