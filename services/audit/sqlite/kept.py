"""Finds in SQLite what the leaves of the log were made of."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from services.audit.proofs.log import Span
from services.audit.sql.dialects import DUCKDB, Dialect, Sql
from services.audit.sqlite import log as sqlite_log
from services.audit.sqlite.segments.cold import Rows, one_of
from services.audit.sqlite.segments.reading import Ask
from services.proof import leaves
from services.proof.merkle import parted
from services.proof.tiles import leaf_hashes

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


def span(connection: sqlite3.Connection, start: int, *, end: int, each: Each) -> Span:
    """See `services.audit.proofs.log.Log.span`."""
    count = end - start
    kinds, decisions, parts = [""] * count, [""] * count, list[_Parts]([()]) * count
    for number, kind, decision in connection.execute(_ROWS, (start, end)):
        kinds[number - start], decisions[number - start] = kind, decision.hex()
    _of_decisions(Span(start, b"", kinds, parts, decisions), each=each, into=parts)
    for at, kind in enumerate(kinds):
        if kind and kind not in _OF_DECISIONS:
            parts[at] = _parts(connection, start + at, kind, decisions[at])
    return Span(start, _hashes(connection, start, end), kinds, parts, decisions)


def decisions(connection: sqlite3.Connection, start: int, *, end: int) -> tuple[str, ...]:
    """See `services.audit.proofs.log.Log.decisions`."""
    rows = connection.execute(f"{_ROWS} ORDER BY number", (start, end))
    return tuple(decision.hex() for _, kind, decision in rows if kind in _OF_DECISIONS)


def _of_decisions(span: Span, *, each: Each, into: list[_Parts]) -> None:
    """Put in the parts of admissions and ends: only where place, kind and decision agree is it the entry.

    Parquet files are asked for places, which they find far sooner than ids; others than those asked for may come too.
    """
    start, kinds, decisions = span.start, span.kinds, span.decisions
    end = start + len(kinds)
    ids = sorted({decision for kind, decision in zip(kinds, decisions, strict=True) if kind in _OF_DECISIONS})

    def ask(dialect: Dialect) -> Sql:
        if dialect is DUCKDB:
            return Sql(f"{_LOGGED} WHERE {_BETWEEN}", (start, end, start, end))
        return Sql(f"{_LOGGED} WHERE id {dialect.one_of}", (one_of(ids),))

    for decision, leaf, record, outcome, settled_leaf, settlement in each(ids, ask):
        if leaf is not None and start <= leaf < end:
            at = leaf - start
            if decisions[at] == decision and kinds[at] == leaves.ADMIT:
                into[at] = (record, outcome)
        if settled_leaf is not None and start <= settled_leaf < end and settlement is not None:
            at = settled_leaf - start
            if decisions[at] == decision and kinds[at] == leaves.SETTLE:
                into[at] = (settlement,)


def _parts(connection: sqlite3.Connection, index: int, kind: str, decision: str) -> _Parts:
    text = _PARTS.get(kind)
    if text is None:
        found = connection.execute("SELECT raw FROM noted WHERE leaf = ?", (index,)).fetchone()
    else:
        key = bytes.fromhex(decision) if kind == leaves.OUTCOME else decision
        found = connection.execute(text, (key, index)).fetchone()
    if found is None or None in found:
        return ()
    return tuple(part.encode() if isinstance(part, str) else part for part in found)


def hashes(connection: sqlite3.Connection, start: int, *, end: int) -> Sequence[bytes]:
    """See `services.audit.proofs.log.Log.hashes`."""
    return parted(_hashes(connection, start, end))


def _hashes(connection: sqlite3.Connection, start: int, end: int) -> bytes:
    return leaf_hashes(start, end=end, read=lambda number: sqlite_log.read(connection, 0, number))
