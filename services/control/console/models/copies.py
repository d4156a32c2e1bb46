"""What candidates would have done: copies of calls that were decided about and compared, and never acted on."""

from collections.abc import Sequence
from typing import Any, Final

import grpc
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.rpc.times import timestamp
from pilote.audit.v1.shadows_pb2 import SummarizeShadowsRequest
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.models.sides import known, tenants_of
from services.control.console.page import Parts
from services.control.console.rendering import page

DAY_MS: Final = 86_400_000
SPANS: Final = (1, 7, 30)
"""Days that may be looked back."""
ASK_SECONDS: Final = 5.0


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    audit: Any = parts.audit.stub

    @get("/models/shadows", right=Right.SEE, include_in_schema=False)
    async def shadows(request: Asked) -> Response[str]:
        tenants, given = tenants_of(request, parts), request.query_params
        all_ = principal_of(request).tenants(Right.SEE) is None
        tenant = given.get("tenant", "")
        tenant = tenant if tenant in tenants else "" if all_ else next(iter(tenants), "")
        days = next((each for each in SPANS if str(each) == given.get("days")), SPANS[1])
        asked = SummarizeShadowsRequest(tenant=tenant, start_time=timestamp(parts.clock_ms() - days * DAY_MS))
        try:
            found = (await audit.SummarizeShadows(asked, timeout=ASK_SECONDS)).summaries if tenants else ()
        except grpc.aio.AioRpcError:
            found = None
        return page(
            request,
            "models/shadows.html",
            **known("shadows"),
            summaries=found,
            tenants=tenants,
            every=all_,
            tenant=tenant,
            days=days,
            spans=SPANS,
            millis=lambda span: span.ToMicroseconds() / 1000,
        )

    return [shadows]
