"""The Merkle tree of the log in SQLite, inside the transaction that stores what it is made of."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from services.audit.proofs.entering import Entered
from services.proof import tiles
from services.proof.merkle import HASH_BYTES
from services.proof.tiles import WIDTH, Tree

_TILE: Final = "SELECT hashes FROM tile WHERE level = ? AND number = ?"
_LAST: Final = "SELECT number, length(hashes) FROM tile WHERE level = 0 ORDER BY number DESC LIMIT 1"
_KEEP: Final = """INSERT INTO tile (level, number, hashes) VALUES (?, ?, ?)
 ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"""


def size(connection: sqlite3.Connection) -> int:
    """How many entries the log has."""
    number, length = connection.execute(_LAST).fetchone() or (0, 0)
    return int(number * WIDTH + length // HASH_BYTES)


def append(connection: sqlite3.Connection, entered: Sequence[Entered]) -> int:
    """Add entries to the log; returns the index of the first."""
    before = size(connection)
    if entered:
        hashes = [each.leaf.hash for each in entered]
        changed = tiles.grown(before, hashes, read=lambda level, number: read(connection, level, number))
        connection.executemany(_KEEP, [(*place, tile) for place, tile in changed.items()])
        rows = [
            (index, each.leaf.kind, bytes.fromhex(each.decision)) for index, each in enumerate(entered, start=before)
        ]
        connection.executemany("INSERT INTO leaf (number, kind, decision) VALUES (?, ?, ?)", rows)
    return before


def tree(connection: sqlite3.Connection, at: int | None = None) -> Tree:
    """The tree as it was when it had `at` leaves, or as it is."""
    count = size(connection) if at is None else at
    return Tree(count, read=lambda level, number: read(connection, level, number))


def read(connection: sqlite3.Connection, level: int, number: int) -> bytes:
    """The hashes of a tile; empty where there is none."""
    found = connection.execute(_TILE, (level, number)).fetchone()
    return found[0] if found else b""
