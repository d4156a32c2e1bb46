"""The page *Decisions*: what agents did, found by filter, time, facets and order."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import grpc
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from pilote.audit.v1 import audit_service_pb2, filters_pb2
from services.control.access.persons import language_in
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.api.problems import Problem, problem_of
from services.control.console.page import Page, Parts
from services.control.console.pages import (
    decision,
    decision_beside,
    decision_columns,
    decision_counts,
    decision_export,
    decision_tail,
    decision_views,
)
from services.control.console.rendering import page
from services.control.console.texts import decision as decision_texts
from services.control.console.texts.decisions import TEXTS
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.columns import COLUMNS
from services.control.decisions.looking import ALL, ORDERS, SPANS, Look
from services.control.decisions.mistakes import Mistake, mistake_in
from services.control.decisions.terms import terms

_TEMPLATE: Final = "decisions/decisions.html"


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    audit, stub, chosen = parts.audit, parts.audit.stub, ChosenColumns(parts.redis)

    @get("/decisions", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        look = await chosen.look(request)
        try:
            found = await audit.answer(request, stub.ListDecisions, look.listing())
        except grpc.aio.AioRpcError as error:
            return await _mistaken(request, look, error)
        return _page(request, look, found=found)

    async def _mistaken(request: Asked, look: Look, error: grpc.aio.AioRpcError) -> Response[str]:
        """The page with what is wrong with the filter, or another part of the question."""
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise error
        alone = audit_service_pb2.ListDecisionsRequest(filter=look.filter, order_by=look.order, page_size=1)
        try:  # asked alone its places are those of what was written
            await audit.answer(request, stub.ListDecisions, alone)
        except grpc.aio.AioRpcError as again:
            error = again
        problem = problem_of(error, language_in(request))
        mistake = mistake_in(look.filter, problem.mistakes)
        return _page(request, look, problem=None if mistake else problem, mistake=mistake)

    @get("/decisions/fields", right=Right.SEE, include_in_schema=False)
    async def fields(request: Asked) -> Response[Any]:
        """What filters may name, for completion."""
        asked = filters_pb2.DescribeFiltersRequest(language_code=language_in(request))
        return await audit.ask(request, stub.DescribeFilters, asked, defaults=True)

    return [
        *(listed, fields),
        *decision_counts.handlers(parts),
        *decision_tail.handlers(parts),
        *decision_views.handlers(parts),
        *decision_export.handlers(parts),
        *decision_columns.handlers(parts),
        *decision_beside.handlers(parts),
        *decision.handlers(parts),
    ]


def _page(
    request: Asked,
    look: Look,
    *,
    found: audit_service_pb2.ListDecisionsResponse | None = None,
    problem: Problem | None = None,
    mistake: Mistake | None = None,
) -> Response[str]:
    next_page = found.next_page_token if found is not None else ""
    return page(
        request,
        _TEMPLATE,
        status=HTTPStatus.OK if found is not None else HTTPStatus.UNPROCESSABLE_ENTITY,
        headers={"hx-push-url": look.path(page=look.page)},
        look=look,
        terms=terms(look.filter) if mistake is None else (),
        found=found,
        next_path=look.path(page=next_page) if next_page else "",
        problem=problem,
        mistake=mistake,
        spans=(*SPANS, ALL),
        orders=ORDERS if look.order in ORDERS else (*ORDERS, look.order),
        columns=COLUMNS,
        columns_in_order=(*look.columns, *(name for name in COLUMNS if name not in look.columns)),
    )


PAGE: Final = Page("decisions", {**TEXTS, **decision_texts.TEXTS}, handlers, icon="list-filter")
