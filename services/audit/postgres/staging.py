"""Tables of one connection that rows are copied into on their way, as fast as the server takes them."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.audit.postgres.lanes import Connection

_STAGES: Final = (
    "CREATE TEMP TABLE stage_decision (LIKE decision) ON COMMIT DELETE ROWS",
    """CREATE TEMP TABLE stage_settled (id uuid, reason text, status text, state text, settled_ms bigint,
       settlement bytea, words text, settled_leaf bigint) ON COMMIT DELETE ROWS""",
    """CREATE TEMP TABLE stage_call (decision uuid, made boolean, failed boolean, total_us bigint, costs jsonb,
       stood_in boolean) ON COMMIT DELETE ROWS""",
)


def lay_out(connection: Connection) -> None:
    """Make the tables, once for each connection that writes.

    What is joined here is a few hundred rows that nobody has counted with a table of millions, by its key. Without this
    the planner may take them for many, and read the whole table.
    """
    for text in _STAGES:
        connection.execute(text.encode())
    connection.execute("SET enable_hashjoin = off")
    connection.execute("SET enable_mergejoin = off")


def copy(connection: Connection, table: str, columns: Sequence[str], *, rows: Iterable[Sequence[object]]) -> None:
    """Copy rows into a table, where nothing can be in their way."""
    text = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(text.encode()) as into:
        for row in rows:
            into.write_row(row)


def many(connection: Connection, text: str, rows: Sequence[Sequence[object]]) -> None:
    """Run a statement for each of a few rows, all in one round trip."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(text.encode(), rows)
