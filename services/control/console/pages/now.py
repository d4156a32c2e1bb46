"""The page *Now*: what happens at this moment, as it is when somebody asks, and then every second."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import ServerSentEvent

from gateway.core.errors import Reason
from gateway.core.reason_texts import REASONS
from gateway.core.texts import LANGUAGES
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.formats import percent
from services.control.console.page import Page, Parts
from services.control.console.rendering import blocks, page, texts_of
from services.control.console.texts.now import TEXTS
from services.control.console.viewer import viewer_of
from services.control.live.following import Event
from services.control.live.gathering import said
from services.control.live.now import Now, Series
from services.control.live.scope import Scope, scope_of
from services.control.texts import say

_LIVE: Final = ("notes", "figures", "tables")
"""Blocks of the template that change."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/now", right=Right.SEE, include_in_schema=False)
    async def now(request: Asked, *, tenant: FromQuery[str] = "") -> Response[str]:
        scope = scope_of(principal_of(request), tenant=tenant)
        found = await parts.following.gathering.now(scope)
        return page(request, "now/now.html", **_values(request, parts, found, tenant=tenant))

    @get("/now/live", right=Right.SEE, include_in_schema=False, media_type="text/event-stream")
    async def live(request: Asked, *, tenant: FromQuery[str] = "") -> ServerSentEvent:
        scope = scope_of(principal_of(request), tenant=tenant)
        language, tenants = viewer_of(request).language, _tenants(request, parts)

        def render(found: Now) -> tuple[Event, ...]:
            values = _values(request, parts, found, tenant=tenant)
            regions = blocks(request, "now/now.html", _LIVE, **values)
            told = {"regions": regions, "series": values["series"], "called": values["called"]}
            return (Event(data=msgspec.json.encode(told).decode(), event="now"),)

        return ServerSentEvent(await parts.following.follow(scope, render, alike=("page", language, tenants)))

    return [now, live]


def _values(request: Asked, parts: Parts, found: Now, *, tenant: str) -> dict[str, Any]:
    """What the template is filled with; of `found` the texts are still keys."""
    language = viewer_of(request).language
    t = texts_of(request)
    traffic = found.traffic
    return {
        "now": said(found, lambda key: say(key, language=language)),
        "tenant": tenant,
        "tenants": _tenants(request, parts),
        "called": traffic is None or traffic.ever_called,
        "rates": _totals(traffic.seconds) if traffic else (),
        "series": _series(found),
        "ms": _ms,
        "in_words": lambda reason: _reason(reason, language),
        "names": lambda parts: ", ".join(t(f"now-part-{each.part}") for each in parts),
        "promised": lambda target: _promised(target, language),
        "linked": _linked(request),
    }


def _tenants(request: Asked, parts: Parts) -> tuple[str, ...]:
    """Those that whoever looks may choose among."""
    return Scope(principal_of(request).tenants(Right.SEE)).among(parts.policy.tenants)


def _series(found: Now) -> str:
    """What charts are drawn from: seconds since the epoch, and calls a second by verdict."""
    if found.traffic is None:
        return "{}"
    told = {"seconds": _drawn(found.traffic.seconds), "minutes": _drawn(found.traffic.minutes)}
    return msgspec.json.encode(told).decode()


def _drawn(series: Series) -> dict[str, Any]:
    lines = (series.allow, series.deny, series.hold, series.defer)
    rates = [[count / series.step_seconds for count in line] for line in lines]
    return {"start": series.start_time.timestamp(), "step": series.step_seconds, "lines": rates}


def _totals(series: Series) -> tuple[int, ...]:
    return tuple(map(sum, zip(series.allow, series.deny, series.hold, series.defer, strict=True)))


def _reason(reason: str, language: str) -> str:
    """A reason in words; itself, where a later version has written it."""
    known = REASONS.get(Reason(reason)) if reason in Reason.__members__ else None
    text = known[LANGUAGES.index(language)] if known else reason
    return text[:1].upper() + text[1:]


def _promised(target: float, language: str) -> str:
    """Percent with as many digits as they were written with."""
    return percent(target / 100, len(f"{target:g}".partition(".")[2]), language=language)


def _linked(request: Asked) -> Callable[[str], bool]:
    """Whether there is a page of that name."""
    names = {section.name for section in request.app.template_engine.engine.globals["sections"]}  # type: ignore[union-attr]
    return names.__contains__


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1_000)


PAGE: Final = Page("now", TEXTS, handlers, icon="activity")
