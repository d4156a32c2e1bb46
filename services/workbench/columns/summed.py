"""What the calls of one step add to the sums: what they were decided by, how, and how long those took that ended."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

import duckdb

from services.workbench.columns import latencies, sum_table
from services.workbench.columns.gathering import Gathered
from services.workbench.columns.measured import Values, segments_of
from services.workbench.columns.rows import Row
from services.workbench.columns.sums import HOUR_MS, Summing, Sums, is_call, named, person_of
from services.workbench.columns.tables import ADMITTED

_AT: Final = ADMITTED.places
_ID, _SUMMED = _AT["id"], _AT["summed"]
_CALL: Final = itemgetter(
    *(_AT[name] for name in ("tenant", "agent", "model", "version", "method", "at_ms", "verdict", "reason"))
)


def summed(
    engine: duckdb.DuckDBPyConnection,
    admitted: Sequence[Row],
    ends: Sequence[Row],
    values: Mapping[str, Values],
    *,
    sealing: Summing,
) -> tuple[Sequence[Row], Sums]:
    """Rows of decisions, with whether each counts, and the sums of those that do.

    `values` has what calls were decided by, by the id of the decision, where that may be measured.
    """
    calls = [row for row in admitted if row[_ID] in values and is_call(row)] if values else []
    segments = {str(row[_ID]): segments_of(values[str(row[_ID])]) for row in calls}
    gathered = Gathered()
    latencies.gather(engine, calls, ends, segments, sealing=sealing, into=gathered)
    counted, marked = sum_table.known(engine, calls), list[str]()
    for row in calls:
        number, person = str(row[_ID]), person_of(row)
        first = person is None or person not in counted
        if first:
            marked.append(number)
            if person is not None:
                counted.add(person)
        tenant, agent, model, version, method, at_ms, verdict, reason = _CALL(row)
        gathered.decided(
            (tenant, agent, named(model, version), method, at_ms // HOUR_MS),
            values[number],
            segments[number],
            verdict=f"{verdict} {reason}".rstrip(),
            first=first,
        )
    return _marked(admitted, frozenset(marked)), gathered.sums()


def _marked(admitted: Sequence[Row], those: frozenset[str]) -> Sequence[Row]:
    if not those:
        return admitted
    return [
        (*row[:_SUMMED], True, *row[_SUMMED + 1 :]) if row[_ID] in those else row  # all others are not yet
        for row in admitted
    ]
