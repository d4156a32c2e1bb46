"""Threads with a connection to PostgreSQL each.

Threads, not psycopg's async connections: a page of decisions is decoded where it is read, off the event loop, and a
thread's connection needs no pool: there are as many as may run at once.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias, TypeVar

import psycopg

from gateway.core.errors import CallEnded, Reason

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"
T = TypeVar("T")

_LOCK: Final = (0x70696C6F, 1)
"""Key of the advisory lock: "pilo", and a number of our own."""


class Lane:
    """`threads` threads that work one question after the other. `made` is called with every new connection.

    `parameters` are those of `services.audit.postgres.address`.
    """

    def __init__(
        self, parameters: Mapping[str, Any], *, threads: int, name: str, made: Callable[[Connection], None]
    ) -> None:
        self._parameters = parameters
        self._made = made
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._local = threading.local()
        self._open: set[Connection] = set()

    async def run(self, work: Callable[[Connection], T], *, again: bool = False) -> T:
        """The answer of `work`. With `again` it is asked once more where the connection was lost meanwhile.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the server cannot be reached, or cannot do it.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._work, work, again)

    async def close(self) -> None:
        """End the threads once they have answered, and their connections."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._open:
            connection.close()

    def _work(self, work: Callable[[Connection], T], again: bool) -> T:  # noqa: FBT001 - called by the executor only
        try:
            connection, fresh = self._connection()
            try:
                return work(connection)
            except psycopg.Error:
                lost = connection.broken
                # Also one that still works: the next one may lead to another server, which can be written to.
                self._drop(connection)
                if not (again and lost) or fresh:
                    raise
            return work(self._connection()[0])
        except psycopg.Error as error:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store does not answer.") from error

    def _connection(self) -> tuple[Connection, bool]:
        """The connection of the thread that asks, and whether it is new."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is not None and not found.closed:
            return found, False
        connection = connected(self._parameters)
        try:
            self._made(connection)
        except BaseException:
            connection.close()
            raise
        self._local.connection = connection
        self._open.add(connection)
        return connection, True

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._local.connection = None
        connection.close()


def connected(parameters: Mapping[str, Any]) -> Connection:
    """A connection outside any transaction. Plans are made for the values at hand: an agent may be rare or everybody.

    Raises:
        psycopg.Error: the server cannot be reached.
    """
    connection = psycopg.connect(**parameters, autocommit=True)
    try:
        connection.execute("SET plan_cache_mode = force_custom_plan")
    except BaseException:
        connection.close()
        raise
    return connection


def lock(connection: Connection) -> None:
    """Let nobody else write until the transaction ends: entries have one order, and nobody stores what another does.

    Raises:
        psycopg.errors.LockNotAvailable: another writer takes longer than this connection's `lock_timeout`.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s::integer, %s::integer)", _LOCK)


def locked(connection: Connection, work: Callable[[], T]) -> T:
    """What `work` gives, in a transaction in which nobody else writes; see `lock`."""
    with connection.transaction():
        lock(connection)
        return work()
