"""Enters into the log what an earlier version stored without one: once, at a start, in the order of the ids."""

import logging
import sqlite3
from collections.abc import Sequence
from typing import Final

from services.audit.proofs.entering import Entered
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite.transactions import transaction
from services.proof import leaves
from services.proof.leaves import Leaf

_AT_ONCE: Final = 1_000
_DECISIONS: Final = """SELECT id, record, outcome, settlement FROM decision WHERE leaf IS NULL AND id > ?
 ORDER BY id LIMIT ?"""
_COPIES: Final = (
    "SELECT rowid, decision, tenant, result FROM copy WHERE leaf IS NULL AND rowid > ? ORDER BY rowid LIMIT ?"
)

_log = logging.getLogger(__name__)


def enter(main: sqlite3.Connection) -> None:
    """Enter all of it, if there is any: decisions that are in the main file still, and copies.

    What is interrupted goes on where it was. What customers did was not kept as it came, so it cannot enter.
    """
    if not main.execute("SELECT 1 FROM sqlite_schema WHERE name = 'decision'").fetchone():
        return
    entered, after = 0, ""
    while rows := main.execute(_DECISIONS, (after, _AT_ONCE)).fetchall():
        with transaction(main):
            _decisions(main, rows)
        entered, after = entered + len(rows), rows[-1][0]
        _log.info("decisions of an earlier version enter the log", extra={"entered": entered})
    place = 0
    while copies := main.execute(_COPIES, (place, _AT_ONCE)).fetchall():
        with transaction(main):
            _copies(main, copies)
        place = copies[-1][0]


def _decisions(main: sqlite3.Connection, rows: Sequence[tuple[str, bytes, bytes, bytes | None]]) -> None:
    entered: list[Entered] = []
    for decision, record, outcome, settlement in rows:
        entered.append(Entered(Leaf(leaves.ADMIT, (record, outcome)), decision))
        if settlement is not None:
            entered.append(Entered(Leaf(leaves.SETTLE, (settlement,)), decision))
    first = sqlite_log.append(main, entered)
    for index, each in enumerate(entered, start=first):
        column = "leaf" if each.leaf.kind == leaves.ADMIT else "settled_leaf"
        main.execute(f"UPDATE decision SET {column} = ? WHERE id = ?", (index, each.decision))  # noqa: S608


def _copies(main: sqlite3.Connection, rows: Sequence[tuple[int, str, str, str]]) -> None:
    entered = [
        Entered(Leaf(leaves.COPY, (tenant.encode(), result.encode())), decision) for _, decision, tenant, result in rows
    ]
    first = sqlite_log.append(main, entered)
    places = [(index, rowid) for index, (rowid, *_) in enumerate(rows, start=first)]
    main.executemany("UPDATE copy SET leaf = ? WHERE rowid = ?", places)
