"""Keeps what is summed of calls beside the decisions, inside the transaction that stores them: so each counts once."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.conclusion import Conclusion
from gateway.core.call import Operation
from gateway.core.failing import failed, refused_by_policy
from gateway.core.record import Exposure, Outcome, Record, Settlement, Verdict

_COLUMNS: Final = (
    *("id", "scope", "arm", "at_ms", "unit", "revision", "admitted", "refused", "contact", "failed", "total_us"),
    *("costs", "decision", "inference", "led_ms", "led_scope", "led_arm", "stood_in"),
)
_INSERT: Final = f"INSERT INTO call ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_EXPOSE: Final = "INSERT INTO exposure (scope, at_ms, call, arm, unit) VALUES (?, ?, ?, ?, ?)"
_SETTLE: Final = (
    "UPDATE call SET contact = contact AND ?, failed = ?, total_us = ?, costs = ?, stood_in = ? WHERE id = ?"
)
_MINUTE: Final = """INSERT INTO route_minute (route, minute, admitted, failed, slow) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (route, minute) DO UPDATE SET
 admitted = admitted + excluded.admitted, failed = failed + excluded.failed, slow = slow + excluded.slow"""


class New(msgspec.Struct, frozen=True):
    """A decision that is stored for the first time."""

    rowid: int
    record: Record
    outcome: Outcome
    conclusion: Conclusion
    tenant: str
    settlement: Settlement | None


class _Minutes:
    """What a batch adds to the minutes of routes."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], list[int]] = {}

    def add(self, route: str, at_ms: int, *, admitted: int = 0, failed: int = 0, slow: int = 0) -> None:
        """Add a call's counts to the minute in which it was received, whenever they come."""
        counts = self._counts.setdefault((route, at_ms // 60_000), [0, 0, 0])
        counts[0] += admitted
        counts[1] += failed
        counts[2] += slow

    def write(self, connection: sqlite3.Connection) -> None:
        """Add them to what is stored."""
        connection.executemany(_MINUTE, [(*key, *counts) for key, counts in self._counts.items() if any(counts)])


def add(connection: sqlite3.Connection, news: Sequence[New]) -> None:
    """Keep what is summed of these decisions."""
    counted = [new for new in news if _counts(new)]
    if not counted:
        return
    scopes = _scopes(connection, counted)
    rows, exposures, minutes = [], [], _Minutes()
    for new in counted:
        record = new.record
        rows.append(_row(new, scopes))
        exposures += [_exposure(new, shown, scopes) for shown in record.exposures]
        if new.conclusion.verdict is Verdict.ALLOW:
            settlement = new.settlement
            minutes.add(
                record.route,
                record.received_ms,
                admitted=1,
                failed=settlement is not None and failed(settlement),
                slow=settlement is not None and settlement.slow,
            )
    connection.executemany(_INSERT, rows)
    connection.executemany(_EXPOSE, exposures)
    minutes.write(connection)


def settle(connection: sqlite3.Connection, ends: Mapping[int, Settlement]) -> None:
    """Keep how calls that were stored before have ended; by the decision's rowid."""
    if not ends:
        return
    minutes, rows = _Minutes(), []
    for rowid, route, at_ms, before, costs in _open(connection, ends):
        settlement = ends[rowid]
        after = failed(settlement)
        minutes.add(route, at_ms, failed=after - before, slow=settlement.slow)
        made = not settlement.gave_back
        rows.append((made, after, settlement.total_us, _costs(costs, settlement), bool(settlement.arm), rowid))
    connection.executemany(_SETTLE, rows)
    minutes.write(connection)


def doubt(connection: sqlite3.Connection, rowids: Sequence[int]) -> None:
    """Let calls count as failed that were never settled. A settlement that comes after all has the last word."""
    if not rowids:
        return
    minutes = _Minutes()
    found = list(_open(connection, rowids))
    for _, route, at_ms, _, _ in found:
        minutes.add(route, at_ms, failed=1)
    connection.executemany("UPDATE call SET failed = 1 WHERE id = ?", [(rowid,) for rowid, *_ in found])
    minutes.write(connection)


def _counts(new: New) -> bool:
    """Whether it is a call of its own, and over or under way: no repeat, and not put off until somebody decides.

    Where another arm took over, the call counts for the arm that it was assigned to.
    """
    if not new.record.route or new.outcome.first or new.record.standby:
        return False
    return new.conclusion.verdict in (Verdict.ALLOW, Verdict.DENY)


def _row(new: New, scopes: Mapping[tuple[str, str, str], int]) -> tuple[object, ...]:
    record, settlement = new.record, new.settlement
    admitted = new.conclusion.verdict is Verdict.ALLOW
    contact = (
        admitted and record.operation == Operation.CONTACT and not (settlement is not None and settlement.gave_back)
    )
    unit = "" if record.named else record.unit_ref or record.subject_ref
    estimates = _estimates(record) if admitted and record.buckets else None
    return (
        new.rowid,
        scopes[new.tenant, "route", record.route],
        record.arm,
        record.received_ms,
        _short(unit) if unit else None,
        record.revision,
        admitted,
        refused_by_policy(new.conclusion.verdict, new.conclusion.reason),
        contact,
        settlement is not None and failed(settlement),
        None if settlement is None else settlement.total_us,
        estimates if settlement is None else _costs(estimates, settlement),
        bytes.fromhex(record.id),
        *(_led(new, scopes) if contact else (None,) * 4),
        settlement is not None and bool(settlement.arm),
    )


def _exposure(new: New, shown: Exposure, scopes: Mapping[tuple[str, str, str], int]) -> tuple[object, ...]:
    record = new.record
    unit = shown.unit or (record.unit_ref or record.subject_ref if record.named else "")
    scope = scopes[new.tenant, "experiment", shown.experiment]
    return scope, record.received_ms, new.rowid, shown.variation, _short(unit) if unit else None


def _led(new: New, scopes: Mapping[tuple[str, str, str], int]) -> tuple[object, ...]:
    """What led to a contact: inference, time, and the route's id and arm."""
    record, lineage = new.record, new.record.lineage
    inference = record.inference.removeprefix("decisions/")
    known = len(inference) == 32  # what a caller names may be anything
    led_ms = int(inference[:12], 16) if known else record.received_ms
    return (
        bytes.fromhex(inference) if known else None,
        led_ms,
        scopes[new.tenant, "route", lineage.route] if lineage is not None and lineage.route else None,
        lineage.arm if lineage is not None and lineage.route else None,
    )


def _short(unit: str) -> bytes:
    """A pseudonym in half the space, where it is one of ours."""
    try:
        return bytes.fromhex(unit)
    except ValueError:
        return unit.encode()


def _estimates(record: Record) -> str | None:
    asked = {bucket.limit: bucket.cost for bucket in record.buckets if bucket.kind == "budget"}
    return msgspec.json.encode(asked).decode() if asked else None


def _costs(estimates: str | None, settlement: Settlement) -> str | None:
    """What a call has cost by budget, as JSON: what was not carried out costs nothing but what it really did."""
    if settlement.gave_back or estimates is None:
        return msgspec.json.encode(settlement.costs).decode() if settlement.costs else None
    if not settlement.costs:
        return estimates
    return msgspec.json.encode({**msgspec.json.decode(estimates), **settlement.costs}).decode()


def _open(connection: sqlite3.Connection, rowids: Iterable[int]) -> Iterable[tuple[int, str, int, int, str | None]]:
    """(rowid, route, time, whether it counts as failed by now, costs) of those that are counted."""
    return connection.execute(
        """SELECT call.id, scope.name, call.at_ms, call.failed, call.costs FROM call JOIN scope ON scope.id = call.scope
           WHERE call.id IN (SELECT value FROM json_each(?))""",
        (msgspec.json.encode(list(rowids)).decode(),),
    ).fetchall()


def _scopes(connection: sqlite3.Connection, news: Iterable[New]) -> dict[tuple[str, str, str], int]:
    """The ids of all routes and experiments that these decisions name."""
    wanted = set()
    for new in news:
        record = new.record
        wanted.add((new.tenant, "route", record.route))
        if record.lineage is not None and record.lineage.route:
            wanted.add((new.tenant, "route", record.lineage.route))
        for shown in record.exposures:
            wanted.add((new.tenant, "experiment", shown.experiment))
    select = "SELECT id FROM scope WHERE tenant = ? AND kind = ? AND name = ?"
    found = {}
    for key in wanted:
        row = connection.execute(select, key).fetchone()
        if row is None:
            row = connection.execute(
                "INSERT INTO scope (tenant, kind, name) VALUES (?, ?, ?) RETURNING id", key
            ).fetchone()
        (found[key],) = row
    return found
