"""Finds in SQLite what the leaves of the log were made of."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from services.audit import sqlite_log
from services.audit.log import Place
from services.proof import leaves
from services.proof.leaves import Leaf
from services.proof.merkle import HASH_BYTES
from services.proof.tiles import WIDTH

Row = tuple[int, str, bytes]
"""Index, kind and decision of a leaf."""

_ROWS: Final = "SELECT number, kind, decision FROM leaf WHERE number >= ? AND number < ?"
_PARTS: Final = {
    leaves.ADMIT: "SELECT record, outcome FROM decision WHERE id = ? AND leaf = ?",
    leaves.SETTLE: "SELECT settlement FROM decision WHERE id = ? AND settled_leaf = ?",
    leaves.OUTCOME: "SELECT tenant, raw FROM outcome WHERE decision = ? AND leaf = ?",
    leaves.COPY: "SELECT tenant, result FROM copy WHERE decision = ? AND leaf = ?",
}


def places(connection: sqlite3.Connection, start: int, *, end: int) -> tuple[Place, ...]:
    """See `services.audit.log.Log.places`."""
    hashes = _hashes(connection, start, end=end)
    rows = {row[0]: row for row in connection.execute(_ROWS, (start, end))}
    found = []
    for index in range(start, end):
        row = rows.get(index)
        parts = None if row is None else _parts(connection, row)
        found.append(
            Place(
                index=index,
                kind="" if row is None else row[1],
                hash=hashes[index - start],
                leaf=None if row is None or parts is None else Leaf(row[1], parts),
            )
        )
    return tuple(found)


def _parts(connection: sqlite3.Connection, row: Row) -> tuple[bytes, ...] | None:
    index, kind, decision = row
    text = _PARTS.get(kind)
    if text is None:
        found = connection.execute("SELECT raw FROM noted WHERE leaf = ?", (index,)).fetchone()
    else:
        key = decision if kind == leaves.OUTCOME else decision.hex()
        found = connection.execute(text, (key, index)).fetchone()
    if found is None or None in found:
        return None
    return tuple(part.encode() if isinstance(part, str) else part for part in found)


def _hashes(connection: sqlite3.Connection, start: int, *, end: int) -> Sequence[bytes]:
    tiles = range(start // WIDTH, (end + WIDTH - 1) // WIDTH)
    whole = b"".join(sqlite_log.read(connection, 0, number) for number in tiles)
    offset = tiles.start * WIDTH
    return [whole[(at - offset) * HASH_BYTES : (at - offset + 1) * HASH_BYTES] for at in range(start, end)]
