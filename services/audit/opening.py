"""Opens the store of decisions that the settings ask for."""

from pathlib import Path

from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore


def opened(home: Path, *, url: str | None, keeping: Keeping) -> DecisionStore:
    """The store in the database of that URL, or where there is none the embedded one in `home`, kept as `keeping` says.

    It is made where it is not there yet.

    Raises:
        CallEnded: STORE_UNAVAILABLE when the embedded one cannot be opened.
        ValueError: the URL is none; the text does not repeat it.
    """
    if url is None:
        return SqliteStore(home, keeping=keeping)
    from services.audit.postgres.store import PostgresStore

    return PostgresStore(url)
