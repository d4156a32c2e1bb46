"""The console without anything behind it: a page with all that pages are made of, and ways in which pages fail."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from services.control import server
from services.control.access.principals import Door, Forbidden, Principal
from services.control.access.rights import Right, Role, rights_of
from services.control.app import application
from services.control.console.console import Console
from services.control.console.page import Page, Parts
from services.control.console.pages import preferences
from services.control.console.rendering import TEMPLATES, go_to, page

HERE: Final = Path(__file__).parent
SOMEBODY: Final = Principal(name="camille.durand", kind="session", rights=rights_of({"*": [Role.OFFICER]}))
DECISIONS: Final = (
    (1_790_000_000_000, "churn-bot", "/pilote.crm.v1.MessageService/SendMessage", "DENY", 12.4),
    (1_790_000_001_000, "sales-assistant", "/pilote.crm.v1.ContactService/GetContact", "ALLOW", 1.1),
    (1_790_000_002_000, "nurture", "/pilote.crm.v1.MessageService/SendMessage", "HOLD", 2.2),
    (1_790_000_003_000, "nurture", "/pilote.crm.v1.MessageService/SendMessage", "DEFER", 1234.5),
)
Asked = Request[Any, Any, Any]


def handlers(_: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/gallery", right=Right.SEE, include_in_schema=False)
    async def gallery(request: Asked) -> Response[str]:
        return page(request, "gallery/gallery.html", fragment="more", decisions=DECISIONS)

    @get("/gallery/evil", right=Right.SEE, include_in_schema=False)
    async def evil(request: Asked) -> Response[str]:
        """What comes from elsewhere goes into every place of a page."""
        return page(request, "gallery/evil.html", text=request.query_params["text"])

    @get("/gallery/fails", right=Right.SEE, include_in_schema=False)
    async def fails() -> None:
        raise ZeroDivisionError("secret")

    @get("/gallery/forbidden", right=Right.SEE, include_in_schema=False)
    async def forbidden() -> None:
        raise Forbidden(Right.PEOPLE)

    @post("/gallery/done", right=Right.SEE, include_in_schema=False)
    async def done(request: Asked) -> Response[None]:
        form = await request.form()
        return go_to(request, "/gallery", say=f"Saved: {form['name']}")

    return [gallery, evil, fails, forbidden, done]


TEXTS: Final = {"gallery": ("Gallery", "Galerie")}
GALLERY: Final = Page("gallery", TEXTS, handlers, icon="blocks")
OTHERS: Final = tuple(
    Page(name, {name: (name.title(), name.title())}, lambda _: (), icon=icon, after_gap=name == "agents")
    for name, icon in (("decisions", "list-filter"), ("agents", "bot"), ("stops", "octagon-x"))
)


@asynccontextmanager
async def gallery_running() -> AsyncIterator[str]:
    """Where it is; everybody is SOMEBODY."""

    async def somebody(_: Asked) -> Principal:
        return SOMEBODY

    nothing: Any = None  # its pages need none of these
    parts = Parts(redis=nothing, policy=nothing, audit=nothing, access=nothing, clock_ms=lambda: 0)
    console = Console(parts, pages=(GALLERY, *OTHERS, preferences.PAGE), folders=(TEMPLATES, HERE / "templates"))
    app = application(console.handlers(), Door([somebody]), templates=console.templates())
    async with server._serving(app, listen="127.0.0.1:0", drain_seconds=1, ending=lambda: None) as port:
        yield f"http://127.0.0.1:{port}"
