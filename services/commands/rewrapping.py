"""Wraps all data keys of a store anew, beside the service that writes it."""

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.adapters.sealing import Sealer
from gateway.core.errors import CallEnded, Reason
from gateway.core.used import WrappedKey
from gateway.records.opening import rewrapped
from services.audit.sqlite import keys as sqlite_keys
from services.audit.sqlite.personal import Work
from services.audit.sqlite.personal import rewrap as rewrap_all
from services.audit.sqlite.transactions import transaction

BUSY_SECONDS = 10.0


async def rewrap(home: Path, master_keys: Sequence[bytes], *, url: str | None = None) -> int:
    """Wrap every key with the first of the master keys; returns how many there are.

    `url` names the database of PostgreSQL where decisions are kept; without one they are in `home`.

    Raises:
        KeyMissing: one was wrapped with a master key that is not among these.
        Damaged: one was changed.
        CallEnded: STORE_UNAVAILABLE: there is no store of this version, or it is locked.
        ValueError: `url` is no URL of PostgreSQL.
    """
    anew = functools.partial(_anew, Sealer(master_keys))
    if url is not None:
        return await _on_a_server(url, anew)
    try:
        return await _embedded(home, anew)
    except sqlite3.Error as error:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store does not answer.") from error


Anew = Callable[[str, WrappedKey], bytes]


async def _on_a_server(url: str, anew: Anew) -> int:
    from services.audit.postgres.store import PostgresStore

    store = PostgresStore(url, make=False)
    try:
        count = await store.personal.rewrap(anew)
        await store.personal.clear_files()
    finally:
        await store.close()
    return count


async def _embedded(home: Path, anew: Anew) -> int:
    path = home / "audit" / "decisions.sqlite"
    uri = f"{path.resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with contextlib.closing(connection):
        connection.execute("PRAGMA secure_delete = ON")

        def in_transaction(work: Work) -> Any:
            with transaction(connection):
                return work(connection)

        count = await rewrap_all(
            anew,
            read=lambda work: asyncio.to_thread(work, connection),
            write=lambda work: asyncio.to_thread(in_transaction, work),
        )
        await asyncio.to_thread(sqlite_keys.clear, connection)
        return count


def _anew(sealer: Sealer, tenant: str, key: WrappedKey) -> bytes:
    return rewrapped(tenant, key, sealer=sealer)
