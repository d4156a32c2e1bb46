"""The page of what reviewers say of a version: how many of its decisions are wrong, and which were judged."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Parts
from services.control.console.rendering import page
from services.control.reviews.shown import name_of
from services.reviews.evaluation import NOTHING
from services.reviews.numbers import WINDOW_MS

MOST_SHOWN = 200


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    desk = parts.operations.reviews

    @get("/reviews/versions", right=Right.SEE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        who, asked = principal_of(request), request.query_params
        model, version = asked.get("model", ""), asked.get("version", "")
        known = parts.policy.tenants
        judged = (await desk.evaluations(tenants_for(who, Right.SEE, known))).get((model, version), NOTHING)
        # Whoever judges could tell by what was settled which answers are known the next time.
        may = who.may(Right.REVIEW_RULES)
        settled = await desk.settled(
            tenants_for(who, Right.REVIEW_RULES, known) if may else (), since_ms=parts.clock_ms() - WINDOW_MS
        )
        own = [each for each in settled if each.known is None and (each.model, each.model_version) == (model, version)]
        items = sorted(own, key=lambda each: (-each.settled_ms, each.id))
        return page(
            request,
            "reviews/version.html",
            model=model,
            version=version,
            judged=judged,
            may=may,
            items=items[:MOST_SHOWN],
            more=max(0, len(items) - MOST_SHOWN),
            name_of=name_of,
        )

    return [shown]
