"""Keeps what is summed of calls beside the decisions, inside the transaction that stores them: so each counts once."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.failing import failed
from gateway.core.record import Settlement
from services.audit.calls import CallRow, Minutes, New, Scope, costs_after, counts, row_of, scopes_of, shown_to
from services.audit.sqlite import upstreams
from services.audit.upstreams import Heard

_COLUMNS: Final = (
    *("id", "scope", "arm", "at_ms", "unit", "revision", "admitted", "refused", "contact", "failed", "total_us"),
    *("costs", "decision", "inference", "led_ms", "led_scope", "led_arm", "stood_in", "upstream"),
)
_INSERT: Final = f"INSERT INTO call ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_EXPOSE: Final = "INSERT INTO exposure (scope, at_ms, call, arm, unit) VALUES (?, ?, ?, ?, ?)"
_SETTLE: Final = (
    "UPDATE call SET contact = contact AND ?, failed = ?, total_us = ?, costs = ?, stood_in = ? WHERE id = ?"
)
_MINUTE: Final = """INSERT INTO route_minute (route, minute, admitted, failed, slow) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (route, minute) DO UPDATE SET
 admitted = admitted + excluded.admitted, failed = failed + excluded.failed, slow = slow + excluded.slow"""


def add(connection: sqlite3.Connection, news: Sequence[New]) -> None:
    """Keep what is summed of these decisions."""
    counted = [new for new in news if counts(new)]
    if not counted:
        return
    scopes = _scopes(connection, counted)
    rows, exposures, minutes = [], [], Minutes()
    for new in counted:
        record = new.record
        rows.append((new.rowid, scopes[new.route], *_values(row_of(new), scopes)))
        exposures += [
            (
                scopes[new.tenant, "experiment", shown.experiment],
                *(record.received_ms, new.rowid, shown.variation, shown_to(record, shown)),
            )
            for shown in record.exposures
        ]
        minutes.add_new(new)
    connection.executemany(_INSERT, rows)
    connection.executemany(_EXPOSE, exposures)
    connection.executemany(_MINUTE, minutes.rows())


def settle(connection: sqlite3.Connection, ends: Mapping[int, Settlement]) -> None:
    """Keep how calls that were stored before have ended; by the decision's rowid."""
    if not ends:
        return
    minutes, rows, heard = Minutes(), [], Heard()
    for rowid, tenant, upstream, route, at_ms, before, costs in _open(connection, ends):
        settlement = ends[rowid]
        heard.ended(tenant, upstream, settlement)
        after = failed(settlement)
        minutes.add(route, at_ms, failed=after - before, slow=settlement.slow)
        made = not settlement.gave_back
        rows.append((made, after, settlement.total_us, costs_after(costs, settlement), bool(settlement.arm), rowid))
    connection.executemany(_SETTLE, rows)
    connection.executemany(_MINUTE, minutes.rows())
    upstreams.add(connection, heard)


def doubt(connection: sqlite3.Connection, rowids: Sequence[int]) -> None:
    """Let calls count as failed that were never settled. A settlement that comes after all has the last word."""
    if not rowids:
        return
    minutes = Minutes()
    found = list(_open(connection, rowids))
    for _, _, _, route, at_ms, _, _ in found:
        minutes.add(route, at_ms, failed=1)
    connection.executemany("UPDATE call SET failed = 1 WHERE id = ?", [(rowid,) for rowid, *_ in found])
    connection.executemany(_MINUTE, minutes.rows())


def _values(row: CallRow, scopes: Mapping[Scope, int]) -> tuple[object, ...]:
    return (
        *(row.arm, row.at_ms, row.unit, row.revision, row.admitted, row.refused, row.contact, row.failed, row.total_us),
        *(row.costs, row.decision, row.inference, row.led_ms),
        *(None if row.led is None else scopes[row.led], row.led_arm, row.stood_in, row.upstream),
    )


def _open(
    connection: sqlite3.Connection, rowids: Iterable[int]
) -> Iterable[tuple[int, str, str, str, int, int, str | None]]:
    """(rowid, tenant, upstream, route, time, whether it counts as failed by now, costs) of those that are counted."""
    return connection.execute(
        """SELECT call.id, scope.tenant, call.upstream, scope.name, call.at_ms, call.failed, call.costs
           FROM call JOIN scope ON scope.id = call.scope WHERE call.id IN (SELECT value FROM json_each(?))""",
        (msgspec.json.encode(list(rowids)).decode(),),
    ).fetchall()


def _scopes(connection: sqlite3.Connection, news: Iterable[New]) -> dict[Scope, int]:
    """The ids of all routes and experiments that these decisions name."""
    select = "SELECT id FROM scope WHERE tenant = ? AND kind = ? AND name = ?"
    found = {}
    for key in scopes_of(news):
        row = connection.execute(select, key).fetchone()
        if row is None:
            row = connection.execute(
                "INSERT INTO scope (tenant, kind, name) VALUES (?, ?, ?) RETURNING id", key
            ).fetchone()
        (found[key],) = row
    return found
