"""Where sums rest: one row for each sheet, sealed, in the same file as the columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from services.insights.drift.histograms import Histogram
from services.workbench.columns.sums import (
    DAY_MS,
    GRID,
    HOUR_MS,
    KEPT_HOURS,
    Counts,
    Group,
    Kind,
    Packed,
    Person,
    Sheet,
    Summing,
    Sums,
    add,
    named,
    packed,
    unpacked,
)
from services.workbench.columns.tables import insert

CREATION: Final = """CREATE TABLE IF NOT EXISTS sums (tenant VARCHAR, agent VARCHAR, version VARCHAR, method VARCHAR,
 at_hour BIGINT, sealed BLOB)"""
_NAMES: Final = ("tenant", "agent", "version", "method", "at_hour")
_OF: Final = attrgetter(*_NAMES)
_Whose = tuple[str, str, str, str]
_WHOSE: Final[Callable[[Sheet], _Whose]] = attrgetter(*_NAMES[:-1])
_KNOWN: Final = """SELECT DISTINCT tenant, agent, model, version, method, CAST(subject AS VARCHAR) AS subject,
  at_ms // $day AS day
 FROM admitted WHERE summed AND at_ms >= $from_ms AND subject IN (SELECT CAST(unnest($subjects) AS UUID))"""
_OF_HOURS: Final = """SELECT tenant, agent, version, method, at_hour, sealed FROM sums
 WHERE at_hour IN (SELECT unnest($hours))"""
_CLEAR: Final = "DELETE FROM sums WHERE at_hour IN (SELECT unnest($hours))"
_INSERT: Final = "INSERT INTO sums SELECT * FROM batch"
BETWEEN: Final = """SELECT tenant, agent, version, method, at_hour, sealed FROM sums
 WHERE at_hour >= $start AND at_hour < $end ORDER BY ALL"""
"""In SQL, the sheets between two hours."""


def known(engine: duckdb.DuckDBPyConnection, people: Iterable[Person]) -> set[Person]:
    """Which of these count already."""
    asked = list(people)
    if not asked:
        return set()
    from_ms = min(person[-1] for person in asked) * DAY_MS
    subjects = list({person[-2] for person in asked})
    found = engine.execute(_KNOWN, {"day": DAY_MS, "from_ms": from_ms, "subjects": subjects}).fetchall()
    return {(tenant, agent, named(model, version), method, subject.replace("-", ""), day)
            for tenant, agent, model, version, method, subject, day in found}  # fmt: skip


def keep(engine: duckdb.DuckDBPyConnection, sums: Sums, *, sealing: Summing) -> None:
    """Add sums to what there is; what can no longer be opened begins anew."""
    if not sums:
        return
    hours = sorted({each.at_hour for each in sums})
    rows: list[tuple[Any, ...]] = []
    for *names, sealed in engine.execute(_OF_HOURS, {"hours": hours}).fetchall():
        sheet = Sheet(*names)
        if sheet in sums:
            add(sums, {sheet: {each.kind: each.counts for each in opened(sheet, sealed, sealing=sealing)}})
        else:
            rows.append((*names, sealed))
    rows += [(*_OF(each), sealing.seal(packed(kinds), bound_to=each.bound_to)) for each, kinds in sums.items()]
    engine.execute(_CLEAR, {"hours": hours})
    batch = {
        name: np.array(column, dtype=np.int64 if name == "at_hour" else object)
        for name, column in zip((*_NAMES, "sealed"), zip(*rows, strict=True), strict=True)
    }
    insert(engine, _INSERT, batch)


def forget(engine: duckdb.DuckDBPyConnection, *, now_ms: int) -> None:
    """Delete what is too old to be looked at."""
    engine.execute("DELETE FROM sums WHERE at_hour < ?", [now_ms // HOUR_MS - KEPT_HOURS])


def opened(sheet: Sheet, sealed: bytes, *, sealing: Summing) -> Sequence[Packed]:
    """The sums of a sheet; none where it cannot be opened."""
    clear = sealing.open(bytes(sealed), bound_to=sheet.bound_to)
    return () if clear is None else unpacked(clear)


def read(
    found: Mapping[str, NDArray[Any]], *, sealing: Summing, least: int, most: int
) -> Iterator[tuple[Group, Histogram]]:
    """The sums of sheets that a query has found, in its order: of series with `least` values, the `most` largest.

    What is sealed is opened twice, since all of it at once may be too much.
    """
    names = zip(*(np.asarray(found[name]).tolist() for name in _NAMES), strict=True)
    sheets = [(Sheet(*each), sealed) for each, sealed in zip(names, found["sealed"], strict=True)]
    sizes: dict[_Whose, dict[Kind, int]] = {}
    for sheet, sealed in sheets:
        its = sizes.setdefault(_WHOSE(sheet), {})
        for each in opened(sheet, sealed, sealing=sealing):
            kind = each.kind
            its[kind] = its.get(kind, 0) + each.size
    enough = ((whose, kind, size) for whose, its in sizes.items() for kind, size in its.items() if size >= least)
    largest: dict[_Whose, set[Kind]] = {}
    for whose, kind, _ in nsmallest(most, enough, key=lambda each: (-each[2], each[0], each[1])):
        largest.setdefault(whose, set()).add(kind)
    for sheet, sealed in sheets:
        whose = _WHOSE(sheet)
        if (kinds := largest.get(whose)) is None:
            continue
        for each in opened(sheet, sealed, sealing=sealing):
            if each.kind in kinds:
                yield Group(*whose, *each.kind, sheet.at_hour), _histogram(each.counts, numbers=each.numbers)


def _histogram(counts: Counts, *, numbers: bool) -> Histogram:
    keys = sorted(counts)
    said = np.array([counts[each] for each in keys], dtype=np.float64)
    return Histogram(GRID if numbers else None, np.array(keys, dtype=np.int64 if numbers else np.str_), said)
