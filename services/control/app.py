"""The web application: every request is let in by the door, and every error answered as a problem."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Litestar, Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components
from litestar.template import TemplateConfig

from gateway.watching.trace_context import TRACEPARENT, handling, parsed
from services.control.access.knowing import with_cookies
from services.control.access.principals import RIGHT, Door, all_guarded
from services.control.access.rights import Right
from services.control.api import http_errors
from services.control.api.proto_schemas import PERSON, SIGNED
from services.control.console.failures import for_people
from services.control.console.security import Headers

MAX_BODY_BYTES: Final = 64 * 1024
HEALTH: Final = "/healthz"


def application(
    handlers: Sequence[HTTPRouteHandler],
    door: Door,
    *,
    templates: TemplateConfig[Any] | None = None,
    https: bool = False,
) -> Litestar:
    """The application of these handlers, each of which names its right; `templates` are those of its pages.

    With `https`, browsers are told to come by HTTPS only.

    Raises:
        HandlerWithoutRight: one does not.
    """
    all_guarded(handlers)

    @get(HEALTH, right=Right.ANYONE, include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    async def begin(request: Request[Any, Any, Any]) -> None:
        handling(parsed(request.headers.get(TRACEPARENT)))
        if RIGHT in request.route_handler.opt:  # the framework's own describe the interface
            await door.begin(request)

    return Litestar(
        before_request=begin,
        before_send=[with_cookies, Headers(https=https).add],
        route_handlers=[healthy, *handlers],
        template_config=templates,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Pilote", version="1", components=Components(security_schemes={PERSON: SIGNED})
        ),
        exception_handlers={kind: for_people(answer) for kind, answer in http_errors.PROBLEMS.items()},
        # The process logs as it was told to; Litestar's default would replace that, and keep a thread for it.
        logging_config=None,
        debug=False,
    )
