"""Finds in SQLite what the leaves of the log were made of."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Final

from services.audit.proofs.log import Place
from services.audit.sql.dialects import DUCKDB, Dialect, Sql
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite.segments.cold import Rows, one_of
from services.audit.sqlite.segments.reading import Ask
from services.proof import leaves
from services.proof.leaves import Leaf
from services.proof.merkle import HASH_BYTES
from services.proof.tiles import WIDTH

Each = Callable[[Sequence[str], Ask], Rows]
"""`SegmentReader.each`."""

_ROWS: Final = "SELECT number, kind, decision FROM leaf WHERE number >= ? AND number < ?"
_OF_DECISIONS: Final = (leaves.ADMIT, leaves.SETTLE)
_PARTS: Final = {
    leaves.OUTCOME: "SELECT tenant, raw FROM outcome WHERE decision = ? AND leaf = ?",
    leaves.COPY: "SELECT tenant, result FROM copy WHERE decision = ? AND leaf = ?",
}
_LOGGED: Final = "SELECT id, leaf, record, outcome, settled_leaf, settlement FROM decision"
_BETWEEN: Final = "leaf >= ? AND leaf < ? OR settled_leaf >= ? AND settled_leaf < ?"
_Parts = tuple[bytes, ...]


def places(connection: sqlite3.Connection, start: int, *, end: int, each: Each) -> tuple[Place, ...]:
    """See `services.audit.proofs.log.Log.places`."""
    found_hashes = hashes(connection, start, end=end)
    rows = {number: (kind, decision.hex()) for number, kind, decision in connection.execute(_ROWS, (start, end))}
    decided = _of_decisions({decision for kind, decision in rows.values() if kind in _OF_DECISIONS}, each, start, end)
    found = []
    for index, leaf_hash in enumerate(found_hashes, start=start):
        kind, decision = rows.get(index, ("", ""))
        if kind in _OF_DECISIONS:
            parts = decided.get((index, kind, decision))
        else:
            parts = _parts(connection, index, kind, decision) if kind else None
        found.append(Place(index, kind, leaf_hash, None if parts is None else Leaf(kind, parts), decision))
    return tuple(found)


def decisions(connection: sqlite3.Connection, start: int, *, end: int) -> tuple[str, ...]:
    """See `services.audit.proofs.log.Log.decisions`."""
    rows = connection.execute(f"{_ROWS} ORDER BY number", (start, end))
    return tuple(decision.hex() for _, kind, decision in rows if kind in _OF_DECISIONS)


def _of_decisions(decisions: Collection[str], each: Each, start: int, end: int) -> dict[tuple[int, str, str], _Parts]:
    """The parts of admissions and ends, by place, kind and decision: only where all three agree is it the entry.

    Parquet files are asked for places, which they find far sooner than ids; others than those asked for may come too.
    """
    ids = sorted(decisions)

    def ask(dialect: Dialect) -> Sql:
        if dialect is DUCKDB:
            return Sql(f"{_LOGGED} WHERE {_BETWEEN}", (start, end, start, end))
        return Sql(f"{_LOGGED} WHERE id {dialect.one_of}", (one_of(ids),))

    found: dict[tuple[int, str, str], _Parts] = {}
    for decision, leaf, record, outcome, settled_leaf, settlement in each(ids, ask):
        if leaf is not None:
            found[leaf, leaves.ADMIT, decision] = (record, outcome)
        if settled_leaf is not None and settlement is not None:
            found[settled_leaf, leaves.SETTLE, decision] = (settlement,)
    return found


def _parts(connection: sqlite3.Connection, index: int, kind: str, decision: str) -> _Parts | None:
    text = _PARTS.get(kind)
    if text is None:
        found = connection.execute("SELECT raw FROM noted WHERE leaf = ?", (index,)).fetchone()
    else:
        key = bytes.fromhex(decision) if kind == leaves.OUTCOME else decision
        found = connection.execute(text, (key, index)).fetchone()
    if found is None or None in found:
        return None
    return tuple(part.encode() if isinstance(part, str) else part for part in found)


def hashes(connection: sqlite3.Connection, start: int, *, end: int) -> Sequence[bytes]:
    """See `services.audit.proofs.log.Log.hashes`."""
    tiles = range(start // WIDTH, (end + WIDTH - 1) // WIDTH)
    whole = b"".join(sqlite_log.read(connection, 0, number) for number in tiles)
    offset = tiles.start * WIDTH
    return [whole[(at - offset) * HASH_BYTES : (at - offset + 1) * HASH_BYTES] for at in range(start, end)]
