"""The web application: every request is let in by the door, and every error answered as a problem."""

import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute, WebSocketRoute
from litestar.routes.base import BaseRoute
from litestar.template import TemplateConfig
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
        if request.method == "OPTIONS":
            return _allowed(request)
        if RIGHT not in request.route_handler.opt:  # the framework's own describe the interface
            return None
        await door.begin(request)
        if once is None or right_of(request.route_handler) in OPEN:
            return None
        return await once.begin(request, principal_of(request), nonce=uuid.uuid4().hex)

    return _Application(
        before_request=begin,
        before_send=[with_cookies, with_header, Headers(https=https).add, *([once.sent] if once else ())],
        route_handlers=[healthy, *handlers],
        template_config=templates,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=documented(),
        exception_handlers={kind: for_people(answer) for kind, answer in http_errors.PROBLEMS.items()},
        # The process logs as it was told to; Litestar's default would replace that, and keep a thread for it.
        logging_config=None,
        debug=False,
    )


class _Application(Litestar):
    """Looks at a route once. Litestar 2.25 looks at all there are for each that is added: a third of a start's time."""

    def __init__(self, **options: Any) -> None:
        self._looked_at: list[BaseRoute] = []
        self._by_path: dict[str, RouteHandlerMapItem] = {}
        super().__init__(**options)

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """The handlers of each path, by the methods that they answer."""
        for index, route in enumerate(self.routes):
            if index < len(self._looked_at) and self._looked_at[index] is route:
                continue  # one that has got another method is another route in the same place
            self._looked_at[index : index + 1] = [route]
            if isinstance(route, HTTPRoute):
                self._by_path[route.path] = {
                    method: each for each in route.route_handlers for method in each.http_methods
                }
            else:
                kind: Any = "websocket" if isinstance(route, WebSocketRoute) else "asgi"
                self._by_path.setdefault(route.path, {})[kind] = route.route_handler
        return self._by_path


def _allowed(request: Request[Any, Any, Any]) -> Response[Any]:
    """What can be done with a path. The framework's own answer knows one of its operations only (Litestar 2.25)."""
    path = request.scope["path_template"]
    methods = {
        method
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and path in (route.path, route.path_format)
        for method in route.methods
    }
    return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"allow": ", ".join(sorted(methods))})
