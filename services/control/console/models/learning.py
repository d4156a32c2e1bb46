"""Experiments with their intervals as they came about, and who is held out."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.console.formats import milliseconds
from services.control.console.models.sides import document_of, known, tenants_of
from services.control.console.page import Parts
from services.control.console.rendering import page, texts_of
from services.control.experiments_shown import ExperimentStanding, LookShown, MeasureShown
from services.control.filters import is_
from services.control.routes import holdouts_of
from services.control.traffic import Traffic

SHARES: Final = "_rate"
"""Measures whose names end so are shares of 0 to 1, and shown as percents."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of these pages."""
    traffic = Traffic(parts.audit.stub, clock_ms=parts.clock_ms)

    @get("/models/experiments", right=Right.SEE, include_in_schema=False)
    async def experiments(request: Asked) -> Response[str]:
        found = parts.operations.experiments.list()
        return page(request, "models/experiments.html", **known("experiments"), experiments=found)

    @get("/models/experiments/{name:str}", right=Right.SEE, include_in_schema=False)
    async def experiment(request: Asked, name: FromPath[str]) -> Response[str]:
        found = await parts.operations.experiments.get(name, tenants_of(request, parts))
        return page(
            request,
            "models/experiment.html",
            **known("experiments"),
            experiment=found,
            subjects=_least(found),
            shares=_shares(found),
            finite=_finite,
            is_share=is_share,
        )

    @get("/models/experiments/{name:str}/looks", right=Right.SEE, include_in_schema=False)
    async def looks(request: Asked, name: FromPath[str]) -> Response[str]:
        """The intervals over time: summed up once for each look, so they come after the page."""
        found = await parts.operations.experiments.get(name, tenants_of(request, parts), looks=True)
        t = texts_of(request)
        labels = (t("models-difference"), t("models-from"), t("models-to"))
        charts = [(line, chart_of(found, line, labels)) for line in found.now.measures]
        return page(
            request, "models/looks.html", **known("experiments"), experiment=found, charts=charts, is_share=is_share
        )

    @get("/models/holdouts", right=Right.SEE, include_in_schema=False)
    async def holdouts(request: Asked) -> Response[str]:
        document, tenants = document_of(parts), tenants_of(request, parts)
        found = holdouts_of(document) if document else ()
        people = await asyncio.gather(*(traffic.people(tenants, is_("holdout", each.name)) for each in found))
        met = await asyncio.gather(*(traffic.people(tenants, is_("holdout_checked", each.name)) for each in found))
        rows = list(zip(found, people, met, strict=True))
        return page(request, "models/holdouts.html", **known("holdouts"), rows=rows)

    return [experiments, experiment, looks, holdouts]


def is_share(measure: str) -> bool:
    """Whether a measure is a share of 0 to 1."""
    return measure.endswith(SHARES)


def chart_of(experiment: ExperimentStanding, line: MeasureShown, labels: Sequence[str]) -> dict[str, Any]:
    """The interval of one measure of one variation at each look, as `assets/src/chart.js` takes it."""
    looks = [*experiment.looks, experiment.now]
    times = 100 if is_share(line.measure) else 1
    found = [_line(look, line) for look in looks]
    colours = ("accent", "accent", "accent")
    columns = [
        [_scaled(getattr(each, name) if each else None, times) for each in found]
        for name in ("difference", "low", "high")
    ]
    series = [
        {"label": label, "colour": colour, "values": values}
        for label, colour, values in zip(labels, colours, columns, strict=True)
    ]
    at = [milliseconds(look.end_time) for look in looks]
    unit = " pt" if times > 1 else ""
    return {"kind": "band", "unit": unit, "data": {"at": at, "series": series}}


def _line(look: LookShown, wanted: MeasureShown) -> MeasureShown | None:
    same = (each for each in look.measures if (each.variation, each.measure) == (wanted.variation, wanted.measure))
    return next(same, None)


def _scaled(value: float | None, times: int) -> float | None:
    return value * times if _finite(value) and value is not None else None


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _least(experiment: ExperimentStanding) -> int:
    """People of the smallest variation."""
    return min((each.subjects for each in experiment.now.counts), default=0)


def _shares(experiment: ExperimentStanding) -> dict[str, float]:
    """Of 1: which share of the people each variation has got."""
    total = sum(each.subjects for each in experiment.now.counts)
    return {each.variation: each.subjects / total for each in experiment.now.counts} if total else {}
