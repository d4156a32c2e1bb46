"""The pages about reviews as a whole: what they tell, and the rules that they follow."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.console.forms import read, texts_in
from services.control.console.page import Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.viewer import viewer_of
from services.control.preconditions import Unmatched, match_in
from services.control.reviews.desk import etag_of
from services.control.undone import Undone
from services.reviews.rules import MOST_PER_HOUR, ReviewRules

FIELDS: Final = (
    ("random", 0.0, 1.0, 0.0001),
    ("risk", 0.0, 1.0, 0.001),
    ("disagreement", 0.0, 1.0, 0.001),
    ("known", 0.0, 0.5, 0.01),
    ("mostPerHour", 1, MOST_PER_HOUR, 1),
    ("reviewers", 1, 2, 1),
    ("dueHours", 1, 720, 1),
    ("leastKappa", 0.0, 1.0, 0.01),
    ("leastCaught", 0.01, 0.99, 0.01),
    ("mostWrong", 0.001, 0.999, 0.001),
)
"""As the form has them: name, least, most and step."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of that."""
    return [_numbers(parts), *_rules(parts)]


def _numbers(parts: Parts) -> HTTPRouteHandler:
    @get("/reviews/numbers", right=Right.SEE, include_in_schema=False)
    async def told(request: Asked) -> Response[str]:
        who = principal_of(request)
        tenants, tenant = _chosen(request, parts)
        found = await parts.operations.reviews.numbers(tenant)
        everybody = who.may(Right.REVIEW_RULES, tenant)
        return page(
            request,
            "reviews/numbers.html",
            tenant=tenant,
            tenants=tenants,
            told=found.numbers,
            waiting=found.waiting,
            overdue=found.overdue,
            reviewers=[each for each in found.numbers.each if everybody or each.reviewer == who.name],
        )

    return told


def _rules(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.reviews

    @get("/reviews/rules", right=Right.SEE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        tenants, tenant = _chosen(request, parts)
        return _page(request, tenant, tenants, await desk.rules(tenant))

    @post("/reviews/rules", right=Right.REVIEW_RULES, include_in_schema=False)
    async def change(request: Asked) -> Response[Any]:
        texts = {name: some[0].strip() for name, some in texts_in(await request.form()).items()}
        tenant = texts.get("tenant", "")
        ruled(principal_of(request), Right.REVIEW_RULES, parts.policy.tenants, tenant)
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        before = await desk.rules(tenant)
        try:
            numbers = {name: [texts[name].replace(",", ".")] for name, *_ in FIELDS if texts.get(name)}
            rules = read(numbers, ReviewRules)
            match = match_in(texts.get("etag", ""), field="etag")
            await desk.set_rules(tenant, rules, who=principal_of(request), match=match)
        except (Undone, Unmatched) as undone:
            said, field = undone.said(viewer_of(request).language), undone.field
            return _page(request, tenant, tenants, before, given=texts, error=said, field=field)
        return go_to(request, f"/reviews/rules?tenant={tenant}", say=texts_of(request)("reviews-said-rules"))

    return [shown, change]


def _page(
    request: Asked,
    tenant: str,
    tenants: Sequence[str],
    rules: ReviewRules,
    *,
    given: dict[str, str] | None = None,
    error: str = "",
    field: str = "",
) -> Response[str]:
    values = {**msgspec.to_builtins(rules), **(given or {})}
    return page(
        request,
        "reviews/rules.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        tenant=tenant,
        tenants=tenants,
        fields=[(name, values[name], low, high, step) for name, low, high, step in FIELDS],
        etag=etag_of(rules),
        on=rules.random > 0,
        may=bool(tenant) and principal_of(request).may(Right.REVIEW_RULES, tenant),
        error=error,
        field=field,
    )


def _chosen(request: Asked, parts: Parts) -> tuple[tuple[str, ...], str]:
    """The tenants that they see, and the one that they look at; none where no policy is active.

    Raises:
        Undone: NOT_FOUND for one that they do not see.
    """
    tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
    asked = request.query_params.get("tenant", "")
    if asked:
        ruled(principal_of(request), Right.SEE, parts.policy.tenants, asked)
    return tenants, asked or next(iter(tenants), "")
