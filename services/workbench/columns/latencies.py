"""How long calls take by segment of their customers: of calls that have ended, and of those that have not so far.

A call's segments are known when it is decided, how long it took when it has ended. Between the two its segments wait,
sealed, in a table of their own, whose row goes with the call's end, or after `WAIT_HOURS`: then it counts nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final

import duckdb
import msgspec
import numpy as np

from gateway.core.record import Verdict
from services.workbench.columns.measured import Segments
from services.workbench.columns.rows import Row
from services.workbench.columns.sums import GRID, HOUR_MS, LATENCY, Sheet, Summing, Sums, is_call, named
from services.workbench.columns.tables import ADMITTED, SETTLED, insert

WAIT_HOURS: Final = 2
CREATION: Final = "CREATE TABLE IF NOT EXISTS waiting (id VARCHAR, at_hour BIGINT, sealed BLOB)"
_ID: Final = ADMITTED.places["id"]
_CALL: Final = itemgetter(
    *(ADMITTED.places[name] for name in ("id", "verdict", "tenant", "agent", "model", "version", "method", "at_ms"))
)
_END: Final = itemgetter(*(SETTLED.places[name] for name in ("id", "version", "upstream_us")))
_FOUND: Final = "SELECT id, sealed FROM waiting WHERE id IN (SELECT unnest($ids))"
_ENDED: Final = "DELETE FROM waiting WHERE id IN (SELECT unnest($ids))"
_INSERT: Final = "INSERT INTO waiting SELECT * FROM batch"


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A call that was let through, as far as it matters here."""

    tenant: str
    agent: str
    version: str
    method: str
    at_hour: int
    segments: tuple[str, ...]
    model: str = ""


def latencies(
    engine: duckdb.DuckDBPyConnection,
    admitted: Iterable[Row],
    ends: Sequence[Row],
    segments: Mapping[str, Segments],
    *,
    sealing: Summing,
) -> Sums:
    """The latencies of the calls that have ended, by segment; the others of those that were admitted wait.

    `segments` has those of calls' customers, by the id of the decision.
    """
    calls = {str(row[_ID]): call for row in admitted if (call := _call(row, segments)) is not None}
    ended = {number: (version, upstream_us) for number, version, upstream_us in map(_END, ends)}
    found = _found(engine, [each for each in ended if each not in calls], sealing) if ended else {}
    _wait(engine, {name: call for name, call in calls.items() if name not in ended}, sealing)
    return _summed(ended, calls | found)


def forget(engine: duckdb.DuckDBPyConnection, *, now_ms: int) -> None:
    """Delete the segments of calls that nobody waits for any longer."""
    engine.execute("DELETE FROM waiting WHERE at_hour < ?", [now_ms // HOUR_MS - WAIT_HOURS])


def _call(row: Row, segments: Mapping[str, Segments]) -> Call | None:
    number, verdict, tenant, agent, model, version, method, at_ms = _CALL(row)
    its = segments.get(number)
    if not its or verdict != Verdict.ALLOW or not is_call(row):
        return None
    return Call(tenant, agent, named(model, version), method, at_ms // HOUR_MS, its, model)


def _summed(ended: Mapping[str, tuple[str, int]], calls: Mapping[str, Call]) -> Sums:
    """`ended` has the version that served each call, and how long it took."""
    of, took = list[tuple[Sheet, tuple[str, ...]]](), list[float]()
    for name, (served, took_us) in ended.items():
        call = calls.get(name)
        if call is None or took_us <= 0:
            continue
        version = named(call.model, served) if served else call.version
        of.append((Sheet(call.tenant, call.agent, version, call.method, call.at_hour), call.segments))
        took.append(took_us)
    sums: Sums = {}
    for (sheet, segments), cell in zip(of, GRID.cells(np.array(took, dtype=np.float64)).tolist(), strict=True):
        its = sums.setdefault(sheet, {})
        for segment in segments:
            counts = its.setdefault((segment, LATENCY, "", True), {})
            counts[cell] = counts.get(cell, 0) + 1
    return sums


def _found(engine: duckdb.DuckDBPyConnection, names: Sequence[str], sealing: Summing) -> dict[str, Call]:
    rows = engine.execute(_FOUND, {"ids": list(names)}).fetchall()
    if rows:
        engine.execute(_ENDED, {"ids": [name for name, _ in rows]})
    opened = ((name, sealing.open(bytes(sealed), bound_to=_bound(name))) for name, sealed in rows)
    return {name: msgspec.msgpack.decode(clear, type=Call) for name, clear in opened if clear is not None}


def _wait(engine: duckdb.DuckDBPyConnection, calls: Mapping[str, Call], sealing: Summing) -> None:
    if not calls:
        return
    sealed = [sealing.seal(msgspec.msgpack.encode(call), bound_to=_bound(name)) for name, call in calls.items()]
    batch = {
        "id": np.array(list(calls), dtype=object),
        "at_hour": np.array([each.at_hour for each in calls.values()], dtype=np.int64),
        "sealed": np.array(sealed, dtype=object),
    }
    insert(engine, _INSERT, batch)


def _bound(name: str) -> bytes:
    """What a seal is bound to."""
    return b"waiting\x00" + name.encode()
