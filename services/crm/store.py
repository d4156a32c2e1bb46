"""The SQLite file of the embedded CRM: one thread writes, one reads, and the event loop waits for neither."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from services.file_versions import agree

T = TypeVar("T")

VERSION: Final = 1
"""Of the tables of these files; it rises where an earlier Pilote would misread what this one writes."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    # A message that was answered as sent must not be forgotten when the machine loses power. Changes that wait together
    # share one fsync, so this costs little under load.
    "PRAGMA synchronous=FULL",
    # Whoever is erased must not be readable in free pages.
    "PRAGMA secure_delete=ON",
    "PRAGMA busy_timeout=5000",
)


class Store:
    """Runs questions and changes on the file. A change is one transaction: it happens wholly or not at all."""

    def __init__(self, path: Path, *, schema: Sequence[str]) -> None:
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crm-write")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crm-read")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Before SQLite makes it readable to all; the files beside it take over its mode.
        path.touch(mode=0o600)
        self._writing = _connected(path)
        agree(self._writing, VERSION, what=f"The file {path.name}")
        for statement in schema:
            self._writing.execute(statement)
        self._reading = _connected(path)
        self._reading.execute("PRAGMA query_only=ON")
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self._committer: asyncio.Task[None] | None = None

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer `question` from what is committed; changes do not hold it up."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, question, self._reading)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make `change` and return its answer once it is on disk.

        Changes that wait together are committed together; one that raises is undone without harm to the others. A
        caller that gives up while waiting does not undo its change.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, answer))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await answer

    async def close(self) -> None:
        """Commit what waits, then close the file."""
        if self._committer is not None:
            await self._committer
        self._writer.shutdown()
        self._reader.shutdown()
        self._reading.close()
        self._writing.close()

    async def _commit_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            outcomes = await loop.run_in_executor(self._writer, _commit, self._writing, [change for change, _ in batch])
            for (_, answer), (value, error) in zip(batch, outcomes, strict=True):
                if answer.done():  # its caller has given up
                    continue
                if error is None:
                    answer.set_result(value)
                else:
                    answer.set_exception(error)


@contextlib.asynccontextmanager
async def opened(path: Path, *, schema: Sequence[str]) -> AsyncIterator[Store]:
    """The store in the file `path`, which is made where there is none; closed when the block ends."""
    store = Store(path, schema=schema)
    try:
        yield store
    finally:
        await store.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def _commit(
    connection: sqlite3.Connection, changes: Sequence[Callable[[sqlite3.Connection], Any]]
) -> list[tuple[Any, Exception | None]]:
    outcomes: list[tuple[Any, Exception | None]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes.extend(_attempt(connection, change) for change in changes)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [(None, error)] * len(changes)
    return outcomes


def _attempt(
    connection: sqlite3.Connection, change: Callable[[sqlite3.Connection], Any]
) -> tuple[Any, Exception | None]:
    connection.execute("SAVEPOINT change")
    try:
        value = change(connection)
    except Exception as error:  # raised again where the change was asked for
        connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")
        return None, error
    connection.execute("RELEASE change")
    return value, None
