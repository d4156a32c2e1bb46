"""Writes one batch of entries into the SQLite store, inside its caller's transaction."""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from gateway.conclusion import Conclusion, State, concluded, settled
from gateway.core import keys
from gateway.core.record import Record, Settlement, Verdict
from services.audit import sqlite_calls, sqlite_counts, sqlite_entering, sqlite_inputs
from services.audit.entries import Admitted, Entry, Recorded, Settled
from services.audit.sqlite_calls import New
from services.audit.sqlite_entering import Places

_settlement: Final = msgspec.json.Decoder(Settlement)

_FROM_RECORD: Final = (
    *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route", "arm"),
    *("upstream", "revision", "trace_id", "received_ms", "decided_ms", "expires_ms"),
)
_CONCLUSION: Final = ("verdict", "reason", "rule", "status", "state", "settled_ms")
_record_values: Final = attrgetter(*_FROM_RECORD)
_conclusion_values: Final = attrgetter(*_CONCLUSION)
_ALL: Final = (
    *(*_FROM_RECORD, "tenant", *_CONCLUSION, "record", "outcome", "settlement"),
    *("leaf", "settled_leaf", "rowid"),
)
_INSERT: Final = f"INSERT INTO decision ({', '.join(_ALL)}) VALUES ({', '.join('?' * len(_ALL))})"  # noqa: S608
_SETTLE: Final = """UPDATE decision
 SET reason = ?, status = ?, state = ?, settled_ms = ?, settlement = ?, settled_leaf = ? WHERE rowid = ?"""


def write(connection: sqlite3.Connection, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Store what is new in the entries; returns the ids of the decisions they changed, in order, each once.

    Admissions go first, so that within a batch the order of the entries does not matter. What customers did, and what
    came of copies, is stored by itself: it may come before the decision that it is about.
    """
    sqlite_inputs.keep(connection, [entry for entry in entries if isinstance(entry, Recorded)])
    new = {entry.id: entry for entry in reversed(entries) if isinstance(entry, Admitted)}
    ends = {entry.id: entry.raw for entry in reversed(entries) if isinstance(entry, Settled)}
    known = _known(connection, (*new, *ends))
    new = {decision: entry for decision, entry in new.items() if decision not in known}
    early = _take_early(connection, new)
    ends = {decision: raw for decision, raw in ends.items() if not known.get(decision, _NOTHING).over} | early
    log = sqlite_entering.enter(connection, entries, new=new, ends=ends, early=early, known=known)
    _insert(connection, new, ends, log)
    open_ends = {decision: raw for decision, raw in ends.items() if decision in known}
    read = {decision: _settlement.decode(raw) for decision, raw in open_ends.items()}
    rows = [
        (*_settled(known[decision], read[decision], raw), log.settled[decision], known[decision].rowid)
        for decision, raw in open_ends.items()
    ]
    connection.executemany(_SETTLE, rows)
    sqlite_calls.settle(connection, {known[decision].rowid: settlement for decision, settlement in read.items()})
    connection.executemany(
        "INSERT OR IGNORE INTO early_settlement (id, settlement) VALUES (?, ?)",
        [item for item in ends.items() if item[0] not in new and item[0] not in known],
    )
    changed = new.keys() | open_ends.keys()
    ours = [each.id for each in entries if isinstance(each, Admitted | Settled)]
    return tuple(dict.fromkeys(decision for decision in ours if decision in changed))


def mark_in_doubt(connection: sqlite3.Connection, *, now_ms: int) -> int:
    """Mark what still runs after its reservation has expired; returns how many were marked."""
    text = "UPDATE decision SET state = 'IN_DOUBT' WHERE state = 'RUNNING' AND expires_ms < ? RETURNING rowid"
    marked = [rowid for (rowid,) in connection.execute(text, (now_ms,)).fetchall()]
    sqlite_calls.doubt(connection, marked)
    return len(marked)


class _Known(msgspec.Struct, frozen=True):
    """A decision that is in the store already."""

    before: Conclusion
    over: bool
    """Its settlement is in the store too."""
    rowid: int = 0


_NOTHING: Final = _Known(Conclusion(Verdict.DENY, "", "", "", State.RUNNING, None), over=False)


def _known(connection: sqlite3.Connection, decisions: Iterable[str]) -> dict[str, _Known]:
    found = connection.execute(
        f"""SELECT id, rowid, settlement IS NOT NULL, {", ".join(_CONCLUSION)} FROM decision
            WHERE id IN (SELECT value FROM json_each(?))""",  # noqa: S608
        (msgspec.json.encode(list(decisions)).decode(),),
    )
    return {
        decision: _Known(Conclusion(Verdict(verdict), reason, rule, status, State(state), at_ms), bool(over), rowid)
        for decision, rowid, over, verdict, reason, rule, status, state, at_ms in found
    }


def _take_early(connection: sqlite3.Connection, new: Iterable[str]) -> dict[str, bytes]:
    """Settlements that waited for these admissions; they wait no longer. The one that came first counts."""
    wanted = (msgspec.json.encode(list(new)).decode(),)
    text = "DELETE FROM early_settlement WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, settlement"
    return dict(connection.execute(text, wanted).fetchall())


def _insert(connection: sqlite3.Connection, new: dict[str, Admitted], ends: dict[str, bytes], log: Places) -> None:
    if not new:
        return
    rows, rules, calls = [], [], []
    # We are the only writer, so the next number is free; calls are kept under the same one.
    (last,) = connection.execute("SELECT ifnull(max(rowid), 0) FROM decision").fetchone()
    for rowid, (decision, entry) in enumerate(new.items(), start=last + 1):
        conclusion, raw = concluded(entry.record, entry.outcome), ends.get(decision)
        settlement = None if raw is None else _settlement.decode(raw)
        if settlement is not None:
            conclusion = settled(conclusion, settlement)
        rows.append((*_row(entry, conclusion, raw), log.admitted[decision], log.settled.get(decision), rowid))
        calls.append(New(rowid, entry.record, entry.outcome, conclusion, _tenant(entry.record), settlement))
        names = {conclusion.rule, *(look.rule for look in entry.record.rules)}
        rules += [(name, decision) for name in names if name]
    connection.executemany(_INSERT, rows)
    connection.executemany("INSERT INTO decision_rule (rule, decision) VALUES (?, ?)", rules)
    sqlite_calls.add(connection, calls)
    sqlite_counts.add(connection, [(_tenant(entry.record), entry.record) for entry in new.values()])
    tenants = {_tenant(entry.record) for entry in new.values()}
    connection.executemany("INSERT OR IGNORE INTO tenant (name) VALUES (?)", [(name,) for name in tenants])
    skew_ms = max(abs(int(decision[:12], 16) - entry.record.received_ms) for decision, entry in new.items())
    connection.execute("UPDATE skew SET ms = ? WHERE ms < ?", (skew_ms, skew_ms))


def _row(entry: Admitted, conclusion: Conclusion, settlement: bytes | None) -> tuple[object, ...]:
    return (
        *_record_values(entry.record),
        _tenant(entry.record),
        *_conclusion_values(conclusion),
        entry.raw_record,
        entry.raw_outcome,
        settlement,
    )


def _settled(known: _Known, settlement: Settlement, raw: bytes) -> tuple[object, ...]:
    after = settled(known.before, settlement)
    return after.reason, after.status, after.state, after.settled_ms, raw


def _tenant(record: Record) -> str:
    return "" if record.tenant == keys.NOBODY else record.tenant
