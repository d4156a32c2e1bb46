"""Two decisions side by side."""

import asyncio
from collections.abc import Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from pilote.audit.v1 import audit_service_pb2
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.pages.decision import named
from services.control.console.rendering import go_to, page, texts_of
from services.control.decisions.beside import KINDS, beside

_TWO: Final = 2


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The one page."""
    audit, stub = parts.audit, parts.audit.stub

    @get("/decisions/compare", right=Right.SEE, include_in_schema=False)
    async def compare(request: Asked) -> Response[str] | Response[None]:
        """Those that the address names twice as `of`: two different ones."""
        ids = tuple(dict.fromkeys(request.query_params.getall("of", [])))
        if len(ids) != _TWO:
            return go_to(request, "/decisions", say=texts_of(request)("decisions-compare-two"), kind="note")
        asked = [audit_service_pb2.GetDecisionRequest(name=named(each)) for each in ids]
        found = await asyncio.gather(*(audit.answer(request, stub.GetDecision, each) for each in asked))
        pairs = beside(found[0].decision, found[1].decision)
        return page(request, "decisions/beside.html", ids=ids, pairs=pairs, kinds=KINDS)

    return [compare]
