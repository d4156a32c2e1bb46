"""Writes one batch of entries into the main file, inside its caller's transaction, and says what segments get of it."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from gateway.core import keys
from gateway.core.record import Record, Settlement
from gateway.records.conclusion import Conclusion, concluded, settled
from services.audit.activity import Tally
from services.audit.calls import New
from services.audit.entries import Admitted, Entry, Recorded, Settled
from services.audit.filters.searching import indexed, searched
from services.audit.proofs.entering import Places
from services.audit.sqlite import activity as sqlite_activity
from services.audit.sqlite import calls as sqlite_calls
from services.audit.sqlite import counts as sqlite_counts
from services.audit.sqlite import entering, inputs
from services.audit.sqlite import keys as sqlite_keys
from services.audit.sqlite import upstreams as sqlite_upstreams
from services.audit.sqlite.segments import catalogue, pending
from services.audit.sqlite.segments.hours import first_id, hour_of
from services.audit.sqlite.segments.work import Cell, End, Row, Work
from services.audit.sqlite.segments.writing import Batch, Known
from services.audit.upstreams import Heard

_settlement: Final = msgspec.json.Decoder(Settlement)

_FROM_RECORD: Final = (
    *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route", "arm"),
    *("upstream", "revision", "trace_id", "received_ms", "decided_ms", "expires_ms"),
)
_CONCLUSION: Final = ("verdict", "reason", "rule", "status", "state", "settled_ms")
_record_values: Final = attrgetter(*_FROM_RECORD)
_conclusion_values: Final = attrgetter(*_CONCLUSION)
COLUMNS: Final = (
    *(*_FROM_RECORD, "tenant", *_CONCLUSION, "record", "outcome", "settlement"),
    *("leaf", "settled_leaf", "seq"),
)
"""Of a decision in a segment, as `row_of` and the places that it was given say them."""


class _Works:
    """What segments get of a batch, as it is put together."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Row]] = {}
        self._ends: dict[int, list[End]] = {}

    def add(self, decision: str, row: Row) -> None:
        """A decision that is new."""
        self._rows.setdefault(hour_of(decision), []).append(row)

    def end(self, decision: str, end: End) -> None:
        """A decision that was there has ended."""
        self._ends.setdefault(hour_of(decision), []).append(end)

    def by_hour(self) -> dict[int, Work]:
        """All of it."""
        return {
            hour: Work(columns=COLUMNS, rows=tuple(self._rows.get(hour, ())), ends=tuple(self._ends.get(hour, ())))
            for hour in self._rows.keys() | self._ends.keys()
        }


def write(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    *,
    known_of: Callable[[Iterable[str]], Mapping[str, Known]],
    waiting: Collection[int] = (),
) -> Batch:
    """Store what is new in the entries; returns what segments are promised, and which decisions change, each once.

    Admissions go first, so that within a batch the order of the entries does not matter. What customers did, and what
    came of copies, is stored by itself: it may come before the decision that it is about. `known_of` tells which of
    these decisions the segments have; all that was promised to them before must have been done, but in the hours of
    `waiting`. What settles in a segment that cannot be read waits like what settles before its admission.
    """
    sqlite_keys.keep(connection, [entry for entry in entries if isinstance(entry, Admitted)])
    inputs.keep(connection, [entry for entry in entries if isinstance(entry, Recorded)])
    new = {entry.id: entry for entry in reversed(entries) if isinstance(entry, Admitted)}
    ends = {entry.id: entry.raw for entry in reversed(entries) if isinstance(entry, Settled)}
    known, works = known_of(new.keys() | ends.keys()), _Works()
    new = {decision: entry for decision, entry in new.items() if decision not in known}
    late = {decision: raw for decision, raw in ends.items() if decision in known and known[decision].unreadable}
    over = {decision for decision, each in known.items() if each.over}
    waited = _take_early(connection, {*new, *ends} - late.keys())
    early = {decision: raw for decision, raw in waited.items() if decision not in over}
    ends = {decision: raw for decision, raw in ends.items() if decision not in over} | early
    log = entering.enter(connection, entries, new=new, ends=ends, early=early, known=known)
    _insert(connection, new, ends, log=log, works=works)
    open_ends = {decision: raw for decision, raw in ends.items() if decision in known}
    read = {decision: _settlement.decode(raw) for decision, raw in open_ends.items()}
    for decision, settlement in read.items():
        if (lifted := known[decision].lifted) is not None:
            row = Row(tuple(lifted[name] for name in COLUMNS), tuple(lifted["rules"]), lifted["words"])
            works.add(decision, row)
        works.end(decision, _settled(known[decision], settlement, raw=open_ends[decision], leaf=log.settled[decision]))
    sqlite_calls.settle(connection, {known[decision].seq: settlement for decision, settlement in read.items()})
    connection.executemany(
        "INSERT OR IGNORE INTO early_settlement (id, settlement) VALUES (?, ?)",
        [*late.items(), *(item for item in ends.items() if item[0] not in new and item[0] not in known)],
    )
    changed = new.keys() | open_ends.keys()
    ours = [each.id for each in entries if isinstance(each, Admitted | Settled)]
    return _promised(
        connection,
        works.by_hour(),
        new=new,
        waiting=waiting,
        changed=tuple(dict.fromkeys(decision for decision in ours if decision in changed)),
    )


