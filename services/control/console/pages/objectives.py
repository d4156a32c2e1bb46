"""The page *Objectives*: what the policy states that agents are to achieve, and how each of it stands."""

from collections.abc import Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.pages.finding_picture_parts import Words
from services.control.console.rendering import page, texts_of
from services.control.console.texts.objectives import TEXTS
from services.control.console.viewer import viewer_of
from services.control.filters import is_
from services.control.objective_figures import figures, standing

_STATES: Final = {"UPCOMING": ("", "clock"), "RUNNING": ("allow", "check"), "OVER": ("", "check")}


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/objectives", right=Right.SEE, include_in_schema=False)
    async def objectives(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        language = viewer_of(request).language
        words = Words(texts_of(request), language)
        return page(
            request,
            "objectives/objectives.html",
            objectives=await parts.operations.objectives.of(tenants, now_ms=parts.clock_ms()),
            states=_STATES,
            called=lambda each: each.title.get(language) or each.name.removeprefix("objectives/"),
            figures=lambda each: figures(words, each, several=len(parts.policy.tenants) > 1),
            guarded=lambda each: standing(words, each, kpi=each.measure),
            filter_of=lambda each: is_("objective", each.name.removeprefix("objectives/")),
            percent=words.percent,
            epoch=lambda moment: int(moment.timestamp() * 1000),
        )

    return [objectives]


PAGE: Final = Page("objectives", TEXTS, handlers, icon="flag")
