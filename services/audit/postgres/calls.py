"""Keeps what is summed of calls beside the decisions, inside the transaction that stores them: so each counts once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from gateway.core.failing import failed
from gateway.core.record import Settlement
from services.audit.calls import CallRow, Minutes, New, Scope, costs_after, counts, row_of, scopes_of, shown_to
from services.audit.postgres import upstreams
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy, many
from services.audit.postgres.texts import json_of, kept, kept_unit
from services.audit.upstreams import Heard

_CALL: Final = (
    *("decision", "scope", "arm", "at_ms", "unit", "revision", "admitted", "refused", "contact", "failed", "total_us"),
    *("costs", "inference", "led_ms", "led_scope", "led_arm", "stood_in", "upstream"),
)
_EXPOSURE: Final = ("scope", "at_ms", "call", "arm", "unit")
_ENDED: Final = ("decision", "made", "failed", "total_us", "costs", "stood_in")
_SETTLE: Final = """UPDATE call SET contact = contact AND s.made, failed = s.failed, total_us = s.total_us,
 costs = s.costs, stood_in = s.stood_in FROM stage_call AS s WHERE call.decision = s.decision"""
_MINUTE: Final = """INSERT INTO route_minute AS m (route, minute, admitted, failed, slow) VALUES (%s, %s, %s, %s, %s)
 ON CONFLICT (route, minute) DO UPDATE SET admitted = m.admitted + excluded.admitted,
 failed = m.failed + excluded.failed, slow = m.slow + excluded.slow"""
_OPEN: Final = """SELECT call.decision, scope.tenant, call.upstream, scope.name, call.at_ms, call.failed,
 call.costs::text FROM call JOIN scope ON scope.id = call.scope WHERE call.decision = ANY(%s::uuid[])"""
_SCOPE: Final = "SELECT id FROM scope WHERE tenant = %s AND kind = %s AND name = %s"
_NEW_SCOPE: Final = "INSERT INTO scope (tenant, kind, name) VALUES (%s, %s, %s) RETURNING id"


def add(connection: Connection, news: Iterable[New]) -> None:
    """Keep what is summed of these decisions."""
    counted = [new for new in news if counts(new)]
    if not counted:
        return
    scopes = _scopes(connection, counted)
    rows, exposures, minutes = [], [], Minutes()
    for new in counted:
        record = new.record
        rows.append(_values(row_of(new), scopes[new.route], scopes=scopes))
        exposures += [
            (
                scopes[new.tenant, "experiment", shown.experiment],
                *(record.received_ms, record.id, kept(shown.variation), kept_unit(shown_to(record, shown))),
            )
            for shown in record.exposures
        ]
        minutes.add_new(new)
    copy(connection, "call", _CALL, rows=rows)
    if exposures:
        copy(connection, "exposure", _EXPOSURE, rows=exposures)
    _add(connection, minutes)


def settle(connection: Connection, ends: Mapping[str, Settlement]) -> None:
    """Keep how calls that were stored before have ended; by decision."""
    minutes, rows, heard = Minutes(), [], Heard()
    for decision, tenant, upstream, route, at_ms, before, costs in _open(connection, ends):
        settlement = ends[decision]
        heard.ended(tenant, upstream, settlement)
        after = failed(settlement)
        minutes.add(route, at_ms, failed=after - before, slow=settlement.slow)
        cost = costs_after(costs, settlement)
        rows.append(
            (
                *(decision, not settlement.gave_back, after, settlement.total_us),
                *(None if cost is None else json_of(cost), bool(settlement.arm)),
            )
        )
    if rows:
        copy(connection, "stage_call", _ENDED, rows=rows)
        connection.execute(_SETTLE)
        _add(connection, minutes)
        upstreams.add(connection, heard)


def doubt(connection: Connection, decisions: Collection[str]) -> None:
    """Let calls count as failed that were never settled. A settlement that comes after all has the last word."""
    minutes = Minutes()
    found = _open(connection, decisions)
    for _, _, _, route, at_ms, _, _ in found:
        minutes.add(route, at_ms, failed=1)
    if found:
        connection.execute(
            "UPDATE call SET failed = true WHERE decision = ANY(%s::uuid[])", ([decision for decision, *_ in found],)
        )
        _add(connection, minutes)


def _add(connection: Connection, minutes: Minutes) -> None:
    many(connection, _MINUTE, [(kept(route), *numbers) for route, *numbers in minutes.rows()])


def _values(row: CallRow, scope: int, *, scopes: Mapping[Scope, int]) -> tuple[object, ...]:
    return (
        *(
            row.decision.hex(),
            scope,
            kept(row.arm),
            row.at_ms,
            kept_unit(row.unit),
            row.revision,
            row.admitted,
            row.refused,
        ),
        *(row.contact, row.failed, row.total_us, None if row.costs is None else json_of(row.costs)),
        *(None if row.inference is None else row.inference.hex(), row.led_ms),
        *(None if row.led is None else scopes[row.led], None if row.led_arm is None else kept(row.led_arm)),
        *(row.stood_in, kept(row.upstream)),
    )


def _open(
    connection: Connection, decisions: Collection[str]
) -> Sequence[tuple[str, str, str, str, int, bool, str | None]]:
    """(decision, tenant, upstream, route, time, whether it has failed by now, costs) of those that are counted."""
    if not decisions:
        return []
    return [(decision.hex, *values) for decision, *values in connection.execute(_OPEN, (list(decisions),))]


def _scopes(connection: Connection, news: Iterable[New]) -> dict[Scope, int]:
    """The ids of all routes and experiments that these decisions name."""
    found = {}
    for scope in scopes_of(news):
        key = tuple(kept(part) for part in scope)
        rows = connection.execute(_SCOPE, key).fetchall() or connection.execute(_NEW_SCOPE, key).fetchall()
        ((found[scope],),) = rows
    return found
