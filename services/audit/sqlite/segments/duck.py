"""DuckDB, in memory: it reads and writes Parquet files of one folder. It locks nothing and keeps nothing."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from gateway.core.errors import CallEnded, Reason

MEMORY: Final = "512MB"
THREADS: Final = 2

Error = duckdb.Error
OURS: Final = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.OutOfMemoryException)
"""Errors that say nothing about a file."""


class Duck:
    """One engine for all threads of a process, made when it is first needed.

    It uses two threads and 512 MB at most; what needs more is put down in the folder for a moment, encrypted fields
    as encrypted as they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._columns: dict[str, frozenset[str]] = {}
        self._shapes: dict[frozenset[str], frozenset[str]] = {}

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for one thread; whoever asks closes it."""
        with self._lock:
            if self._engine is None:
                self._engine = self._made()
            return self._engine.cursor()

    def rows(self, text: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What a query gives."""
        cursor = self.cursor()
        try:
            return cursor.execute(text, parameters).fetchall()
        finally:
            cursor.close()

    def columns(self, paths: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """The names of columns that each of these Parquet files has; a file never changes.

        Raises:
            duckdb.Error: one cannot be read.
        """
        if new := [path for path in paths if path not in self._columns]:
            text = "SELECT file_name, list(name) FROM parquet_schema(?) GROUP BY 1"
            found = {path: frozenset(names) for path, names in self.rows(text, [new])}
            # Of thousands of files almost all have the same.
            self._columns |= {path: self._shapes.setdefault(names, names) for path, names in found.items()}
        return self._columns

    def close(self) -> None:
        """Release the memory."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def _made(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": str(THREADS),
            "memory_limit": MEMORY,
            "temp_directory": str(self._folder.resolve() / "spilled"),
            # Nothing is fetched from anywhere, and no other file is reached.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        engine = duckdb.connect(":memory:", config=config)
        try:
            engine.execute("CREATE MACRO iif(a, b, c) AS CASE WHEN a THEN b ELSE c END")
            engine.execute("SET allowed_directories = [?]", [f"{self._folder.resolve()}/"])
            # By plain SET it would be for this connection only, and not for its cursors.
            engine.execute("SET GLOBAL parquet_metadata_cache = true")
            engine.execute("SET enable_external_access = false")
            engine.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            engine.close()
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The decision store does not answer.") from error
        return engine
