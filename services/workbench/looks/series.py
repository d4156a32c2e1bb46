"""Histograms by hour of what is measured of calls: by agent, version and measure, out of the columns."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.drift.histograms import Histogram
from services.workbench.columns.source import Source
from services.workbench.columns.sums import GRID
from services.workbench.looks.spans import HOUR_MS, VERSION

CALLS: Final = "admitted.operation <> '' AND NOT admitted.standby AND NOT admitted.repeats"
"""Calls of their own: described ones, neither another arm of a call nor a repeat of one."""


COST: Final = "cost"
"""Name of the measures of what calls really cost, such as tokens: one for each budget."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured of a call."""

    name: str
    value: str
    """In SQL, of the tables `admitted` and, where the call has ended, `settled`."""
    numbers: bool = False
    """Whether it has numbers; else names."""
    only: str = "true"
    """Of which calls."""
    field: str = ""
    """As filters name it, where a name of it can be filtered by."""
    also: str = ""
    """In SQL, what else is joined; `$of` is `of`."""
    of: str = ""
    """Of which of several: of costs the budget, of what calls were decided by the name as conditions write it."""
    sealed: bool = False
    """Whether it comes from sums of what is sealed: by its value no decision is found."""

    @property
    def key(self) -> str:
        """What tells it from all others of the same customers."""
        return " ".join([self.name, *([self.of] if self.of else []), *([] if self.numbers else ["words"])])


MEASURES: Final = (
    Measure(name="verdict", value="concat(verdict, if(admitted.reason = '', '', ' '), admitted.reason)"),
    Measure(name="status", value="settled.status", only="settled.status IS NOT NULL", field="status"),
    Measure(name="method", value="method", field="method"),
    Measure(name="channel", value="channel", only="channel <> ''", field="channel"),
    Measure(name="category", value="category", only="category <> ''", field="category"),
    Measure(name="latency", value="settled.upstream_us", numbers=True, only="settled.upstream_us > 0"),
    Measure(name="request-size", value="request_bytes", numbers=True, only="request_bytes > 0"),
    Measure(name="response-size", value="settled.response_bytes", numbers=True, only="settled.response_bytes > 0"),
)
MOST_BUDGETS: Final = 20
"""Whose costs are looked at: those that most calls have."""
_BUDGETS: Final = """SELECT name, count(*) AS calls FROM spent
 GROUP BY name ORDER BY calls DESC, name LIMIT $most"""
_SPENT: Final = "JOIN spent ON spent.id = admitted.id AND spent.name = $of"
_ASKED: Final = """SELECT tenant, agent, version, at_hour, value, count(*) AS calls FROM (
  SELECT tenant, agent, {version} AS version,
    admitted.at_ms // {part_ms} AS at_hour, {value} AS value
  FROM admitted LEFT JOIN settled ON settled.id = admitted.id {also}
  WHERE {calls} AND ({only}) AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms)
 GROUP BY ALL ORDER BY tenant, agent, version, at_hour, value"""


class Served(msgspec.Struct, frozen=True, order=True):
    """Whose calls: one version of one agent of a tenant; by one method or by all, about one segment or all."""

    tenant: str
    agent: str
    version: str
    method: str = ""
    """Empty: all that they were calls of."""
    segment: str = ""
    """Of which customers; empty: of all."""


def costs(columns: Source) -> tuple[Measure, ...]:
    """The measures of what calls cost, by budget."""
    return tuple(
        Measure(name=COST, value="spent.amount", numbers=True, also=_SPENT, of=str(name))
        for name in columns.asked(_BUDGETS, {"most": MOST_BUDGETS})["name"]
    )


def hours_of(
    columns: Source, measure: Measure, *, start_hour: int, end_hour: int, parts: int = 1
) -> Mapping[Served, Mapping[int, Histogram]]:
    """What was measured in hours since the epoch, up to and without `end_hour`.

    With `parts` each hour is parted into so many, counted since the epoch.
    """
    text = _ASKED.format(
        version=VERSION,
        value=measure.value,
        only=measure.only,
        calls=CALLS,
        also=measure.also,
        part_ms=HOUR_MS // parts,
    )
    span: dict[str, object] = {"start_ms": start_hour * HOUR_MS, "end_ms": end_hour * HOUR_MS}
    found = columns.asked(text, span | joined(measure))
    return _histograms(found, numbers=measure.numbers) if found["calls"].size else {}


def joined(measure: Measure) -> dict[str, object]:
    """Values for what else is joined."""
    return {"of": measure.of} if measure.also else {}


def _histograms(found: Mapping[str, NDArray[Any]], *, numbers: bool) -> Mapping[Served, Mapping[int, Histogram]]:
    """Of rows that are in order. There are as many histograms as series have hours, so all that can is done at once."""
    grid, keys, counts = None, found["value"], found["calls"].astype(np.float64)
    if numbers:
        grid, keys = GRID, GRID.cells(np.asarray(keys, dtype=np.float64))
    else:
        keys = np.asarray(keys, dtype=np.str_)
    ours = _begins(*(found[name] for name in ("tenant", "agent", "version")))
    hours = ours | _begins(found["at_hour"])
    cells = np.flatnonzero(hours | _begins(keys))
    keys, counts = keys[cells], np.add.reduceat(counts, cells)
    at_hours, starts = found["at_hour"][cells], np.flatnonzero(hours[cells]).tolist()
    of: dict[Served, dict[int, Histogram]] = {}
    its: dict[int, Histogram] = {}
    for start, end in pairwise([*starts, cells.size]):
        at = cells[start]
        if ours[at]:
            its = of.setdefault(Served(*(found[name][at] for name in ("tenant", "agent", "version"))), {})
        its[int(at_hours[start])] = Histogram(grid, keys[start:end], counts[start:end])
    return of


def _begins(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """The rows that differ from the one before, the first one included."""
    new = np.ones(columns[0].size, dtype=np.bool_)
    new[1:] = np.logical_or.reduce([values[1:] != values[:-1] for values in columns])
    return new
