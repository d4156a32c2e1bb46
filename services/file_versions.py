"""The version of a file of SQLite that has no steps to take: it only says which version of its tables it has."""

import sqlite3

from gateway.core.errors import DataNewer


def agree(connection: sqlite3.Connection, version: int, *, what: str) -> None:
    """See that this version of Pilote can read the file, and note that; files of before there were versions have none.

    Raises:
        DataNewer: a newer version of Pilote wrote it.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > version:
        raise DataNewer(what, found=found, known=version)
    if found < version:
        connection.execute(f"PRAGMA user_version = {version}")
