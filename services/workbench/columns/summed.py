"""What the calls of one step add to the sums: what they were decided by, how, and how long those took that ended."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb

from gateway.core.record import Verdict
from services.workbench.columns import latencies, sum_table
from services.workbench.columns.gathering import Gathered, Whose
from services.workbench.columns.measured import Segments
from services.workbench.columns.readings import Readings
from services.workbench.columns.sums import DAY_MS, HOUR_MS, Person, Sheet, Summing, named
from services.workbench.columns.tally import Tally

_CALL: Final = (*("id", "operation", "standby", "repeats", "tenant", "agent", "model", "version", "method"),
                *("subject", "at_ms", "verdict", "reason"))  # fmt: skip
_Call = tuple[int, int, Whose, Person | None, str]
"""A call's row, its place among the readings, whose it is, who counts once where it is about one, and its verdict."""
_END: Final = ("id", "version", "upstream_us")


def summed(
    engine: duckdb.DuckDBPyConnection,
    admitted: Mapping[str, Sequence[Any]],
    ends: Mapping[str, Sequence[Any]],
    readings: Readings,
    *,
    sealing: Summing,
) -> tuple[list[bool], Mapping[Sheet, Tally]]:
    """Of each decision of a step whether it counts, and the sums of those that do.

    `admitted` and `ends` have the columns of `tables.ADMITTED` and `tables.SETTLED`.
    """
    gathered, through = Gathered(readings), list[tuple[str, Whose, Segments, str]]()
    calls = _calls(admitted, readings)
    people = {person for _, _, _, person, _ in calls if person is not None}
    counted, marked = sum_table.known(engine, people), [False] * len(admitted["id"])
    for row, call, whose, person, verdict in calls:
        first = person is None or person not in counted
        if first:
            marked[row] = True
            if person is not None:
                counted.add(person)
        gathered.decided(whose, call, verdict=verdict, first=first)
        if admitted["verdict"][row] == Verdict.ALLOW and (segments := gathered.segments(call)):
            through.append((readings.calls[call], whose, segments, admitted["model"][row]))
    ended = zip(*(ends[name] for name in _END), strict=True)
    latencies.gather(engine, through, ended, sealing=sealing, into=gathered)
    return marked, gathered.sums()


def _calls(admitted: Mapping[str, Sequence[Any]], readings: Readings) -> Sequence[_Call]:
    """The calls of their own of which something was measured; nobody is known by the tenant "" or "_"."""
    places = {number: call for call, number in enumerate(readings.calls)}
    found: list[_Call] = []
    if not places:
        return found
    for row, its in enumerate(zip(*(admitted[name] for name in _CALL), strict=True)):
        number, operation, standby, repeats, tenant, agent, model, version, method, subject, at_ms, verdict, reason = (
            its
        )
        call = places.get(number)
        if call is None or not operation or standby or repeats or tenant in ("", "_"):
            continue
        version = named(model, version)
        person = (tenant, agent, version, method, subject, at_ms // DAY_MS) if subject else None
        whose = (tenant, agent, version, method, at_ms // HOUR_MS)
        found.append((row, call, whose, person, f"{verdict} {reason}".rstrip()))
    return found
