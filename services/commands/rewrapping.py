"""Wraps all data keys of an embedded store anew, beside the service that writes it."""

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.adapters.sealing import Sealer
from gateway.core.used import WrappedKey
from gateway.opening import rewrapped
from services.audit import sqlite_keys
from services.audit.sqlite_personal import Work
from services.audit.sqlite_personal import rewrap as rewrap_all
from services.audit.transactions import transaction

BUSY_SECONDS = 10.0


async def rewrap(home: Path, master_keys: Sequence[bytes]) -> int:
    """Wrap every key with the first of the master keys; returns how many there are.

    Raises:
        KeyMissing: one was wrapped with a master key that is not among these.
        Damaged: one was changed.
        sqlite3.Error: there is no store of this version, or it is locked.
    """
    path = home / "audit" / "decisions.sqlite"
    uri = f"{path.resolve().as_uri()}?mode=rw"
    sealer = Sealer(master_keys)
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with contextlib.closing(connection):
        connection.execute("PRAGMA secure_delete = ON")

        def in_transaction(work: Work) -> Any:
            with transaction(connection):
                return work(connection)

        count = await rewrap_all(
            functools.partial(_anew, sealer),
            read=lambda work: asyncio.to_thread(work, connection),
            write=lambda work: asyncio.to_thread(in_transaction, work),
        )
        await asyncio.to_thread(sqlite_keys.clear, connection)
        return count


def _anew(sealer: Sealer, tenant: str, key: WrappedKey) -> bytes:
    return rewrapped(tenant, key, sealer=sealer)
