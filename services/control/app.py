"""The web application: every request is let in by the door, and every error answered as a problem."""

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar, Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.routes.base import BaseRoute
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler
from litestar.types.internal_types import RouteHandlerMapItem

from gateway.watching.trace_context import TRACEPARENT, handling, parsed
from services.control.access.knowing import with_cookies
from services.control.access.principals import RIGHT, Door, all_guarded, principal_of, right_of
from services.control.access.rights import OPEN, Right
from services.control.api import http_errors
from services.control.api.docs import documented
from services.control.api.idempotency import Once
from services.control.console.failures import for_people
from services.control.console.security import Headers
from services.control.owed_told import with_header

MAX_BODY_BYTES: Final = 64 * 1024
HEALTH: Final = "/healthz"


def application(
    handlers: Sequence[HTTPRouteHandler],
    door: Door,
    *,
    once: Once | None = None,
    templates: TemplateConfig[Any] | None = None,
    https: bool = False,
) -> Litestar:
    """The application of these handlers, each of which names its right; `templates` are those of its pages.

    `once` keeps what was done under which idempotency key. With `https` browsers are told to come by HTTPS only.

    Raises:
        HandlerWithoutRight: one does not.
    """
    all_guarded(handlers)

    @get(HEALTH, right=Right.ANYONE, include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    async def begin(request: Request[Any, Any, Any]) -> Response[Any] | None:
        handling(parsed(request.headers.get(TRACEPARENT)))
        if RIGHT not in request.route_handler.opt:  # what can be done with a path, and the framework's own description
            return None
        await door.begin(request)
        if once is None or right_of(request.route_handler) in OPEN:
            return None
        return await once.begin(request, principal_of(request), nonce=uuid.uuid4().hex)

    return _Application(
        before_request=begin,
        before_send=[with_cookies, with_header, Headers(https=https).add, *([once.sent] if once else ())],
        route_handlers=[_options_of([healthy, *handlers]), healthy, *handlers],
        template_config=templates,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=documented(),
        exception_handlers={kind: for_people(answer) for kind, answer in http_errors.PROBLEMS.items()},
        # The process logs as it was told to; Litestar's default would replace that, and keep a thread for it.
        logging_config=None,
        debug=False,
    )


class _Application(Litestar):
    """Prepares its routes once, when all are there.

    Litestar 2.25 does so for each that is added: it looks at all there are, and at those of another method of the same
    path once more, which is a third of a start's time.
    """

    def __init__(self, **options: Any) -> None:
        self._looked_at: list[BaseRoute] = []
        self._by_path: dict[str, RouteHandlerMapItem] = {}
        self._made = False
        super().__init__(**options)
        self._prepare()
        self._made = True

    def register(self, value: ControllerRouterHandler) -> None:  # type: ignore[override]  # as Litestar's own
        """Add the routes of a handler.

        Raises:
            TypeError: the application is made already.
        """
        if self._made:
            raise TypeError("an application that is made takes no more routes")
        Router.register(self, value)

    def _prepare(self) -> None:
        """What Litestar's own `register` does with routes."""
        for each in self.routes:
            added = _plain(each)
            for handler in added.route_handlers:
                handler.on_registration(self)
            added.create_handler_map()
            for plugin in self.plugins.receive_route:
                plugin.receive_route(added)
        self.asgi_router.construct_routing_trie()

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """The handlers of each path, by the methods that they answer."""
        for index, each in enumerate(self.routes):
            if index < len(self._looked_at) and self._looked_at[index] is each:
                continue  # one that has got another method is another route in the same place
            self._looked_at[index : index + 1] = [each]
            self._by_path[each.path] = {
                method: handler for handler in _plain(each).route_handlers for method in handler.http_methods
            }
        return self._by_path


def _plain(route: BaseRoute) -> HTTPRoute:
    """That route, as what it is: neither sockets nor applications of others are among ours.

    Raises:
        TypeError: it is another one.
    """
    if not isinstance(route, HTTPRoute):
        raise TypeError(f"{route.path} is no path that is asked by plain requests")
    return route


def _options_of(handlers: Sequence[HTTPRouteHandler]) -> HTTPRouteHandler:
    """What can be done with each of their paths; without it Litestar makes a handler for each, half of all there are.

    Its own answer would know one operation of a path only (Litestar 2.25).
    """
    paths = dict.fromkeys(path for each in handlers for path in sorted(each.paths))

    @HTTPRouteHandler(list(paths), http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)
    def options(request: Request[Any, Any, Any]) -> Response[Any]:
        path = request.scope["path_template"]
        methods = {
            method
            for each in request.app.routes
            if isinstance(each, HTTPRoute) and path in (each.path, each.path_format)
            for method in each.methods
        }
        return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"allow": ", ".join(sorted(methods))})

    return options
