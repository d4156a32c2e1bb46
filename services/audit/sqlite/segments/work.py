"""What a batch does to one segment: written down in the main file first, then done, and done again after a failure."""

import sqlite3
from typing import Any, Final

import msgspec

Cell = str | int | bytes | None

_SETTLE: Final = """UPDATE decision SET reason = ?, status = ?, state = ?, settled_ms = ?, settlement = ?,
 settled_leaf = ? WHERE seq = ?"""
_DOUBT: Final = "UPDATE decision SET state = 'IN_DOUBT' WHERE seq = ? AND state = 'RUNNING'"
_RULE: Final = "INSERT OR IGNORE INTO decision_rule (rule, decision) VALUES (?, ?)"
_WORDS: Final = "INSERT INTO words (rowid, text) VALUES (?, ?)"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A decision that is new, with a value for each column."""

    values: tuple[Any, ...]
    """Cells: msgspec decodes no union of text and bytes, though MessagePack tells them apart."""
    rules: tuple[str, ...]
    words: str = ""
    """For the index of words."""


class End(msgspec.Struct, frozen=True, array_like=True):
    """How a decision that was there before has ended."""

    reason: str
    status: str
    state: str
    settled_ms: int | None
    settlement: bytes
    leaf: int | None
    """Index of the settlement in the log."""
    seq: int
    words: str = ""


class Work(msgspec.Struct, frozen=True):
    """All that one batch does to one segment."""

    batch: int = 0
    """Number of the batch, by which the segment knows whether it has been done; 0: it has to find out itself."""

    columns: tuple[str, ...] = ()
    """Of the rows; `id` is one of them. Named, since what an earlier version has left may have fewer."""
    rows: tuple[Row, ...] = ()
    ends: tuple[End, ...] = ()
    doubted: tuple[int, ...] = ()
    """By their numbers: those that were never settled."""


_decoder: Final = msgspec.msgpack.Decoder(Work)


def written(work: Work) -> bytes:
    """The bytes to keep it by."""
    return msgspec.msgpack.encode(work)


def read(written: bytes) -> Work:
    """It again."""
    return _decoder.decode(written)


def do(connection: sqlite3.Connection, work: Work) -> None:
    """Do it, inside the caller's transaction; nothing where it has been done before."""
    (done,) = connection.execute("SELECT batch FROM done").fetchone()
    if 0 < work.batch <= done:
        return
    connection.execute("UPDATE done SET batch = ?", (max(done, work.batch),))
    if work.rows:
        marks = ", ".join("?" * len(work.columns))
        insert = f"INSERT OR IGNORE INTO decision ({', '.join(work.columns)}) VALUES ({marks})"  # noqa: S608
        connection.executemany(insert, [row.values for row in work.rows])
        at, seq = work.columns.index("id"), work.columns.index("seq")
        connection.executemany(_RULE, [(rule, row.values[at]) for row in work.rows for rule in row.rules])
        connection.executemany(_WORDS, [(row.values[seq] * 2, row.words) for row in work.rows if row.words])
    connection.executemany(_SETTLE, [msgspec.structs.astuple(end)[:-1] for end in work.ends])
    connection.executemany(_WORDS, [(end.seq * 2 + 1, end.words) for end in work.ends if end.words])
    connection.executemany(_DOUBT, [(seq,) for seq in work.doubted])
