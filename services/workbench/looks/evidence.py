"""What shows a finding: pictures of it, a filter that finds its decisions, and some of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from services.findings.finding import MOST_DECISIONS
from services.insights.drift.bins import Bins, cut
from services.insights.drift.histograms import Histogram
from services.insights.drift.seasons import Alike, Reference, alike
from services.workbench.columns.source import Source
from services.workbench.looks.series import Measure, Served, joined
from services.workbench.looks.spans import ID, VERSION, Span, of_version, quoted

_SAMPLED: Final = """SELECT {id} AS id
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id {also}
 WHERE tenant = $tenant AND agent = $agent AND {version} = $version
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms AND ({only})
  AND ($method = '' OR method = $method) AND ($name = '' OR {value} = $name)
 ORDER BY admitted.id LIMIT {most}"""


MOST_NEW: Final = 5
"""Names that were never there before, or hardly ever, of which each is told."""


def shares(reference: Reference, current: Mapping[int, Histogram], *, sealed: bool = False) -> list[dict[str, Any]]:
    """Of each bin its name or its bounds, and its share before and now; empty where there are too few values.

    A name that is new is a bin of its own; where values are sealed, it may be one person's, and only its share is told.
    """
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
    found = [label | {"before": was, "now": is_} for label, was, is_ in both]
    return found + (_new(bins, pair, most=0 if sealed else MOST_NEW) if bins.names and not bins.others else [])


def _new(bins: Bins, pair: Alike, *, most: int) -> list[dict[str, Any]]:
    """Those of names that no bin is for: so many by themselves, those with most values, the rest as one."""
    now, before = (
        dict(zip(each.keys.tolist(), (each.counts / max(each.size, 1)).tolist(), strict=True))
        for each in (pair.current, pair.reference)
    )
    known = set(bins.edges.tolist())
    names = sorted((name for name in now if name not in known), key=lambda name: (-now[name], name))
    found = [{"name": name, "before": before.get(name, 0.0), "now": now[name]} for name in names[:most]]
    rest = names[most:]
    if rest:
        was, is_ = (sum(each.get(name, 0.0) for name in rest) for each in (before, now))
        found.append({"name": "*", "before": was, "now": is_})
    return found


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


def sampled(columns: Source, served: Served, measure: Measure, name: str, *, span: Span) -> tuple[str, ...]:
    """Ids of the first of these decisions."""
    value = "''" if measure.numbers else measure.value
    text = _SAMPLED.format(
        id=ID, version=VERSION, also=measure.also, only=measure.only, value=value, most=MOST_DECISIONS
    )
    whose = {"tenant": served.tenant, "agent": served.agent, "version": served.version, "method": served.method}
    values = whose | msgspec.structs.asdict(span) | {"name": name} | joined(measure)
    return tuple(str(each) for each in columns.asked(text, values)["id"])
