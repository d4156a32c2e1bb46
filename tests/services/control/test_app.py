"""The application's own map of its routes is the framework's."""

from typing import Any

import pytest
from litestar import Litestar, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from services.control.access.principals import Door
from services.control.access.rights import Right
from services.control.app import application


@get("/things", right=Right.ANYONE)
async def things() -> list[str]:
    return []


@post("/things", right=Right.ANYONE)
async def add() -> None: ...


@get(["/things/{thing:str}", "/one"], right=Right.ANYONE)
async def thing() -> str:
    return ""


@put("/things/{thing:str}", right=Right.ANYONE)
async def change() -> None: ...


@get("/late", right=Right.ANYONE)
async def late() -> None: ...


def _whole(application: Litestar) -> dict[str, dict[str, object]]:
    """What the framework finds when it looks at all routes."""
    found: Any = Litestar.route_handler_method_map.fget(application)  # type: ignore[attr-defined]
    return dict(found)


def test_whatever_is_added_in_whichever_order_every_path_has_all_its_handlers() -> None:
    handlers: list[HTTPRouteHandler] = [things, thing, add, change]
    for order in (handlers, handlers[::-1], handlers[2:] + handlers[:2]):
        made = application(order, Door(()))
        assert made.route_handler_method_map == _whole(made)
        assert set(made.route_handler_method_map["/things"]) >= {"GET", "POST"}
        assert set(made.route_handler_method_map["/things/{thing:str}"]) >= {"GET", "PUT"}
        assert all(each.route_handler_map.keys() == each.methods for each in made.routes if isinstance(each, HTTPRoute))
        with pytest.raises(TypeError, match="no more routes"):
            made.register(late)
