"""Where sums rest: one row for each tenant and hour, sealed, in the same file as the columns."""

from collections.abc import Iterable, Mapping
from typing import Final

import duckdb
import numpy as np

from services.workbench.columns.sums import DAY_MS, HOUR_MS, KEPT_HOURS, Person, Sheet, Summing, named
from services.workbench.columns.tables import insert
from services.workbench.columns.tally import Tally, added, packed, unpacked

CREATION: Final = "CREATE TABLE IF NOT EXISTS sums (tenant VARCHAR, at_hour BIGINT, sealed BLOB)"
_KNOWN: Final = """SELECT DISTINCT tenant, agent, model, version, method, CAST(subject AS VARCHAR) AS subject,
  at_ms // $day AS day
 FROM admitted WHERE summed AND at_ms >= $from_ms AND subject IN (SELECT CAST(unnest($subjects) AS UUID))"""
_OF_HOURS: Final = "SELECT tenant, at_hour, sealed FROM sums WHERE at_hour IN (SELECT unnest($hours))"
_CLEAR: Final = "DELETE FROM sums WHERE at_hour IN (SELECT unnest($hours))"
_INSERT: Final = "INSERT INTO sums SELECT * FROM batch"
BETWEEN: Final = """SELECT tenant, at_hour, sealed FROM sums
 WHERE at_hour >= $start AND at_hour < $end ORDER BY tenant, at_hour"""
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


def keep(engine: duckdb.DuckDBPyConnection, sums: Mapping[Sheet, Tally], *, sealing: Summing) -> None:
    """Add sums to what there is; what can no longer be opened begins anew."""
    if not sums:
        return
    hours = sorted({each.at_hour for each in sums})
    rows, left = list[tuple[str, int, bytes]](), dict(sums)
    for tenant, at_hour, sealed in engine.execute(_OF_HOURS, {"hours": hours}).fetchall():
        sheet = Sheet(tenant, at_hour)
        if sheet not in left:
            rows.append((tenant, at_hour, sealed))
        elif (there := opened(sheet, sealed, sealing=sealing)) is not None:
            left[sheet] = added(there, left[sheet])
    rows += [
        (sheet.tenant, sheet.at_hour, sealing.seal(packed(tally), bound_to=sheet.bound_to))
        for sheet, tally in left.items()
    ]
    tenants, at_hours, blobs = zip(*rows, strict=True)
    batch = {
        "tenant": np.array(tenants, dtype=object),
        "at_hour": np.array(at_hours, dtype=np.int64),
        "sealed": np.array(blobs, dtype=object),
    }
    engine.execute(_CLEAR, {"hours": hours})
    insert(engine, _INSERT, batch)


def forget(engine: duckdb.DuckDBPyConnection, *, now_ms: int) -> None:
    """Delete what is too old to be looked at."""
    engine.execute("DELETE FROM sums WHERE at_hour < ?", [now_ms // HOUR_MS - KEPT_HOURS])


def opened(sheet: Sheet, sealed: bytes, *, sealing: Summing) -> Tally | None:
    """The sums of a sheet; none where it cannot be opened."""
    clear = sealing.open(bytes(sealed), bound_to=sheet.bound_to)
    return None if clear is None else unpacked(clear)
