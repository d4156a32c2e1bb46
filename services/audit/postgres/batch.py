"""Writes one batch of entries into PostgreSQL, inside its caller's transaction, which holds `lanes.lock`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Record, Settlement, Verdict
from gateway.records.conclusion import Conclusion, State, concluded, settled
from services.audit.activity import Tally
from services.audit.calls import New
from services.audit.entries import Admitted, Entry, Recorded, Settled
from services.audit.filters.searching import searched
from services.audit.personal import over_ms
from services.audit.postgres import activity, calls, counts, entering, inputs, upstreams
from services.audit.postgres import keys as subject_keys
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy, many
from services.audit.postgres.texts import kept, line_of
from services.audit.proofs.entering import Places
from services.audit.upstreams import Heard

_settlement: Final = msgspec.json.Decoder(Settlement)

_TEXTS: Final = (
    *("agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route", "arm"),
    *("upstream", "trace_id"),
)
_NUMBERS: Final = ("revision", "received_ms", "decided_ms", "expires_ms")
_CONCLUSION: Final = ("verdict", "reason", "rule", "status", "state", "settled_ms")
_texts: Final = attrgetter(*_TEXTS)
_numbers: Final = attrgetter(*_NUMBERS)
COLUMNS: Final = (
    *("id", *_TEXTS, "tenant", *_NUMBERS, *_CONCLUSION),
    *("record", "outcome", "settlement", "words", "until_ms", "leaf", "settled_leaf"),
)
"""Of a decision, as `row_of` and its places in the log say them."""
_INSERT: Final = f"""INSERT INTO decision ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM stage_decision
 ON CONFLICT (id) DO NOTHING RETURNING id"""
_ENDED: Final = ("id", "reason", "status", "state", "settled_ms", "settlement", "words", "settled_leaf")
# The bounds leave the partitions that hold none of them out of the plan.
_SETTLE: Final = """UPDATE decision SET reason = s.reason, status = s.status, state = s.state,
 settled_ms = s.settled_ms, settlement = s.settlement, words = decision.words || s.words, settled_leaf = s.settled_leaf
 FROM stage_settled AS s WHERE decision.id = s.id AND decision.id >= %s AND decision.id <= %s"""
_KNOWN: Final = f"""SELECT id, settlement IS NOT NULL, {", ".join(_CONCLUSION)} FROM decision
 WHERE id = ANY(%s::uuid[])"""


def write(connection: Connection, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Store what is new in the entries; returns the ids of the decisions they changed, in order, each once.

    Admissions go first, so that within a batch the order of the entries does not matter. What customers did, and what
    came of copies, is stored by itself: it may come before the decision that it is about.
    """
    subject_keys.keep(connection, [entry for entry in entries if isinstance(entry, Admitted)])
    inputs.keep(connection, [entry for entry in entries if isinstance(entry, Recorded)])
    new = {entry.id: entry for entry in reversed(entries) if isinstance(entry, Admitted)}
    ends = {entry.id: entry.raw for entry in reversed(entries) if isinstance(entry, Settled)}
    known = _known(connection, new.keys() | ends.keys())
    new = {decision: entry for decision, entry in new.items() if decision not in known}
    early = _take_early(connection, new)
    ends = {decision: raw for decision, raw in ends.items() if decision not in known or not known[decision].over}
    ends |= early
    log = entering.enter(connection, entries, new=new, ends=ends, early=early, known=known)
    _insert(connection, new, ends, log)
    open_ends = {decision: raw for decision, raw in ends.items() if decision in known}
    _settle(connection, open_ends, known=known, log=log)
    many(
        connection,
        "INSERT INTO early_settlement (id, settlement) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [item for item in ends.items() if item[0] not in new and item[0] not in known],
    )
    changed = new.keys() | open_ends.keys()
    ours = [each.id for each in entries if isinstance(each, Admitted | Settled)]
    return tuple(dict.fromkeys(decision for decision in ours if decision in changed))


def mark_in_doubt(connection: Connection, *, now_ms: int) -> int:
    """Mark what still runs after its reservation has expired; returns how many were marked."""
    text = "UPDATE decision SET state = 'IN_DOUBT' WHERE state = 'RUNNING' AND expires_ms < %s RETURNING id"
    marked = [decision.hex for (decision,) in connection.execute(text, (now_ms,))]
    calls.doubt(connection, marked)
    return len(marked)


class _Known(msgspec.Struct, frozen=True):
    """A decision that is in the store already."""

    before: Conclusion
    over: bool
    """Its settlement is in the store too."""


