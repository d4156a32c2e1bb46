"""What somebody sees who asked for a page that cannot be shown; programs get what they always get."""

import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from litestar import MediaType, Response

from services.control.access.accounts import AccountProblem
from services.control.access.asking import Unasked
from services.control.access.entrance import ConfirmationNeeded
from services.control.access.knowing import by_itself
from services.control.access.principals import Asked
from services.control.api.problems import Problem
from services.control.console.rendering import STOP_ASKING, asked_by_htmx, go_to, page, texts_of
from services.control.console.static_files import NotBuilt
from services.control.console.viewer import viewer_of

_NOT_BUILT: Final = "The console's assets are not built, so there are no pages: run .ci/assets, and start anew."
_PROGRAMS: Final = ("/v1/", "/ofrep/", "/schema", "/static/", "/healthz")
"""Paths that are not for people to look at, whatever a browser says it takes."""
_SYMBOLS: Final[Mapping[int, str]] = {404: "search", 403: "lock", 503: "plug"}
_KNOWN: Final = (403, 404, 405, 413, 503)
_KEPT: Final[tuple[str, ...]] = ("allow", "retry-after")
"""What programs are told in headers, people's browsers are told too."""
_OTHER: Final = {4: 400}
"""By the first digit of a status that has no words of its own; any other is a mistake of ours."""
_OURS: Final = (404, 405, 413, 500)
"""Where what is told to programs says less than a page does."""
Answers: TypeAlias = Callable[[Asked, Any], Response[Any]]


def for_people(answer: Answers) -> Answers:
    """What answers a failure to programs, made to answer people with a page that says the same."""

    def handle(request: Asked, error: Any) -> Response[Any]:
        if isinstance(error, NotBuilt):
            return Response(_NOT_BUILT, status_code=HTTPStatus.SERVICE_UNAVAILABLE, media_type=MediaType.TEXT)
        if request.url.path.startswith(_PROGRAMS):
            return answer(request, error)
        if isinstance(error, Unasked):
            if by_itself(request):
                return _ended(request)
            return go_to(request, f"/login?next={quote(_back_to(request))}")
        if isinstance(error, AccountProblem) and error.code == "password-must-change":
            return go_to(request, f"/password?next={quote(_back_to(request))}")
        if isinstance(error, ConfirmationNeeded) and wants_page(request):
            return go_to(request, f"/confirm?next={quote(_back_to(request))}")
        told = answer(request, error)
        with contextlib.suppress(NotBuilt):
            return _failure(request, told) if wants_page(request) else told
        return told

    return handle


def wants_page(request: Asked) -> bool:
    """Whether a person with a browser waits for the answer, and no script of ours."""
    return "text/html" in request.headers.get("accept", "") and not asked_by_htmx(request)


def _ended(request: Asked) -> Response[None]:
    """What a page is told that asked by itself, and whose session has ended: nobody loses what they have typed."""
    if not asked_by_htmx(request):  # a stream, which then does not try again
        return Response(None, status_code=HTTPStatus.NO_CONTENT)
    return Response(None, status_code=STOP_ASKING, headers={"hx-trigger": "session-ended", "hx-reswap": "none"})


def _failure(request: Asked, told: Response[Any]) -> Response[str]:
    status = told.status_code or HTTPStatus.INTERNAL_SERVER_ERROR
    t, kind = texts_of(request), status if status in _KNOWN else _OTHER.get(status // 100, 500)
    about = (
        told.content.detail if isinstance(told.content, Problem) and kind not in _OURS else t(f"failure-{kind}-about")
    )
    values = {"title": t(f"failure-{kind}"), "about": about, "symbol": _SYMBOLS.get(status, "triangle-alert")}
    headers = {name: told.headers[name] for name in _KEPT if name in told.headers}
    return page(request, "failure/failure.html", status=status, headers=headers, **values)


def _back_to(request: Asked) -> str:
    """The page that somebody wanted to see; after a change it is the one that it was made from."""
    if request.method == "GET" and not asked_by_htmx(request):
        return viewer_of(request).path
    name = "hx-current-url" if asked_by_htmx(request) else "referer"
    current: str = request.headers.get(name, "")
    return "/" + current.partition("://")[2].partition("/")[2]
