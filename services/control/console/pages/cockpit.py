"""The page *Cockpit*: what a copilot is judged by, each number with its interval, n and the decisions it is of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.core import texts
from services.cockpit import texts as kpi_texts
from services.cockpit import wording
from services.cockpit.dimensions import DIMENSIONS
from services.cockpit.measures import BY_NAME, BY_PART, MEASURES
from services.cockpit.viewing import Part, Span, View, date_of
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.rendering import page, texts_of
from services.control.console.texts.cockpit import TEXTS
from services.control.console.viewer import viewer_of
from services.control.decisions.looking import ALL as EVER
from services.control.decisions.looking import Look
from services.control.undone import Undone

DAY_MS: Final = 86_400_000
_SCALES: Final = {"share": 100.0, "money": 0.01}
"""In percent, and in whole units of the currency; all else as it is."""


class Cell(msgspec.Struct, frozen=True):
    """A number as it stands on the page."""

    said: str
    path: str
    """Of its decisions."""
    interval: str = ""
    n: int = 0
    revised: str = ""
    sufficient: bool = True


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/cockpit", right=Right.SEE, include_in_schema=False)
    async def cockpit(request: Asked) -> Response[str]:
        given = request.query_params
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        tenant = given.get("tenant", "")
        asked = (tenant,) if tenant in tenants else tenants[:1]
        by = given.get("by", "")
        by = by if by in DIMENSIONS else DIMENSIONS[0]
        book, problem = parts.operations.kpis, ""
        language = viewer_of(request).language
        try:
            span = book.span(given.get("from", ""), given.get("to", ""))
        except Undone as undone:
            span, problem = book.span("", ""), undone.said(language)
        found = await book.of(asked, span, by=by)
        return page(
            request,
            "cockpit/cockpit.html",
            tenants=tenants,
            tenant=asked[0] if asked else "",
            by=by,
            dimensions=DIMENSIONS,
            first=date_of(span.first),
            last=date_of(span.last),
            problem=problem,
            measures=[each.name for each in MEASURES],
            columns=BY_PART,
            **(_shown(found[0], language, texts_of(request)) if found else {"view": None}),
        )

    return [cockpit]


def _shown(view: View, language: str, say: Any) -> Mapping[str, Any]:
    rates = ", ".join(f"1 {name} = {rate}" for name, rate in sorted(view.rates.items()))
    return {
        "view": view,
        "rates": rates,
        "apart": [
            (currency, n, wording.money(cents, currency=currency, language=language))
            for currency, (n, cents) in sorted(view.apart.items())
        ],
        "whole": _cells(view.whole, view.currency, language),
        "rows": [(each, _cells(each, view.currency, language)) for each in view.parts],
        "course": [(_named(each.span), each, _cells(each, view.currency, language)) for each in view.course],
        "charts": [(name, made) for name in BY_NAME if (made := _chart(view, name, say)) is not None],
    }


def _cells(part: Part, currency: str, language: str) -> Mapping[str, Cell]:
    return {name: _cell(part, name, currency, language) for name in part.numbers}


def _cell(part: Part, name: str, currency: str, language: str) -> Cell:
    number = part.numbers[name]
    day = texts.day(number.revised.at_ms, language=language) if number.revised else ""
    return Cell(
        wording.said(name, number, currency=currency, language=language),
        Look(filter=number.filter, since=EVER).path(),
        wording.interval_of(name, number, currency=currency, language=language),
        number.figure.n,
        wording.revised(name, number, day=day, currency=currency, language=language),
        number.figure.sufficient,
    )


def _named(span: Span) -> tuple[int, int]:
    """First and last day, in milliseconds since the epoch."""
    return span.first * DAY_MS, span.last * DAY_MS


def _chart(view: View, name: str, say: Any) -> Mapping[str, Any] | None:
    """The KPI and its interval over time, as `assets/src/chart.js` takes it; none of fewer than two points."""
    figures = [each.numbers[name].figure for each in view.course]
    if sum(each.sufficient for each in figures) < 2:
        return None
    unit = BY_NAME[name].unit
    scale = _SCALES.get(unit, 1.0)
    columns = [
        [None if (value := getattr(each, end)) is None else value * scale for each in figures]
        for end in ("value", "low", "high")
    ]
    labels = (say(f"kpi-{name}"), say("cockpit-low"), say("cockpit-high"))
    return {
        "kind": "band",
        "unit": {"share": " %", "money": f" {view.currency}"}.get(unit, ""),
        "data": {
            "at": [each.span.first * DAY_MS for each in view.course],
            "series": [
                {"label": label, "colour": "accent", "values": values}
                for label, values in zip(labels, columns, strict=True)
            ],
        },
    }


PAGE: Final = Page("cockpit", {**kpi_texts.TEXTS, **TEXTS}, handlers, icon="trending-up")
"""What a copilot steers by."""
