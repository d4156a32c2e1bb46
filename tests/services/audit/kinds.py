"""The kinds of store that the audit service is tested on, with what tests do to them from outside."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from services.audit.postgres import lanes, schema
from services.audit.postgres.address import parameters
from services.audit.postgres.store import PostgresStore
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from tests import postgres
from tests.postgres import PostgresProcess

KINDS: Final = ("sqlite", *(("postgres",) if postgres.programs() else ()))
"""What there is here."""
TEMPLATE: Final = "template_store"
_BESIDE: Final = """SELECT 'outcome', {id} FROM outcome UNION SELECT 'copy', {other} FROM copy
 UNION SELECT 'early', {early} FROM early_settlement"""
_OUTCOMES: Final = """SELECT {id}, tenant, type, event, occurred_ms, reporter, revenue_cents, currency FROM outcome
 ORDER BY 1, 2, 3, 4"""


class Kind(Protocol):
    """Makes stores of one kind, and reaches into them."""

    def new(self) -> DecisionStore:
        """An empty store. The one before, if any, must be closed, and is lost."""

    def again(self) -> DecisionStore:
        """The store as it is, opened once more."""

    def outcomes(self) -> list[tuple[Any, ...]]:
        """What customers did, in order."""

    def inputs(self) -> set[str]:
        """The decisions whose inputs are kept."""

    def beside(self) -> set[tuple[str, str]]:
        """What is kept beside decisions, as tables and ids: what customers did, copies, settlements that wait."""

    def files(self) -> Path:
        """The folder of all files, with everything written to them."""

    def forge(self, hashes: bytes) -> None:
        """Write over the hashes of all leaves."""

    def tamper(self, text: str, **values: Any) -> None:
        """Run a statement that changes something, with `:name` for values, wherever it means something."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Somebody else writes for as long as the block takes."""

    def full(self, store: DecisionStore) -> contextlib.AbstractContextManager[None]:
        """There is no room for as long as the block takes."""

    def close(self) -> None:
        """Delete what was made."""


class Sqlite:
    """A folder each."""

    def __init__(self, home: Path) -> None:
        self._parent = home
        self._made = 0
        self.home = home

    def new(self) -> DecisionStore:
        """See `Kind`. The first one is in the test's own folder."""
        if self._made:
            self.home = self._parent / f"store-{self._made}"
        self._made += 1
        return self.again()

    def again(self) -> DecisionStore:
        """See `Kind`."""
        return SqliteStore(self.home, busy_ms=20)

    def outcomes(self) -> list[tuple[Any, ...]]:
        """See `Kind`."""
        with contextlib.closing(self._connected()) as connection:
            return connection.execute(_OUTCOMES.format(id="lower(hex(decision))")).fetchall()

    def inputs(self) -> set[str]:
        """See `Kind`."""
        with contextlib.closing(self._connected()) as connection:
            return {decision for (decision,) in connection.execute("SELECT decision FROM input")}

    def beside(self) -> set[tuple[str, str]]:
        """See `Kind`."""
        with contextlib.closing(self._connected()) as connection:
            return {*connection.execute(_BESIDE.format(id="lower(hex(decision))", other="decision", early="id"))}

    def files(self) -> Path:
        """See `Kind`."""
        return self.home

    def forge(self, hashes: bytes) -> None:
        """See `Kind`."""
        with contextlib.closing(self._connected()) as connection:
            connection.execute("UPDATE tile SET hashes = ? WHERE level = 0", (hashes,))

    def tamper(self, text: str, **values: Any) -> None:
        """See `Kind`. Decisions are in segments."""
        done = 0
        for path in (self.home / "audit" / "segments").glob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                done += connection.execute(text, values).rowcount
        assert done > 0

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """See `Kind`."""
        with contextlib.closing(self._connected()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def full(self, store: DecisionStore) -> Iterator[None]:
        """See `Kind`."""
        assert isinstance(store, SqliteStore)
        store._writer.execute("PRAGMA max_page_count = 40")
        yield
        store._writer.execute("PRAGMA max_page_count = 1000000")

    def close(self) -> None:
        """See `Kind`; pytest deletes its folders."""

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.home / "audit" / "decisions.sqlite", isolation_level=None)


