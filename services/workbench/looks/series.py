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
_ASKED: Final = """SELECT tenant, agent, version,
  list(at_hour ORDER BY at_hour, value) AS at_hours, list(value ORDER BY at_hour, value) AS keys,
  list(calls ORDER BY at_hour, value) AS counts
 FROM (SELECT tenant, agent, {version} AS version, admitted.at_ms // {part_ms} AS at_hour, {value} AS value,
    count(*) AS calls
  FROM admitted LEFT JOIN settled ON settled.id = admitted.id {also}
  WHERE {calls} AND ({only}) AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms GROUP BY ALL)
 GROUP BY ALL ORDER BY tenant, agent, version"""
"""A row for each series: there are as many values of some measures as calls, and each would say whose it is."""


class Served(msgspec.Struct, frozen=True, order=True):
    """Whose calls: one version of one agent of a tenant; by one method or by all, about one segment or all."""

    tenant: str
    agent: str
    version: str
    method: str = ""
    """Empty: all that they were calls of."""
    segment: str = ""
    """Of which customers; empty: of all."""


Hours = Mapping[Served, Mapping[int, Histogram]]
"""What was measured of each, by the hour since the epoch."""


def costs(columns: Source) -> tuple[Measure, ...]:
    """The measures of what calls cost, by budget."""
    return tuple(
        Measure(name=COST, value="spent.amount", numbers=True, also=_SPENT, of=str(name))
        for name in columns.asked(_BUDGETS, {"most": MOST_BUDGETS})["name"]
    )


def hours_of(columns: Source, measure: Measure, *, start_hour: int, end_hour: int, parts: int = 1) -> Hours:
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
    whose = map(Served, *(found[name].tolist() for name in ("tenant", "agent", "version")))
    each = zip(found["at_hours"], found["keys"], found["counts"], strict=True)
    return {served: _histograms(*its, numbers=measure.numbers) for served, its in zip(whose, each, strict=True)}


def joined(measure: Measure) -> dict[str, object]:
    """Values for what else is joined."""
    return {"of": measure.of} if measure.also else {}


def _histograms(
    at_hours: NDArray[np.int64], keys: NDArray[Any], counts: NDArray[np.int64], *, numbers: bool
) -> Mapping[int, Histogram]:
    """Of one series, whose values are in order of hours and keys. There are many, so all that can is done at once."""
    grid = GRID if numbers else None
    keys = GRID.cells(np.asarray(keys, dtype=np.float64)) if numbers else np.asarray(keys, dtype=np.str_)
    cells = np.flatnonzero(_begins(at_hours) | _begins(keys))
    sizes = np.add.reduceat(np.asarray(counts, dtype=np.float64), cells)
    keys, at_hours = keys[cells], at_hours[cells]
    starts = np.flatnonzero(_begins(at_hours)).tolist()
    return {
        int(at_hours[start]): Histogram(grid, keys[start:end], sizes[start:end])
        for start, end in pairwise([*starts, cells.size])
    }


def _begins(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where another value begins than the one before, the first one included."""
    new = np.ones(values.size, dtype=np.bool_)
    new[1:] = values[1:] != values[:-1]
    return new