def doubt(
    connection: sqlite3.Connection, expired: Mapping[int, tuple[int, ...]], *, waiting: Collection[int] = ()
) -> Batch:
    """Let these decisions, which were never settled, be in doubt: their numbers by hour."""
    sqlite_calls.doubt(connection, [seq for seqs in expired.values() for seq in seqs])
    return _promised(connection, {hour: Work(doubted=seqs) for hour, seqs in expired.items()}, waiting=waiting)


def waiting_in(connection: sqlite3.Connection, hours: Iterable[int]) -> list[Settled]:
    """The settlements of decisions of these hours that wait."""
    text = "SELECT settlement FROM early_settlement WHERE id >= ? AND id < ?"
    found = (connection.execute(text, (first_id(hour), first_id(hour + 1))) for hour in hours)
    return [Settled(_settlement.decode(raw), raw) for rows in found for (raw,) in rows]


def _promised(
    connection: sqlite3.Connection,
    works: Mapping[int, Work],
    *,
    waiting: Collection[int],
    new: Iterable[str] = (),
    changed: tuple[str, ...] = (),
) -> Batch:
    segments = catalogue.grow(connection, new, also=works)
    numbered = {}
    if works:  # else nothing is changed, which would have to reach the disk
        (batch,) = connection.execute("UPDATE sequence SET batch = batch + 1 RETURNING batch").fetchone()
        numbered = {hour: msgspec.structs.replace(work, batch=batch) for hour, work in works.items()}
    pending.promise(connection, numbered, waiting=waiting)
    return Batch(numbered, segments, changed)


def _take_early(connection: sqlite3.Connection, new: Iterable[str]) -> dict[str, bytes]:
    """Settlements that waited for these admissions; they wait no longer. The one that came first counts."""
    wanted = (msgspec.json.encode(list(new)).decode(),)
    text = "DELETE FROM early_settlement WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, settlement"
    return dict(connection.execute(text, wanted).fetchall())


def _insert(
    connection: sqlite3.Connection, new: dict[str, Admitted], ends: dict[str, bytes], *, log: Places, works: _Works
) -> None:
    if not new:
        return
    calls = []
    # We are the only writer, so the next number is free; calls are kept under the same one.
    (last,) = connection.execute("UPDATE sequence SET last = last + ? RETURNING last", (len(new),)).fetchone()
    for seq, (decision, entry) in enumerate(new.items(), start=last - len(new) + 1):
        conclusion, raw = concluded(entry.record, entry.outcome), ends.get(decision)
        settlement = None if raw is None else _settlement.decode(raw)
        if settlement is not None:
            conclusion = settled(conclusion, settlement)
        calls.append(New(seq, entry.record, entry.outcome, conclusion, _tenant(entry.record), settlement))
        row = (*row_of(entry, conclusion, raw), log.admitted[decision], log.settled.get(decision), seq)
        words = indexed(searched(entry.record, entry.outcome, conclusion))
        works.add(decision, Row(row, rules_of(entry.record, conclusion), words))
    sqlite_calls.add(connection, calls)
    sqlite_activity.add(connection, Tally(calls))
    sqlite_upstreams.add(connection, Heard(calls))
    sqlite_counts.add(connection, [(_tenant(entry.record), entry.record) for entry in new.values()])
    tenants = {_tenant(entry.record) for entry in new.values()}
    connection.executemany("INSERT OR IGNORE INTO tenant (name) VALUES (?)", [(name,) for name in tenants])
    skew_ms = max(abs(int(decision[:12], 16) - entry.record.received_ms) for decision, entry in new.items())
    connection.execute("UPDATE skew SET ms = ? WHERE ms < ?", (skew_ms, skew_ms))


def row_of(entry: Admitted, conclusion: Conclusion, settlement: bytes | None) -> tuple[Cell, ...]:
    """What a segment gets of a decision, but for its leaves and its number."""
    return (
        *_record_values(entry.record),
        _tenant(entry.record),
        *_conclusion_values(conclusion),
        entry.raw_record,
        entry.raw_outcome,
        settlement,
    )


def rules_of(record: Record, conclusion: Conclusion) -> tuple[str, ...]:
    """The deciding rule, limit or cap, and every rule that applied."""
    names = {conclusion.rule, *(look.rule for look in record.rules)}
    return tuple(sorted(name for name in names if name))


def _settled(known: Known, settlement: Settlement, *, raw: bytes, leaf: int) -> End:
    after = settled(known.before, settlement)
    words = indexed((after.reason,)) if after.reason != known.before.reason else ""
    return End(after.reason, after.status, after.state.value, after.settled_ms, raw, leaf, known.seq, words)


def _tenant(record: Record) -> str:
    return "" if record.tenant == keys.NOBODY else record.tenant
