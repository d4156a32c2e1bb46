"""Routes with the split of their calls, and models with their versions."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.assignment import BASIS_POINTS
from gateway.core.errors import Reason
from gateway.core.policy.serving import Route
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.models.sides import document_of, known, tenants_of
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.viewer import viewer_of
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.control.filters import is_
from services.control.routes import RouteShown, models_of, routes_of
from services.control.splitting import SplitWrong, edits_of, weights_in
from services.control.traffic import Traffic
from services.control.undone import Undone

OF_WEIGHT = "weight:"
"""What the names of a form's fields begin with; the arm follows."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of these pages."""
    traffic = Traffic(parts.audit.stub, clock_ms=parts.clock_ms)

    @get("/models", right=Right.SEE, include_in_schema=False)
    async def routes(request: Asked) -> Response[str]:
        return page(request, "models/routes.html", **_routes(parts), counted={})

    @get("/models/traffic", right=Right.SEE, include_in_schema=False)
    async def routed(request: Asked) -> Response[str]:
        """The same routes, with how many calls each arm served of late."""
        values, tenants = _routes(parts), tenants_of(request, parts)
        found = await asyncio.gather(
            *(traffic.by("arm", tenants, is_("route", each.name)) for each in values["routes"])
        )
        counted = {each.name: count for each, count in zip(values["routes"], found, strict=True) if count is not None}
        return page(request, "models/routes.html", fragment="list", **values, counted=counted)

    @get("/models/versions", right=Right.SEE, include_in_schema=False)
    async def versions(request: Asked) -> Response[str]:
        document, tenants = document_of(parts), tenants_of(request, parts)
        models = models_of(document) if document else ()
        found = await asyncio.gather(
            *(traffic.by("model_version", tenants, is_("model", each.name)) for each in models)
        )
        counted = {each.name: count for each, count in zip(models, found, strict=True) if count is not None}
        judged = await parts.operations.reviews.evaluations(tenants)
        return page(request, "models/versions.html", **known("versions"), models=models, counted=counted, judged=judged)

    return [routes, routed, versions, *_weighing(parts)]


def _weighing(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/models/routes/{route:str}", right=Right.SEE, include_in_schema=False)
    async def weights(request: Asked, route: FromPath[str]) -> Response[str]:
        return _form(request, parts, route)

    @post("/models/routes/{route:str}", right=Right.POLICY_WRITE, include_in_schema=False)
    async def change(request: Asked, route: FromPath[str]) -> Response[Any]:
        """Writes the weights into a new draft, which then goes the way of every policy."""
        form, found, t = await form_of(request), _found(parts, route), texts_of(request)
        before = {arm.name: arm.weight for arm in found.arms}
        typed = {arm: field_of(form, f"{OF_WEIGHT}{arm}") for arm in before}
        try:
            edits = edits_of(route, before, after := weights_in(typed))
            if not edits:
                return _form(request, parts, route, typed=typed, error=t("models-weights-same"))
            title = t("models-weights-title", route=route, weights=_told(after))
            draft = await parts.drafts.begin(title, edits, who=principal_of(request))
        except SplitWrong as wrong:
            error = t(f"models-weights-{wrong.code}", arm=wrong.arm, percent=wrong.percent)
            return _form(request, parts, route, typed=typed, error=error, arm=wrong.arm)
        except (EditRefused, DraftProblem) as refused:
            error = refused.said(viewer_of(request).language)
            return _form(request, parts, route, typed=typed, error=error)
        return go_to(request, f"/policy/drafts/{draft}/review", say=t("models-weights-drafted"))

    return [weights, change]


def _routes(parts: Parts) -> dict[str, Any]:
    document = document_of(parts)
    return {**known("routes"), "routes": routes_of(document) if document else ()}


def _found(parts: Parts, name: str) -> Route:
    document = document_of(parts)
    for route in document.routes if document else ():
        if route.name == name:
            return route
    raise Undone(Reason.NOT_FOUND, "route-none", name=name)


def _form(
    request: Asked, parts: Parts, name: str, *, typed: Mapping[str, str] | None = None, error: str = "", arm: str = ""
) -> Response[str]:
    route = _found(parts, name)
    shown: RouteShown = next(each for each in _routes(parts)["routes"] if each.name == name)
    document = document_of(parts)
    rollouts = document.rollouts if document else ()
    moving = next((each for each in rollouts if each.route == name and each.state != "completed"), None)
    return page(
        request,
        "models/weights.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        **known("routes"),
        route=shown,
        weights={each.name: each.weight / BASIS_POINTS for each in route.arms},
        typed=typed or {each.name: f"{each.weight / 100:g}" for each in route.arms},
        candidate=moving.arm if moving else "",
        error=error,
        wrong=arm,
    )


def _told(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{arm} {weight / 100:g} %" for arm, weight in weights.items())
