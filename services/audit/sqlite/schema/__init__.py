"""The schema of the store's main file, as numbered steps taken in order; `user_version` says how many it has taken."""

import sqlite3
from importlib import resources

from gateway.core.errors import CallEnded, Reason


def bring_up_to_date(connection: sqlite3.Connection, package: str = __name__) -> None:
    """Take the steps of a package that the file has not taken yet, each in a transaction of its own.

    Raises:
        CallEnded: STORE_UNAVAILABLE when a newer version of Pilote wrote the file.
    """
    known = steps(package)
    (taken,) = connection.execute("PRAGMA user_version").fetchone()
    if taken > len(known):
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store was written by a newer version of Pilote.")
    for number, text in enumerate(known[taken:], start=taken + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;")


def steps(package: str = __name__) -> list[str]:
    """The steps of this version, in order; how many they are is the version of its data."""
    files = [file for file in resources.files(package).iterdir() if file.name.endswith(".sql")]
    return [file.read_text(encoding="utf-8") for file in sorted(files, key=lambda file: file.name)]
