"""Keeps the signed checkpoints of the log in PostgreSQL. What is signed continues what was signed before."""

from collections.abc import Callable
from typing import Final

from services.audit.postgres import log_rows
from services.audit.postgres.lanes import Connection
from services.audit.proofs.log import Say, Signed, continued

HOUR_MS: Final = 3_600_000
_COLUMNS: Final = "SELECT size, root, note, signed_ms FROM checkpoint"
_NEWEST: Final = f"{_COLUMNS} ORDER BY size DESC LIMIT 1"
# A cosignature is a second line of signature.
_COSIGNED: Final = f"{_COLUMNS} WHERE note LIKE '%— %— %' ORDER BY size DESC LIMIT 1"
_OF: Final = f"{_COLUMNS} WHERE size = %s"
_ALL: Final = f"{_COLUMNS} ORDER BY size"
_KEEP: Final = "INSERT INTO checkpoint (size, root, note, signed_ms) VALUES (%s, %s, %s, %s)"
# Of earlier hours the last one is enough, for any two are bound together by the tree itself; and what a witness saw.
_THIN: Final = """DELETE FROM checkpoint WHERE signed_ms / 3600000 < %s AND note NOT LIKE '%%— %%— %%' AND size NOT IN
 (SELECT max(size) FROM checkpoint GROUP BY signed_ms / 3600000)"""


def sign(connection: Connection, say: Say, *, now_ms: int) -> Signed:
    """See `services.audit.proofs.log.Log.sign`."""
    last = newest(connection)
    tree = log_rows.tree(connection)
    if last is not None and last.size == tree.size:
        return last
    root = continued(tree, last)
    signed = Signed(tree.size, root, say(tree.size, root, last), now_ms)
    connection.execute(_KEEP, (signed.size, signed.root, signed.note, signed.signed_ms))
    if last is not None and last.signed_ms // HOUR_MS != now_ms // HOUR_MS:
        connection.execute(_THIN, (now_ms // HOUR_MS - 1,))
    return signed


def newest(connection: Connection, *, cosigned: bool = False) -> Signed | None:
    """The checkpoint of the largest log, or of the largest that a witness has signed; `None` without any."""
    row = connection.execute((_COSIGNED if cosigned else _NEWEST).encode()).fetchone()
    return None if row is None else Signed(*row)


def of(connection: Connection, size: int) -> Signed | None:
    """The checkpoint of a log of that size; `None` where there is none."""
    row = connection.execute(_OF.encode(), (size,)).fetchone()
    return None if row is None else Signed(*row)


def every(connection: Connection) -> tuple[Signed, ...]:
    """All that are kept, by size."""
    return tuple(Signed(*row) for row in connection.execute(_ALL.encode()))


def cosign(connection: Connection, size: int, add: Callable[[str], str]) -> bool:
    """Let `add` add to the note of that size; whether there is one."""
    found = of(connection, size)
    if found is None:
        return False
    connection.execute("UPDATE checkpoint SET note = %s WHERE size = %s", (add(found.note), size))
    return True