def _known(connection: Connection, decisions: Collection[str]) -> dict[str, _Known]:
    if not decisions:
        return {}
    return {
        decision.hex: _Known(Conclusion(Verdict(verdict), reason, rule, status, State(state), at_ms), over)
        for decision, over, verdict, reason, rule, status, state, at_ms in connection.execute(
            _KNOWN, (list(decisions),)
        )
    }


def _take_early(connection: Connection, new: Iterable[str]) -> dict[str, bytes]:
    """Settlements that waited for these admissions; they wait no longer. The one that came first counts."""
    text = "DELETE FROM early_settlement WHERE id = ANY(%s::uuid[]) RETURNING id, settlement"
    return {decision.hex: settlement for decision, settlement in connection.execute(text, (list(new),))}


def _insert(connection: Connection, new: Mapping[str, Admitted], ends: Mapping[str, bytes], log: Places) -> None:
    if not new:
        return
    rows, rules, news = [], [], []
    for decision, entry in new.items():
        conclusion, raw = concluded(entry.record, entry.outcome), ends.get(decision)
        settlement = None if raw is None else _settlement.decode(raw)
        if settlement is not None:
            conclusion = settled(conclusion, settlement)
        rows.append((*row_of(entry, conclusion, raw), log.admitted[decision], log.settled.get(decision)))
        news.append(New(0, entry.record, entry.outcome, conclusion, _tenant(entry.record), settlement))
        rules += [(name, decision) for name in rules_of(entry.record, conclusion)]
    copy(connection, "stage_decision", COLUMNS, rows=rows)
    stored = {decision.hex for (decision,) in connection.execute(_INSERT.encode())}
    if stored != new.keys():
        # Nobody writes but us, see the lock. Were it otherwise, a decision would be in the log and the sums twice.
        raise CallEnded(Reason.STORE_UNAVAILABLE, "Somebody writes decisions without the lock that all writers take.")
    copy(connection, "decision_rule", ("rule", "decision"), rows=rules)
    calls.add(connection, news)
    activity.add(connection, Tally(news))
    upstreams.add(connection, Heard(news))
    counts.add(connection, [(new.tenant, new.record) for new in news])
    tenants = sorted({new.tenant for new in news})
    many(
        connection, "INSERT INTO tenant (name) VALUES (%s) ON CONFLICT DO NOTHING", [(kept(each),) for each in tenants]
    )
    skew_ms = max(abs(int(decision[:12], 16) - entry.record.received_ms) for decision, entry in new.items())
    connection.execute("UPDATE skew SET ms = %s WHERE ms < %s", (skew_ms, skew_ms))


def _settle(connection: Connection, ends: Mapping[str, bytes], *, known: Mapping[str, _Known], log: Places) -> None:
    """Keep how decisions ended that were stored before."""
    if not ends:
        return
    read = {decision: _settlement.decode(raw) for decision, raw in ends.items()}
    rows = []
    for decision, settlement in read.items():
        after = settled(known[decision].before, settlement)
        values = (kept(after.reason), kept(after.status), after.state.value, after.settled_ms)
        # A call that was let through has no reason but the one it ended with.
        more = line_of(after.reason) if after.reason != known[decision].before.reason else ""
        rows.append((decision, *values, ends[decision], more, log.settled[decision]))
    copy(connection, "stage_settled", _ENDED, rows=rows)
    connection.execute(_SETTLE, (min(ends), max(ends)))
    calls.settle(connection, read)


def rules_of(record: Record, conclusion: Conclusion) -> set[str]:
    """The deciding rule, limit or cap, and every rule that applied, as they are kept."""
    return {kept(name) for name in (conclusion.rule, *(look.rule for look in record.rules)) if name}


def row_of(entry: Admitted, conclusion: Conclusion, settlement: bytes | None) -> tuple[object, ...]:
    """What the table gets of a decision, but for its leaves."""
    said = (conclusion.verdict.value, kept(conclusion.reason), kept(conclusion.rule), kept(conclusion.status))
    return (
        entry.id,
        *map(kept, _texts(entry.record)),
        kept(_tenant(entry.record)),
        *_numbers(entry.record),
        *(*said, conclusion.state.value, conclusion.settled_ms),
        *(entry.raw_record, entry.raw_outcome, settlement),
        *("".join(map(line_of, searched(entry.record, entry.outcome, conclusion))), over_ms(entry.record)),
    )


def _tenant(record: Record) -> str:
    return "" if record.tenant == keys.NOBODY else record.tenant
