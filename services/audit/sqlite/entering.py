"""Enters a batch into the log, and keeps those of its entries that are no part of a decision."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from services.audit.entries import Admitted, Copied, Entry, Reported
from services.audit.proofs.entering import Places, fresh_notes, in_order, part, requests, without_known
from services.audit.sqlite import copies as sqlite_copies
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite import notes, outcomes


def enter(
    connection: sqlite3.Connection,
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
    first = sqlite_log.append(connection, entered)
    parted = part(entered, first=first)
    outcomes.keep(connection, parted.told)
    sqlite_copies.keep(connection, parted.copied)
    notes.keep(connection, parted.noted)
    return parted.places


def _fresh(connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """What is no part of a decision, as far as it is not stored yet."""
    once = requests(entries)
    return [
        *fresh_notes(entries, once=once, known=notes.known(connection, once)),
        *outcomes.new(connection, [entry for entry in entries if isinstance(entry, Reported)]),
        *sqlite_copies.new(connection, [entry for entry in entries if isinstance(entry, Copied)]),
    ]
