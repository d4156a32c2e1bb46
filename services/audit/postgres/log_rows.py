"""The Merkle tree of the log in PostgreSQL, inside the transaction that stores what it is made of.

Only one transaction at a time appends (`lanes.lock`), so the leaves have one order.
"""

from collections.abc import Sequence
from typing import Final

from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import copy, many
from services.audit.proofs.entering import Entered
from services.proof import tiles
from services.proof.merkle import HASH_BYTES
from services.proof.tiles import WIDTH, Tree

_TILE: Final = "SELECT hashes FROM tile WHERE level = %s AND number = %s"
_LAST: Final = "SELECT number, length(hashes) FROM tile WHERE level = 0 ORDER BY number DESC LIMIT 1"
_KEEP: Final = """INSERT INTO tile (level, number, hashes) VALUES (%s, %s, %s)
 ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"""


def size(connection: Connection) -> int:
    """How many entries the log has."""
    number, length = connection.execute(_LAST).fetchone() or (0, 0)
    return int(number * WIDTH + length // HASH_BYTES)


def append(connection: Connection, entered: Sequence[Entered]) -> int:
    """Add entries to the log; returns the index of the first."""
    before = size(connection)
    if entered:
        hashes = [each.leaf.hash for each in entered]
        changed = tiles.grown(before, hashes, read=lambda level, number: read(connection, level, number))
        many(connection, _KEEP, [(*place, tile) for place, tile in changed.items()])
        rows = [(index, each.leaf.kind, each.decision or None) for index, each in enumerate(entered, start=before)]
        copy(connection, "leaf", ("number", "kind", "decision"), rows=rows)
    return before


def tree(connection: Connection, at: int | None = None) -> Tree:
    """The tree as it was when it had `at` leaves, or as it is."""
    count = size(connection) if at is None else at
    return Tree(count, read=lambda level, number: read(connection, level, number))


def read(connection: Connection, level: int, number: int) -> bytes:
    """The hashes of a tile; empty where there is none."""
    found = connection.execute(_TILE, (level, number)).fetchone()
    return bytes(found[0]) if found else b""