class Postgres:
    """One database, emptied for each store: to make one takes a tenth of a second."""

    def __init__(self, server: PostgresProcess) -> None:
        self._server = server
        self._name = ""

    @property
    def url(self) -> str:
        """Where the database is."""
        return self._server.url(self._name)

    def new(self) -> DecisionStore:
        """See `Kind`."""
        if self._name:
            with lanes.connected(parameters(self.url)) as connection:
                connection.execute(_EMPTY.encode())
        else:
            self._name = self._server.new_database(template=TEMPLATE)
        return self.again()

    def again(self) -> DecisionStore:
        """See `Kind`."""
        return PostgresStore(self.url, lock_ms=20)

    def outcomes(self) -> list[tuple[Any, ...]]:
        """See `Kind`."""
        with lanes.connected(parameters(self.url)) as connection:
            return connection.execute(_OUTCOMES.format(id="replace(decision::text, '-', '')").encode()).fetchall()

    def inputs(self) -> set[str]:
        """See `Kind`."""
        with lanes.connected(parameters(self.url)) as connection:
            return {decision.hex for (decision,) in connection.execute("SELECT decision FROM input")}

    def beside(self) -> set[tuple[str, str]]:
        """See `Kind`."""
        with lanes.connected(parameters(self.url)) as connection:
            found = connection.execute(_BESIDE.format(id="decision", other="decision", early="id").encode())
            return {(table, decision.hex) for table, decision in found}

    def files(self) -> Path:
        """See `Kind`. Those of the database: the write-ahead log is the server's."""
        with lanes.connected(parameters(self.url)) as connection:
            connection.execute("CHECKPOINT")
            ((number,),) = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        return self._server.home / "data" / "base" / str(number)

    def forge(self, hashes: bytes) -> None:
        """See `Kind`."""
        with lanes.connected(parameters(self.url)) as connection:
            connection.execute("UPDATE tile SET hashes = %s WHERE level = 0", (hashes,))

    def tamper(self, text: str, **values: Any) -> None:
        """See `Kind`."""
        named = re.sub(r":(\w+)", r"%(\1)s", text)
        with lanes.connected(parameters(self.url)) as connection:
            assert connection.execute(named.encode(), values).rowcount > 0

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """See `Kind`."""
        with lanes.connected(parameters(self.url)) as connection, connection.transaction():
            lanes.lock(connection)
            yield

    @contextlib.contextmanager
    def full(self, store: DecisionStore) -> Iterator[None]:
        """See `Kind`. No file may grow beyond a megabyte: neither of who is connected now, nor of who will be."""
        assert self._server.process is not None
        with lanes.connected(parameters(self.url)) as connection:
            others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            pids = [self._server.process.pid, *(pid for (pid,) in connection.execute(others))]
        for pid in pids:
            self._server.run("prlimit", "--pid", str(pid), f"--fsize={1 << 20}:")
        try:
            yield
        finally:
            self._server.run("prlimit", "--pid", str(pids[0]), "--fsize=unlimited:")

    def close(self) -> None:
        """See `Kind`."""
        if self._name:
            self._server.drop(self._name)


# Of few rows DELETE is faster by far than TRUNCATE.
_EMPTY: Final = """DO $$ BEGIN EXECUTE (SELECT string_agg(format('DELETE FROM %I', relname), ';') FROM pg_class
 WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
 AND relname NOT IN ('schema_step', 'skew')); UPDATE skew SET ms = 0; END $$"""


def make_template(server: PostgresProcess) -> None:
    """Make the database that every test's is made from."""
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    with lanes.connected(parameters(server.url(TEMPLATE))) as connection:
        schema.bring_up_to_date(connection)
