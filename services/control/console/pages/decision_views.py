"""Saved views: what people look for again and again."""

from collections.abc import Sequence

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from pilote.audit.v1 import views_pb2
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.looking import Look, look_of
from services.control.viewing import name_for


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All that is done with views."""
    views, chosen = parts.views, ChosenColumns(parts.redis)

    @get("/decisions/views", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        look = await chosen.look(request)
        found = await views.all(request)
        here = next((view for view in found if view.name == f"views/{look.view}"), None)
        rows = [(view, _looking(view).path(usual=look.usual)) for view in found]
        return page(request, "decisions/views.html", fragment="views", look=look, views=rows, here=here)

    @post("/decisions/views", right=Right.VIEWS, status_code=200, include_in_schema=False)
    async def create(request: Asked) -> Response[None]:
        look, title = await _form(request)
        answer = await views.create(request, _view(look, name=name_for(title), title=title))
        return _shown(request, answer.view, "decisions-views-saved")

    @post("/decisions/views/{view:str}/update", right=Right.VIEWS, status_code=200, include_in_schema=False)
    async def update(request: Asked, view: FromPath[str]) -> Response[None]:
        look, title = await _form(request)
        etag = str((await request.form()).get("etag", ""))
        wanted = _view(look, name=f"views/{view}", title=title, etag=etag)
        return _shown(request, (await views.update(request, wanted)).view, "decisions-views-saved")

    @post("/decisions/views/{view:str}/delete", right=Right.VIEWS, status_code=200, include_in_schema=False)
    async def delete(request: Asked, view: FromPath[str]) -> Response[None]:
        look, title = await _form(request)
        await views.remove(request, f"views/{view}", etag=str((await request.form()).get("etag", "")))
        said = texts_of(request)("decisions-views-deleted", title=title)
        return go_to(request, look.path(view=""), say=said)

    return [listed, create, update, delete]


async def _form(request: Asked) -> tuple[Look, str]:
    """What is looked for, and the title that it is given."""
    form = await request.form()
    return look_of({name: str(value) for name, value in form.items()}), str(form.get("title", "")).strip()


def _view(look: Look, *, name: str, title: str, etag: str = "") -> views_pb2.View:
    columns = look.columns
    return views_pb2.View(name=name, title=title, filter=look.filter, order_by=look.order, columns=columns, etag=etag)


def _looking(view: views_pb2.View) -> Look:
    values = {"filter": view.filter, "order": view.order_by, "columns": ",".join(view.columns)}
    return look_of({**values, "view": view.name.removeprefix("views/")})


def _shown(request: Asked, view: views_pb2.View, said: str) -> Response[None]:
    return go_to(request, _looking(view).link, say=texts_of(request)(said, title=view.title))
