"""Keeps what came of copies of calls, once each, in PostgreSQL; and finds it again by decision."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.shadows import ShadowResult
from services.audit.entries import Copied
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy
from services.audit.postgres.texts import json_of, kept, unkept

_COLUMNS: Final = (
    *("decision", "kind", "tenant", "route", "arm", "version", "at_ms", "ended", "sent", "took_us", "served_us"),
    *("result", "whole_tenant", "raw", "leaf"),
)
_KNOWN: Final = "SELECT decision, kind FROM copy WHERE decision = ANY(%s::uuid[])"
_OF: Final = "SELECT decision, raw FROM copy WHERE decision = ANY(%s::uuid[]) ORDER BY decision, kind DESC"
_result: Final = msgspec.json.Decoder(ShadowResult)


def new(connection: Connection, copies: Sequence[Copied]) -> list[Copied]:
    """Those that are not stored yet. Of one decision the first of each kind counts; what comes again is the same."""
    if not copies:
        return []
    first = {(each.id, kept(each.result.kind)): each for each in reversed(copies)}
    known = {(decision.hex, kind) for decision, kind in connection.execute(_KNOWN, ([each.id for each in copies],))}
    return [each for key, each in first.items() if key not in known]


def keep(connection: Connection, copies: Sequence[tuple[Copied, int]]) -> None:
    """Store copies that are new, each with its index in the log."""
    if copies:
        copy(connection, "copy", _COLUMNS, rows=[(*_row(each), leaf) for each, leaf in copies])


def copies_of(connection: Connection, decisions: Sequence[str]) -> Mapping[str, tuple[ShadowResult, ...]]:
    """The copies of each decision that had any; a shadow comes before a mirror."""
    found: dict[str, tuple[ShadowResult, ...]] = {}
    if decisions:
        for decision, raw in connection.execute(_OF, (list(decisions),)):
            found[decision.hex] = (*found.get(decision.hex, ()), _result.decode(raw))
    return found


def _row(each: Copied) -> tuple[object, ...]:
    result = each.result
    return (
        *(result.id, kept(result.kind), kept(each.tenant), kept(result.route), kept(result.arm), kept(result.version)),
        *(result.received_ms, result.end.value, result.sent, result.took_us, result.served_us),
        *(json_of(each.raw), unkept(each.tenant), each.raw),
    )
