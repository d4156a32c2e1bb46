"""Where sums rest: one row for each histogram, sealed, in the same file as the columns."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from services.insights.drift.histograms import Histogram, total
from services.workbench.columns.measured import Values
from services.workbench.columns.rows import Row
from services.workbench.columns.sums import (
    DAY_MS,
    HOUR_MS,
    KEPT_HOURS,
    Group,
    Person,
    Summing,
    named,
    packed,
    person_of,
    unpacked,
)
from services.workbench.columns.tables import ADMITTED, insert

CREATION: Final = """CREATE TABLE IF NOT EXISTS sums (tenant VARCHAR, agent VARCHAR, version VARCHAR, method VARCHAR,
 segment VARCHAR, measure VARCHAR, field VARCHAR, numbers BOOLEAN, at_hour BIGINT, calls BIGINT, sealed BLOB)"""
_NAMES: Final = ("tenant", "agent", "version", "method", "segment", "measure", "field", "numbers", "at_hour")
_OF: Final = attrgetter(*_NAMES)
_AT: Final = ADMITTED.places
_KNOWN: Final = """SELECT DISTINCT tenant, agent, model, version, method, CAST(subject AS VARCHAR) AS subject,
  at_ms // $day AS day
 FROM admitted WHERE summed AND at_ms >= $from_ms AND subject IN (SELECT CAST(unnest($subjects) AS UUID))"""
_OF_HOURS: Final = f"""SELECT {", ".join(_NAMES)}, calls, sealed FROM sums
 WHERE at_hour IN (SELECT unnest($hours))"""  # noqa: S608 - our own names
_CLEAR: Final = "DELETE FROM sums WHERE at_hour IN (SELECT unnest($hours))"
_INSERT: Final = "INSERT INTO sums SELECT * FROM batch"
TOP: Final = f"""WITH top AS (
  SELECT tenant, agent, version, method, segment, measure, field, numbers, sum(calls) AS calls
  FROM sums WHERE at_hour >= $start AND at_hour < $end GROUP BY ALL HAVING sum(calls) >= $least
  ORDER BY calls DESC, tenant, agent, version, method, segment, measure, field, numbers LIMIT $most)
 SELECT {", ".join(f"sums.{name}" for name in _NAMES)}, sums.sealed FROM sums
 JOIN top USING (tenant, agent, version, method, segment, measure, field, numbers)
 WHERE at_hour >= $start AND at_hour < $end
 ORDER BY ALL"""  # noqa: S608 - our own names
"""In SQL, the sums between two hours: of so many series as `$most`, those with most calls, each with `$least`."""


def known(engine: duckdb.DuckDBPyConnection, rows: Sequence[Row], values: Mapping[str, Values]) -> set[Person]:
    """Who of these decisions' customers counts already."""
    people = [(row, person) for row in rows if str(row[_AT["id"]]) in values and (person := person_of(row))]
    if not people:
        return set()
    from_ms = min(person[-1] for _, person in people) * DAY_MS
    subjects = list({person[-2] for _, person in people})
    found = engine.execute(_KNOWN, {"day": DAY_MS, "from_ms": from_ms, "subjects": subjects}).fetchall()
    return {(tenant, agent, named(model, version), method, subject.replace("-", ""), day)
            for tenant, agent, model, version, method, subject, day in found}  # fmt: skip


def keep(engine: duckdb.DuckDBPyConnection, sums: Mapping[Group, Histogram], *, sealing: Summing) -> None:
    """Add sums to what there is; what can no longer be opened begins anew."""
    if not sums:
        return
    hours = sorted({each.at_hour for each in sums})
    added = dict(sums)
    rows: list[tuple[Any, ...]] = []
    for *names, calls, sealed in engine.execute(_OF_HOURS, {"hours": hours}).fetchall():
        group = Group(*names)
        new = added.pop(group, None)
        if new is None:
            rows.append((*names, calls, sealed))
            continue
        before = opened(group, sealed, sealing=sealing)
        rows.append(_row(group, new if before is None else total((before, new)), sealing))
    rows += [_row(group, histogram, sealing) for group, histogram in added.items()]
    engine.execute(_CLEAR, {"hours": hours})
    names_of = (*_NAMES, "calls", "sealed")
    kinds: Mapping[str, Any] = {"numbers": np.bool_, "at_hour": np.int64, "calls": np.int64}
    batch = {
        name: np.array(column, dtype=kinds.get(name, object))
        for name, column in zip(names_of, zip(*rows, strict=True), strict=True)
    }
    insert(engine, _INSERT, batch)


def forget(engine: duckdb.DuckDBPyConnection, *, now_ms: int) -> None:
    """Delete what is too old to be looked at."""
    engine.execute("DELETE FROM sums WHERE at_hour < ?", [now_ms // HOUR_MS - KEPT_HOURS])


def opened(group: Group, sealed: bytes, *, sealing: Summing) -> Histogram | None:
    """A histogram; `None` where it cannot be opened."""
    clear = sealing.open(bytes(sealed), bound_to=group.bound_to)
    return None if clear is None else unpacked(clear, numbers=group.numbers)


def read(found: Mapping[str, NDArray[Any]], *, sealing: Summing) -> Iterator[tuple[Group, Histogram]]:
    """The sums that a query has found, in its order."""
    columns = [np.asarray(found[name]).tolist() for name in (*_NAMES, "sealed")]
    for *names, sealed in zip(*columns, strict=True):
        group = Group(*names)
        histogram = opened(group, sealed, sealing=sealing)
        if histogram is not None:
            yield group, histogram


def _row(group: Group, histogram: Histogram, sealing: Summing) -> tuple[Any, ...]:
    keys, counts = histogram.keys.tolist(), histogram.counts.tolist()
    sealed = sealing.seal(packed(keys, counts), bound_to=group.bound_to)
    return (*_OF(group), int(sum(counts)), sealed)
