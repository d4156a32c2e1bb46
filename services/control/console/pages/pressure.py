"""The page *Pressure*: how often customers are contacted, what that costs, and which agents add it."""

from collections.abc import Callable, Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.pages.finding_picture_parts import Words
from services.control.console.rendering import page, texts_of
from services.control.console.texts.pressure import TEXTS
from services.control.console.viewer import viewer_of
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
_SHARES: Final = frozenset({"never", "over", "capped"})
"""Of 1; the others are counts, or have a unit of their own."""
Say = Callable[[float], str]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/pressure", right=Right.SEE, include_in_schema=False)
    async def pressure(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        words = Words(texts_of(request), viewer_of(request).language)
        return page(
            request,
            "pressure/pressure.html",
            pressures=[each for each in await parts.operations.pressure.of(tenants) if each.channels],
            several=len(parts.policy.tenants) > 1,
            standings=_STANDINGS,
            fatigues=_FATIGUES,
            rate=lambda number: _said(words, number, words.number),
            share=lambda number: _said(words, number, words.percent),
            percent=words.percent,
            figures=lambda channel: _figures(words, channel),
        )

    return [pressure]


def _figures(words: Words, channel: PressureChannel) -> list[tuple[str, str]]:
    counts = (("people", channel.people), ("contacts", channel.contacts))
    return [
        *((words.say(f"pressure-{name}"), words.number(count)) for name, count in counts),
        *(
            (words.say(f"pressure-{name}"), _said(words, number, words.percent if name in _SHARES else words.number))
            for name, number in channel.numbers
        ),
    ]


def _said(words: Words, number: PressureNumber | None, say: Say) -> str:
    """A number with its interval, or that there are too few to say it."""
    if number is None:
        return words.say("pressure-few")
    if number.high is None:
        return words.say("pressure-at-least", value=say(number.value), low=say(number.low))
    return words.say("pressure-interval", value=say(number.value), low=say(number.low), high=say(number.high))


PAGE: Final = Page("pressure", TEXTS, handlers, icon="gauge")
