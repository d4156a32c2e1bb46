"""The console without anything behind it: a page with all that pages are made of, and ways in which pages fail."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from gateway.clock import clock_ms
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.accesses import Access
from services.control.access.principals import Door, Forbidden, Principal
from services.control.access.rights import Right, Role, rights_of
from services.control.app import application
from services.control.changes import Changes
from services.control.console.console import Console
from services.control.console.page import Page, Parts
from services.control.console.pages import confirm, login, preferences
from services.control.console.rendering import TEMPLATES, go_to, page
from services.control.console.static_files import StaticFiles
from services.control.people import People
from services.control.serving import serving

HERE: Final = Path(__file__).parent
SOMEBODY: Final = Principal(name="camille.durand", kind="session", rights=rights_of({"*": [Role.OFFICER]}))
DECISIONS: Final = (
    (1_790_000_000_000, "churn-bot", "/pilote.crm.v1.MessageService/SendMessage", "DENY", 12.4),
    (1_790_000_001_000, "sales-assistant", "/pilote.crm.v1.ContactService/GetContact", "ALLOW", 1.1),
    (1_790_000_002_000, "nurture", "/pilote.crm.v1.MessageService/SendMessage", "HOLD", 2.2),
    (1_790_000_003_000, "nurture", "/pilote.crm.v1.MessageService/SendMessage", "DEFER", 1234.5),
)
_AT: Final = [1_790_000_000_000 + 60_000 * minute for minute in range(60)]
BARS: Final = {
    "kind": "bars",
    "data": {
        "at": _AT,
        "series": [
            {"label": verdict, "colour": colour, "values": [(minute * step) % 17 + 2 for minute in range(60)]}
            for verdict, colour, step in (("Allowed", "allow", 5), ("Held", "hold", 3), ("Denied", "deny", 7))
        ],
    },
}
BAND: Final = {
    "kind": "band",
    "unit": " %",
    "data": {
        "at": _AT,
        "series": [
            {"label": name, "colour": "accent", "values": [4 + way * 9 / (minute + 3) for minute in range(60)]}
            for name, way in (("Lift", 0), ("from", -1), ("to", 1))
        ],
    },
}
Asked = Request[Any, Any, Any]


SHOWN: Final[dict[str, Any]] = {"decisions": DECISIONS, "bars": BARS, "band": BAND, "who": "", "why": ""}


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/gallery", right=Right.SEE, include_in_schema=False)
    async def gallery(request: Asked) -> Response[str]:
        return page(request, "gallery/gallery.html", fragment="more", **SHOWN)

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

    @post("/gallery/check", right=Right.SEE, status_code=200, include_in_schema=False)
    async def check(request: Asked) -> dict[str, list[dict[str, object]]]:
        """What an editor asks while somebody types: "night" is no good name."""
        lines = (await request.body()).decode().split("\n")
        return {
            "mistakes": [
                {"line": number, "column": line.index("night") + 1, "problem": "There is no night.", "fix": "Say day."}
                for number, line in enumerate(lines, 1)
                if "night" in line
            ]
        }

    @post("/gallery/much", right=Right.SEE, include_in_schema=False)
    async def much(request: Asked) -> Response[str]:
        """A change that only somebody may make who has just shown who they are."""
        here = parts.access.knowing.confirmed(request)
        form = await request.form()
        return page(request, "gallery/gallery.html", fragment="much", who=here.account.name, why=form.get("why", ""))

    return [gallery, evil, fails, forbidden, done, check, much]


TEXTS: Final = {"gallery": ("Gallery", "Galerie")}
GALLERY: Final = Page("gallery", TEXTS, handlers, icon="blocks")
OTHERS: Final = tuple(
    Page(name, {name: (name.title(), name.title())}, lambda _: (), icon=icon, after_gap=name == "agents")
    for name, icon in (("decisions", "list-filter"), ("agents", "bot"), ("stops", "octagon-x"))
)


@asynccontextmanager
async def gallery_running(access: Access | None = None, *, static: StaticFiles | None = None) -> AsyncIterator[str]:
    """Where it is. Everybody is SOMEBODY, or with `access`, whoever has logged in."""

    async def somebody(_: Asked) -> Principal:
        return SOMEBODY

    nothing: Any = dict.fromkeys(Parts.__struct_fields__)  # its pages need no more
    nobody = grpc.aio.insecure_channel("127.0.0.1:1")  # there is no log
    people = People(access, Changes(AuditServiceStub(nobody)), clock_ms=clock_ms) if access else None
    parts = Parts(**(nothing | {"access": access, "people": people, "clock_ms": clock_ms, "https": False}))
    pages = (GALLERY, *OTHERS, preferences.PAGE, *((login.PAGE, confirm.PAGE) if access else ()))
    console = Console(parts, pages=pages, folders=(TEMPLATES, HERE / "templates"), static=static)
    door = Door([access.knowing.by_cookie if access else somebody])
    app = application(console.handlers(), door, templates=console.templates())
    async with nobody, serving(app, listen="127.0.0.1:0", drain_seconds=1, ending=lambda: None) as port:
        yield f"http://127.0.0.1:{port}"
