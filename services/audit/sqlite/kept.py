"""Finds in SQLite what the leaves of the log were made of."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.audit.proofs.log import Place, Raw
from services.audit.sqlite import log as sqlite_log
from services.proof import leaves
from services.proof.leaves import Leaf
from services.proof.merkle import HASH_BYTES
from services.proof.tiles import WIDTH

Row = tuple[int, str, bytes]
"""Index, kind and decision of a leaf."""

_ROWS: Final = "SELECT number, kind, decision FROM leaf WHERE number >= ? AND number < ?"
_OF_DECISIONS: Final = (leaves.ADMIT, leaves.SETTLE)
_PARTS: Final = {
    leaves.OUTCOME: "SELECT tenant, raw FROM outcome WHERE decision = ? AND leaf = ?",
    leaves.COPY: "SELECT tenant, result FROM copy WHERE decision = ? AND leaf = ?",
}


def places(
    connection: sqlite3.Connection, start: int, *, end: int, raw_of: Callable[[Sequence[str]], Mapping[str, Raw]]
) -> tuple[Place, ...]:
    """See `services.audit.proofs.log.Log.places`. `raw_of` gives those of the decisions that are stored."""
    found_hashes = hashes(connection, start, end=end)
    rows = {row[0]: row for row in connection.execute(_ROWS, (start, end))}
    raw = raw_of(sorted({row[2].hex() for row in rows.values() if row[1] in _OF_DECISIONS}))
    found = []
    for index in range(start, end):
        row = rows.get(index)
        parts = None if row is None else _parts(connection, row, raw)
        found.append(
            Place(
                index=index,
                kind="" if row is None else row[1],
                hash=found_hashes[index - start],
                leaf=None if row is None or parts is None else Leaf(row[1], parts),
                decision="" if row is None else row[2].hex(),
            )
        )
    return tuple(found)


def decisions(connection: sqlite3.Connection, start: int, *, end: int) -> tuple[str, ...]:
    """See `services.audit.proofs.log.Log.decisions`."""
    rows = connection.execute(f"{_ROWS} ORDER BY number", (start, end))
    return tuple(decision.hex() for _, kind, decision in rows if kind in _OF_DECISIONS)


def _parts(connection: sqlite3.Connection, row: Row, raw: Mapping[str, Raw]) -> tuple[bytes, ...] | None:
    index, kind, decision = row
    if kind in _OF_DECISIONS:
        return _parts_of(raw.get(decision.hex()), index, kind=kind)
    text = _PARTS.get(kind)
    if text is None:
        found = connection.execute("SELECT raw FROM noted WHERE leaf = ?", (index,)).fetchone()
    else:
        key = decision if kind == leaves.OUTCOME else decision.hex()
        found = connection.execute(text, (key, index)).fetchone()
    if found is None or None in found:
        return None
    return tuple(part.encode() if isinstance(part, str) else part for part in found)


def _parts_of(raw: Raw | None, index: int, *, kind: str) -> tuple[bytes, ...] | None:
    if raw is None:
        return None
    if kind == leaves.ADMIT:
        return (raw.record, raw.outcome) if raw.leaf == index else None
    return (raw.settlement,) if raw.settlement is not None and raw.settled_leaf == index else None


def hashes(connection: sqlite3.Connection, start: int, *, end: int) -> Sequence[bytes]:
    """See `services.audit.proofs.log.Log.hashes`."""
    tiles = range(start // WIDTH, (end + WIDTH - 1) // WIDTH)
    whole = b"".join(sqlite_log.read(connection, 0, number) for number in tiles)
    offset = tiles.start * WIDTH
    return [whole[(at - offset) * HASH_BYTES : (at - offset + 1) * HASH_BYTES] for at in range(start, end)]
