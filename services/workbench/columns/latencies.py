"""How long calls take by segment of their customers: of calls that have ended, and of those that have not so far.

A call's segments are known when it is decided, how long it took when it has ended. Between the two its segments wait,
sealed, in a table of their own, whose row goes with the call's end, or after `WAIT_HOURS`: then it counts nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import duckdb
import msgspec
import numpy as np

from services.workbench.columns.gathering import Gathered, Whose
from services.workbench.columns.measured import Segments
from services.workbench.columns.sums import HOUR_MS, Summing, named
from services.workbench.columns.tables import insert

WAIT_HOURS: Final = 2
CREATION: Final = "CREATE TABLE IF NOT EXISTS waiting (id VARCHAR, at_hour BIGINT, sealed BLOB)"
End = tuple[str, str, int]
"""Of a call that has ended: the decision's id, the version that served it where that is another one, and for how many
microseconds its upstream took."""
_ANY: Final = "SELECT 1 FROM waiting LIMIT 1"
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


def gather(
    engine: duckdb.DuckDBPyConnection,
    calls: Iterable[tuple[str, Whose, Segments, str]],
    ends: Iterable[End],
    *,
    sealing: Summing,
    into: Gathered,
) -> None:
    """Gather the latencies of the calls that have ended, by segment; the others of those that were let through wait.

    `calls` are those of this step whose customers are in segments: the decision's id, whose they are, the segments, and
    the model.
    """
    ended = {number: (served, took_us) for number, served, took_us in ends}
    waiting = dict[str, Call]()
    for number, whose, segments, model in calls:
        if (end := ended.pop(number, None)) is None:
            waiting[number] = Call(*whose, segments, model)
        elif end[1] > 0:
            into.took((*whose[:2], named(model, end[0]), *whose[3:]) if end[0] else whose, segments, took_us=end[1])
    for number, call in _found(engine, list(ended), sealing).items():
        served, took_us = ended[number]
        if took_us > 0:
            version = named(call.model, served) if served else call.version
            into.took((call.tenant, call.agent, version, call.method, call.at_hour), call.segments, took_us=took_us)
    _wait(engine, waiting, sealing)


def forget(engine: duckdb.DuckDBPyConnection, *, now_ms: int) -> None:
    """Delete the segments of calls that nobody waits for any longer."""
    engine.execute("DELETE FROM waiting WHERE at_hour < ?", [now_ms // HOUR_MS - WAIT_HOURS])


def _found(engine: duckdb.DuckDBPyConnection, names: Sequence[str], sealing: Summing) -> dict[str, Call]:
    if not names or engine.execute(_ANY).fetchone() is None:
        return {}
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
