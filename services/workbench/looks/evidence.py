"""What shows a finding: pictures of it, a filter that finds its decisions, and some of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from services.findings.finding import MOST_DECISIONS
from services.insights.drift.bins import cut
from services.insights.drift.histograms import Histogram
from services.insights.drift.seasons import Reference, alike
from services.workbench.columns.database import Columns
from services.workbench.looks.series import Measure, Served, joined
from services.workbench.looks.spans import ID, VERSION, Span, of_version, quoted

_SAMPLED: Final = """SELECT {id} AS id
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id {also}
 WHERE tenant = $tenant AND agent = $agent AND {version} = $version
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms AND ({only})
  AND ($method = '' OR method = $method) AND ($name = '' OR {value} = $name)
 ORDER BY admitted.id LIMIT {most}"""


def shares(reference: Reference, current: Mapping[int, Histogram]) -> list[dict[str, Any]]:
    """Of each bin its name or its bounds, and its share before and now; empty where there are too few values."""
    pair = alike(reference, current)
    bins = None if pair is None else cut(pair.reference, current_size=pair.current.size)
    if pair is None or bins is None:
        return []
    before, now = (bins.counts(each) / max(each.size, 1) for each in (pair.reference, pair.current))
    labels: list[dict[str, Any]]
    if bins.names:
        labels = [{"name": str(each)} for each in bins.edges] + [{"name": "*"}] * bins.others
    else:
        edges = [] if pair.reference.grid is None else pair.reference.grid.centres(bins.edges).tolist()
        bounds = [None, *(each if np.isfinite(each) else None for each in edges), None]
        labels = [{"from": low, "to": high} for low, high in pairwise(bounds)]
    both = zip(labels, before.tolist(), now.tolist(), strict=True)
    return [label | {"before": was, "now": is_} for label, was, is_ in both]


def most_risen(found: Sequence[Mapping[str, Any]]) -> str:
    """The name whose share has risen most; empty where none has, and of numbers."""
    named = [each for each in found if each.get("name", "*") != "*" and each["now"] > each["before"]]
    risen = max(named, key=lambda each: each["now"] - each["before"], default=None)
    return "" if risen is None else str(risen["name"])


def filter_of(served: Served, measure: Measure, name: str, *, span: Span) -> str:
    """Which decisions they are, as `pilote decisions list` takes it; `name` is what is measured of them, if any."""
    parts = [f"tenant = {quoted(served.tenant)}", f"agent = {quoted(served.agent)}"]
    parts += [of_version(served.version)] if served.version else []
    parts += [f"method = {quoted(served.method)}"] if served.method else []
    if name and measure.field:
        parts.append(f"{measure.field} = {quoted(name)}")
    elif name and measure.name == "verdict":
        verdict, _, reason = name.partition(" ")
        parts += [f"verdict = {verdict}", *([f"reason = {quoted(reason)}"] if reason else [])]
    return " AND ".join([*parts, span.filter])


def sampled(columns: Columns, served: Served, measure: Measure, name: str, *, span: Span) -> tuple[str, ...]:
    """Ids of the first of these decisions."""
    value = "''" if measure.numbers else measure.value
    text = _SAMPLED.format(
        id=ID, version=VERSION, also=measure.also, only=measure.only, value=value, most=MOST_DECISIONS
    )
    whose = {"tenant": served.tenant, "agent": served.agent, "version": served.version, "method": served.method}
    values = whose | msgspec.structs.asdict(span) | {"name": name} | joined(measure)
    return tuple(str(each) for each in columns.asked(text, values)["id"])
