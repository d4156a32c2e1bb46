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
from services.control.objectives import ObjectiveShown, WatchedShown
from services.findings.objectives import named
from services.findings.wording import amount

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
            alerts=lambda each: _alerts(words, each, language),
            filter_of=lambda each: is_("objective", each.name.removeprefix("objectives/")),
            percent=words.percent,
            epoch=lambda moment: int(moment.timestamp() * 1000),
        )

    return [objectives]


def _alerts(words: Words, shown: ObjectiveShown, language: str) -> list[tuple[str, str]]:
    """What is proven to be at risk, in words, and the path of its finding."""
    return [
        (_alert(words, each, shown, language), f"/{each.finding}")
        for each in shown.watched
        if each.risk_time is not None
    ]


def _alert(words: Words, each: WatchedShown, shown: ObjectiveShown, language: str) -> str:
    def said(value: float) -> str:
        currency = shown.budget.currency if each.part == "budget" else ""
        return amount(value, measure=each.measure, currency=currency, language=language).strip()

    told = each.end if each.part != "guardrail" and each.end is not None else each.now
    key = f"objectives-risk-{each.part if each.end or each.part == 'guardrail' else f'{each.part}-now'}"
    ends = {"low": said(told.low), "high": said(told.high)} if told is not None else {}
    measure = named(each.measure, language=language)
    values = {"measure": measure, "limit": said(each.limit), "n": words.number(each.sample_size), **ends}
    return words.say(key, **values)


PAGE: Final = Page("objectives", TEXTS, handlers, icon="flag")
