"""The page *Targeting*: who is contacted too much or never, by segment, why, and what could be tried against it."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console import formats
from services.control.console.page import Page, Parts
from services.control.console.rendering import page, texts_of
from services.control.console.texts.targeting import TEXTS
from services.control.console.viewer import viewer_of
from services.control.findings.targeting import Correction, SkewShown

_STANDINGS: Final = {
    "MORE": ("deny", "triangle-alert"),
    "LESS": ("allow", "check"),
    "NOT_PROVEN": ("", "circle-help"),
    "TOO_FEW": ("", "circle-help"),
}


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/targeting", right=Right.SEE, include_in_schema=False)
    async def targeting(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        language, say = viewer_of(request).language, texts_of(request)
        found = await parts.operations.targeting.of(tenants)
        return page(
            request,
            "targeting/targeting.html",
            targetings=[
                (
                    each,
                    formats.milliseconds(each.start_time),
                    formats.milliseconds(each.end_time),
                    [one for one in each.skews if one.question == "much"],
                    [one for one in each.skews if one.question == "never"],
                )
                for each in found
            ],
            several=len(parts.policy.tenants) > 1,
            standings=_STANDINGS,
            ratio=lambda skew: _ratio(skew, say, language),
            cause=lambda skew: _cause(skew, say, language),
            path=_path,
        )

    return [targeting]


def _path(correction: Correction) -> str:
    return "/what-if?" + urlencode(correction.fields)


def _ratio(skew: SkewShown, say: Any, language: str) -> str:
    """How many times as often as among all others, with its interval."""
    if skew.standing == "TOO_FEW":
        return str(say("targeting-few"))
    low, high = (
        "" if each is None else formats.number(each, 1, language=language) for each in (skew.ratio_low, skew.ratio_high)
    )
    if skew.ratio is None or not high:
        return str(say("targeting-at-least", low=low))
    return str(say("targeting-ratio", value=formats.number(skew.ratio, 1, language=language), low=low, high=high))


def _cause(skew: SkewShown, say: Any, language: str) -> str:
    """Who or what brings it about, and how much of it."""
    cause = skew.cause
    if cause is None:
        return ""
    values = {
        name: formats.number(each, language=language) for name, each in (("part", cause.part), ("whole", cause.whole))
    }
    if cause.share_low is not None and cause.share_high is not None:
        low, high = (formats.percent(each, language=language) for each in (cause.share_low, cause.share_high))
        values["share"] = str(say("targeting-share", low=low, high=high))
    else:
        values["share"] = str(say("targeting-share-few"))
    if cause.agent:
        key = "targeting-agent-campaign" if cause.campaign else "targeting-agent"
        return str(say(key, agent=cause.agent, campaign=cause.campaign, **values))
    if not cause.reason:
        return str(say("targeting-untried", **values))
    return str(say("targeting-refused", rule=cause.rule or cause.reason, reason=cause.reason, **values))


PAGE: Final = Page("targeting", TEXTS, handlers, icon="crosshair")
"""Says what copilots should look into, and leads to what-if."""
