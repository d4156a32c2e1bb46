"""The page *Pressure*: how often customers are contacted, what that costs, and which agents add it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.rendering import page, texts_of
from services.control.console.texts.pressure import TEXTS
from services.control.console.viewer import viewer_of
from services.findings import wording
from services.findings.pressure import PressureChannel, PressureNumber

_STANDINGS: Final = {
    "SATURATED": ("deny", "triangle-alert"),
    "ON_TARGET": ("allow", "check"),
    "UNDER_SOLICITED": ("defer", "info"),
    "UNKNOWN": ("", "circle-help"),
}
_FATIGUES: Final = {
    "PROVEN": ("deny", "triangle-alert"),
    "ASSOCIATED": ("hold", "info"),
    "NOT_PROVEN": ("", "circle-help"),
    "TOO_FEW": ("", "circle-help"),
}
Say = Callable[[float], str]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/pressure", right=Right.SEE, include_in_schema=False)
    async def pressure(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        language = viewer_of(request).language

        def share(value: float) -> str:
            return wording.percent(value, language=language)

        def plain(value: float) -> str:
            return wording.number(value, language=language)

        return page(
            request,
            "pressure/pressure.html",
            pressures=[each for each in await parts.operations.pressure.of(tenants) if each.channels],
            several=len(parts.policy.tenants) > 1,
            standings=_STANDINGS,
            fatigues=_FATIGUES,
            rate=lambda number: _said(request, number, plain),
            share=lambda number: _said(request, number, share),
            figures=lambda channel: _figures(request, channel, plain=plain, share=share),
        )

    return [pressure]


def _figures(request: Asked, channel: PressureChannel, *, plain: Say, share: Say) -> list[tuple[str, str]]:
    t = texts_of(request)
    counts = ((t("pressure-people"), plain(channel.people)), (t("pressure-contacts"), plain(channel.contacts)))
    numbers: tuple[tuple[str, PressureNumber | None, Say], ...] = (
        ("p50", channel.p50, plain),
        ("p95", channel.p95, plain),
        ("p99", channel.p99, plain),
        ("gini", channel.gini, plain),
        ("never", channel.never, share),
        ("over", channel.over_cap, share),
        ("capped", channel.capped, share),
    )
    return [*counts, *((t(f"pressure-{name}"), _said(request, number, say)) for name, number, say in numbers)]


def _said(request: Asked, number: PressureNumber | None, say: Say) -> str:
    """A number with its interval, or that there are too few to say it."""
    t: Any = texts_of(request)
    if number is None:
        return str(t("pressure-few"))
    if number.high is None:
        return str(t("pressure-at-least", value=say(number.value), low=say(number.low)))
    return str(t("pressure-interval", value=say(number.value), low=say(number.low), high=say(number.high)))


PAGE: Final = Page("pressure", TEXTS, handlers, icon="gauge")
