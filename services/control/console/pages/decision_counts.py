"""What is counted around the list of decisions: facets, and a chart by time. The list waits for neither."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from pilote.audit.v1 import summaries_pb2
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.rendering import page
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.counts import chart_of, facets_of
from services.control.decisions.looking import look_of

_TEMPLATE: Final = "decisions/counts.html"
FACETS: Final = (
    *("verdict", "reason", "agent", "method", "rule", "model_version"),
    *("channel", "operation", "route", "status", "tenant"),
)
"""Fields that decisions are counted by beside the list."""
_TOP: Final = 8
_OFFERED: Final = 50
"""Most values of a field that are offered while somebody types."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of what is counted."""
    audit, stub, chosen = parts.audit, parts.audit.stub, ChosenColumns(parts.redis)

    async def _facets(request: Asked) -> Any:
        look = await chosen.look(request)
        asked = summaries_pb2.SummarizeDecisionsRequest(filter=look.asked, fields=FACETS, top_size=_TOP)
        return facets_of(await audit.answer(request, stub.SummarizeDecisions, asked), look)

    async def _chart(request: Asked) -> Any:
        asked = look_of(request.query_params).charting(now_ms=parts.clock_ms())
        return chart_of(await audit.answer(request, stub.ChartDecisions, asked))

    @get("/decisions/facets", right=Right.SEE, include_in_schema=False)
    async def facets(request: Asked) -> Response[str]:
        return page(request, _TEMPLATE, fragment="facets", facets=await _facets(request), chart=None)

    @get("/decisions/chart", right=Right.SEE, include_in_schema=False)
    async def chart(request: Asked) -> Response[str]:
        return page(request, _TEMPLATE, fragment="chart", facets=None, chart=await _chart(request))

    @get("/decisions/counts", right=Right.SEE, include_in_schema=False)
    async def counts(request: Asked) -> Response[str]:
        """Both on a page of their own, for browsers without scripts."""
        return page(request, _TEMPLATE, facets=await _facets(request), chart=await _chart(request))

    @get("/decisions/values", right=Right.SEE, include_in_schema=False)
    async def values(request: Asked, field: FromQuery[str] = "") -> list[dict[str, Any]]:
        """The values that a field has lately, for completion."""
        look = look_of({**request.query_params, "filter": ""})
        asked = summaries_pb2.SummarizeDecisionsRequest(filter=look.asked, fields=[field], top_size=_OFFERED)
        answer = await audit.answer(request, stub.SummarizeDecisions, asked)
        return [{"value": each.value, "count": each.count} for each in answer.facets[0].values if each.value]

    return [facets, chart, counts, values]
