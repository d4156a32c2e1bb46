"""The store's schema, as numbered steps taken in order; the table `schema_step` says which ones a store has taken."""

from importlib import resources
from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.audit.postgres.lanes import Connection, lock

_SERVER: Final = "SELECT current_setting('server_encoding'), to_regclass('schema_step') IS NOT NULL"
_TAKEN: Final = "SELECT count(*) FROM schema_step"


def bring_up_to_date(connection: Connection) -> None:
    """Take the steps that the store has not taken yet, all or none. Of several processes at once one does.

    Raises:
        CallEnded: STORE_UNAVAILABLE when a newer version of Pilote wrote the store, or the database is not in UTF-8.
        psycopg.Error: the server does not answer, or the role may not make tables.
    """
    if _lacks(connection) == 0:
        return
    with connection.transaction():
        lock(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_step (number integer PRIMARY KEY, taken timestamptz DEFAULT now())"
        )
        known = steps()
        for number in range(len(known) - _lacks(connection), len(known)):
            connection.execute(known[number].encode())
            connection.execute("INSERT INTO schema_step (number) VALUES (%s)", (number + 1,))


def be_there(connection: Connection) -> None:
    """See that the store has taken every step.

    Raises:
        CallEnded: STORE_UNAVAILABLE when it has not, or there is none, or the database is not in UTF-8.
        psycopg.Error: the server does not answer.
    """
    if _lacks(connection):
        text = "It has no decision store of this version: the audit service makes one, or brings it up to date."
        raise CallEnded(Reason.STORE_UNAVAILABLE, text)


def _lacks(connection: Connection) -> int:
    """How many steps a store has not taken yet."""
    known = len(steps())
    ((encoding, there),) = connection.execute(_SERVER).fetchall()
    if encoding != "UTF8":
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store's database must be made with ENCODING 'UTF8'.")
    ((taken,),) = connection.execute(_TAKEN).fetchall() if there else [(0,)]
    if taken > known:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store was written by a newer version of Pilote.")
    return known - int(taken)


def steps() -> list[str]:
    """The steps of this version, in order; how many they are is the version of its data."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    return [file.read_text(encoding="utf-8") for file in sorted(files, key=lambda file: file.name)]
