"""Enters a batch into the log, and keeps those of its entries that are no part of a decision."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.audit.entries import Admitted, Copied, Entry, Reported
from services.audit.postgres import copies, log_rows, notes
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy
from services.audit.postgres.texts import kept, unkept
from services.audit.proofs.entering import Places, fresh_notes, in_order, part, requests, without_known

_OUTCOME: Final = (
    *("decision", "tenant", "type", "event", "occurred_ms", "reported_ms", "reporter", "revenue_cents", "currency"),
    *("question", "answer", "whole_tenant", "raw", "leaf"),
)
_KNOWN: Final = "SELECT decision, tenant, type, event FROM outcome WHERE decision = ANY(%s::uuid[])"

Key = tuple[str, str, str, str]


def enter(
    connection: Connection,
    entries: Sequence[Entry],
    *,
    new: Mapping[str, Admitted],
    ends: Mapping[str, bytes],
    early: Collection[str],
    known: Collection[str],
) -> Places:
    """Add what is new to the log and say where it stands there; see `services.audit.proofs.entering.in_order`."""
    wanted = without_known(entries, fresh=_fresh(connection, entries))
    entered = in_order(wanted, new=new, ends=ends, early=early, known=known)
    first = log_rows.append(connection, entered)
    parted = part(entered, first=first)
    if parted.told:
        told = [(*_key(entry), *_told(entry), index) for entry, index in parted.told]
        copy(connection, "outcome", _OUTCOME, rows=told)
    copies.keep(connection, parted.copied)
    notes.keep(connection, parted.noted)
    return parted.places


def _fresh(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """What is no part of a decision, as far as it is not stored yet."""
    told = [entry for entry in entries if isinstance(entry, Reported)]
    once = requests(entries)
    return [
        *_new(connection, told),
        *copies.new(connection, [each for each in entries if isinstance(each, Copied)]),
        *fresh_notes(entries, once=once, known=notes.known(connection, once)),
    ]


def _new(connection: Connection, told: Sequence[Reported]) -> list[Reported]:
    """Those that are not stored yet, each event once: what comes again is the same."""
    if not told:
        return []
    first = {_key(entry): entry for entry in reversed(told)}
    found = connection.execute(_KNOWN, ([entry.outcome.decision for entry in told],))
    known = {(decision.hex, tenant, kind, event) for decision, tenant, kind, event in found}
    return [entry for key, entry in first.items() if key not in known]


def _key(entry: Reported) -> Key:
    told = entry.outcome
    return told.decision, kept(entry.tenant), kept(told.type), kept(told.event)


def _told(entry: Reported) -> tuple[object, ...]:
    told = entry.outcome
    return (
        *(told.occurred_ms, told.reported_ms, kept(told.reporter), told.revenue_cents, kept(told.currency)),
        *(kept(told.question), kept(told.answer), unkept(entry.tenant), entry.raw),
    )
