"""Leaves nothing in the files of tables that personal keys and inputs were deleted from."""

from typing import Final

from psycopg.errors import LockNotAvailable

from services.audit.postgres.lanes import Connection

_NOW: Final = "SELECT pg_current_xact_id()::xid"
# What somebody may still see, VACUUM copies; and what a role may not know of others' sessions, it is not told.
_SEEN: Final = """SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
 AND pid <> pg_backend_pid() AND age(backend_xmin) > age(%s::xid))"""


def clear(connection: Connection) -> bool:
    """Write the tables anew and delete their old files; False where somebody still reads what was deleted.

    A table is locked meanwhile. Keys take 200 bytes each, so a million of customers is a second or two; inputs are kept
    for a while only.
    """
    ((now,),) = connection.execute(_NOW).fetchall()
    ((seen,),) = connection.execute(_SEEN, (now,)).fetchall()
    if seen:
        return False
    try:
        connection.execute("VACUUM (FULL) subject_key")
        connection.execute("VACUUM (FULL) input")
    except LockNotAvailable:
        return False
    return True
