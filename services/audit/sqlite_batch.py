"""Writes one batch of entries into the SQLite store, inside its caller's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.conclusion import Conclusion, State, concluded, settled
from gateway.core import keys
from gateway.core.record import Record, Settlement, Verdict
from services.audit.entries import Admitted, Entry, Settled

_settlement: Final = msgspec.json.Decoder(Settlement)

_FROM_RECORD: Final = (
    *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route", "arm"),
    *("upstream", "revision", "trace_id", "received_ms", "decided_ms", "expires_ms"),
)
_CONCLUSION: Final = ("verdict", "reason", "rule", "status", "state", "settled_ms")
_ALL: Final = (*_FROM_RECORD, "tenant", *_CONCLUSION, "record", "outcome", "settlement")
_INSERT: Final = f"INSERT INTO decision ({', '.join(_ALL)}) VALUES ({', '.join('?' * len(_ALL))})"  # noqa: S608
_SETTLE: Final = "UPDATE decision SET reason = ?, status = ?, state = ?, settled_ms = ?, settlement = ? WHERE id = ?"


def write(connection: sqlite3.Connection, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Store what is new in the entries; returns the ids of the decisions they changed, in order, each once.

    Admissions go first, so that within a batch the order of the entries does not matter.
    """
    new = {entry.id: entry for entry in reversed(entries) if isinstance(entry, Admitted)}
    ends = {entry.id: entry.raw for entry in reversed(entries) if isinstance(entry, Settled)}
    known = _known(connection, (*new, *ends))
    new = {decision: entry for decision, entry in new.items() if decision not in known}
    early = _take_early(connection, new)
    ends = {decision: raw for decision, raw in ends.items() if not known.get(decision, _NOTHING).over} | early
    _insert(connection, new, ends)
    open_ends = {decision: raw for decision, raw in ends.items() if decision in known}
    connection.executemany(_SETTLE, [_settled(known[decision].before, raw) for decision, raw in open_ends.items()])
    connection.executemany(
        "INSERT OR IGNORE INTO early_settlement (id, settlement) VALUES (?, ?)",
        [item for item in ends.items() if item[0] not in new and item[0] not in known],
    )
    return tuple(dict.fromkeys(entry.id for entry in entries if entry.id in new or entry.id in open_ends))


class _Known(msgspec.Struct, frozen=True):
    """A decision that is in the store already."""

    before: Conclusion
    over: bool
    """Its settlement is in the store too."""


_NOTHING: Final = _Known(Conclusion(Verdict.DENY, "", "", "", State.RUNNING, None), over=False)


def _known(connection: sqlite3.Connection, decisions: Iterable[str]) -> dict[str, _Known]:
    found = connection.execute(
        f"""SELECT id, settlement IS NOT NULL, {", ".join(_CONCLUSION)} FROM decision
            WHERE id IN (SELECT value FROM json_each(?))""",  # noqa: S608
        (msgspec.json.encode(list(decisions)).decode(),),
    )
    return {
        decision: _Known(Conclusion(Verdict(verdict), reason, rule, status, State(state), at_ms), bool(over))
        for decision, over, verdict, reason, rule, status, state, at_ms in found
    }


def _take_early(connection: sqlite3.Connection, new: Iterable[str]) -> dict[str, bytes]:
    """Settlements that waited for these admissions; they wait no longer. The one that came first counts."""
    wanted = (msgspec.json.encode(list(new)).decode(),)
    text = "DELETE FROM early_settlement WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, settlement"
    return dict(connection.execute(text, wanted).fetchall())


def _insert(connection: sqlite3.Connection, new: dict[str, Admitted], ends: dict[str, bytes]) -> None:
    if not new:
        return
    rows, rules = [], []
    for decision, entry in new.items():
        conclusion, raw = concluded(entry.record, entry.outcome), ends.get(decision)
        if raw is not None:
            conclusion = settled(conclusion, _settlement.decode(raw))
        rows.append(_row(entry, conclusion, raw))
        names = {conclusion.rule, *(look.rule for look in entry.record.rules)}
        rules += [(name, decision) for name in names if name]
    connection.executemany(_INSERT, rows)
    connection.executemany("INSERT INTO decision_rule (rule, decision) VALUES (?, ?)", rules)
    tenants = {_tenant(entry.record) for entry in new.values()}
    connection.executemany("INSERT OR IGNORE INTO tenant (name) VALUES (?)", [(name,) for name in tenants])
    skew_ms = max(abs(int(decision[:12], 16) - entry.record.received_ms) for decision, entry in new.items())
    connection.execute("UPDATE skew SET ms = ? WHERE ms < ?", (skew_ms, skew_ms))


def _row(entry: Admitted, conclusion: Conclusion, settlement: bytes | None) -> tuple[object, ...]:
    return (
        *(getattr(entry.record, name) for name in _FROM_RECORD),
        _tenant(entry.record),
        *(getattr(conclusion, name) for name in _CONCLUSION),
        entry.raw_record,
        entry.raw_outcome,
        settlement,
    )


def _settled(before: Conclusion, raw: bytes) -> tuple[object, ...]:
    settlement = _settlement.decode(raw)
    after = settled(before, settlement)
    return after.reason, after.status, after.state, after.settled_ms, raw, settlement.id


def _tenant(record: Record) -> str:
    return "" if record.tenant == keys.NOBODY else record.tenant
