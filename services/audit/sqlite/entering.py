"""Enters a batch into the log, and keeps those of its entries that are no part of a decision."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.audit.entries import Admitted, Copied, Entry, Noted, Reported
from services.audit.proofs.entering import in_order
from services.audit.sqlite import copies as sqlite_copies
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite import outcomes
from services.proof import leaves


class Places(msgspec.Struct, frozen=True):
    """Where in the log the entries of a batch stand, by decision."""

    admitted: Mapping[str, int]
    settled: Mapping[str, int]


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
    fresh = {id(entry): entry for entry in _fresh(connection, entries)}
    wanted = [
        entry for entry in entries if not isinstance(entry, Reported | Copied) or fresh.pop(id(entry), None) is not None
    ]
    entered = in_order(wanted, new=new, ends=ends, early=early, known=known)
    first = sqlite_log.append(connection, entered)
    told, copies, noted = [], [], []
    places: dict[str, dict[str, int]] = {leaves.ADMIT: {}, leaves.SETTLE: {}}
    for index, each in enumerate(entered, start=first):
        match each.source:
            case Reported():
                told.append((each.source, index))
            case Copied():
                copies.append((each.source, index))
            case Noted():
                noted.append((index, each.source.raw))
            case _:
                places[each.leaf.kind][each.decision] = index
    outcomes.keep(connection, told)
    sqlite_copies.keep(connection, copies)
    connection.executemany("INSERT INTO noted (leaf, raw) VALUES (?, ?)", noted)
    return Places(places[leaves.ADMIT], places[leaves.SETTLE])


def _fresh(connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """What customers did and what came of copies, as far as it is not stored yet."""
    return [
        *outcomes.new(connection, [entry for entry in entries if isinstance(entry, Reported)]),
        *sqlite_copies.new(connection, [entry for entry in entries if isinstance(entry, Copied)]),
    ]
