"""Keeps the columns in one file of DuckDB, together with how far in the log they reach: both change in one step.

Nothing in it is kept only there. Where the file is lost or broken, it is deleted, and read anew from the log.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from services.proof.merkle import Growing, parted
from services.workbench.columns import latencies, rows, sum_table
from services.workbench.columns.measured import Values
from services.workbench.columns.readings import readings_of
from services.workbench.columns.source import Source
from services.workbench.columns.summed import summed
from services.workbench.columns.sums import Summing
from services.workbench.columns.tables import ADMITTED, NUMBER, SETTLED, SPENT, TABLES, TRUTH, Table, insert
from services.workbench.columns.taking import Entry, Step, Taking

FILE: Final = "columns.duckdb"
MEMORY: Final = "1GB"
THREADS: Final = 2
CHECKPOINT: Final = "64MB"
"""So much is written behind the file before it goes into it; with DuckDB's own 16 MB most steps would go in alone."""
VERSION: Final = 9
"""Of the tables; columns of another version are read anew."""
_DTYPES: Final[Mapping[str, Any]] = {NUMBER: np.int64, TRUTH: np.bool_}
_READ: Final = "CREATE TABLE IF NOT EXISTS read (size BIGINT, peaks BLOB, proved BIGINT, version INTEGER)"


Desk = Callable[..., Mapping[str, NDArray[Any]]]
"""Asks like `Columns.asked`."""


class Unusable(Exception):
    """The file of columns cannot be used; the text says what to do."""


class Columns(Source):
    """The columns of one home. Its methods may be called in any thread, `append` and `proved_to` in one at a time."""

    def __init__(self, folder: Path, *, summing: Summing | None = None) -> None:
        """Open them, or begin. Without `summing` nothing is summed up of what calls were decided by.

        Raises:
            Unusable: another process has them open, or the file is broken.
        """
        super().__init__(summing)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = folder / FILE
        self._lock = threading.Lock()
        self._engine = self._opened()
        self._tree = Growing()
        self._proved = 0
        self._begin()

    @property
    def size(self) -> int:
        """How many entries of the log they are made of."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """The root of the log of `size` entries, made of the entries that were read."""
        return self._tree.root

    @property
    def proved(self) -> int:
        """The size of the largest signed log that what was read is known to be; 0 for none."""
        return self._proved

    @property
    def tree(self) -> Growing:
        """The tree of the entries that were read, to go on with."""
        return Growing(self._tree.size, self._tree.peaks)

    def append(self, entries: Iterable[Entry], *, values: Mapping[str, Values] | None = None) -> None:
        """Take in the next entries as they are, all or none.

        `values` has what calls were decided by, by the id of the decision, where that may be measured.

        Raises:
            msgspec.DecodeError: see `keep`.
        """
        taking = Taking(self.tree, until=0)
        taking.add(entries)
        step = taking.taken(size=0)
        step.readings = readings_of(values or {})
        self.keep(step)

    def keep(self, step: Step) -> None:
        """Take in the next step, all of it or nothing.

        Raises:
            msgspec.DecodeError: a newer version of Pilote has written an entry of it.
            ValueError: it is not the next one.
        """
        if step.start != self.size:
            raise ValueError(f"The next entry is the one at {self.size}, and this step begins at {step.start}.")
        admitted = rows.admitted(step.admits, step.records, step.outcomes)
        ends, spent = rows.settled(step.settles, step.settlements)
        columns = {ADMITTED.name: admitted, SETTLED.name: ends, SPENT.name: spent, **rows.rest(step.rest)}
        tree = Growing(step.start + step.count, step.peaks)
        with self._lock:
            self._engine.begin()
            try:
                if self.summing is not None:
                    admitted["summed"], sums = summed(self._engine, admitted, ends, step.readings, sealing=self.summing)
                    sum_table.keep(self._engine, sums, sealing=self.summing)
                for table in TABLES:
                    self._insert(table, columns[table.name])
                self._engine.execute("UPDATE read SET size = ?, peaks = ?", [tree.size, b"".join(tree.peaks)])
                self._engine.commit()
            except BaseException:
                self._engine.rollback()
                raise
            self._tree = tree

    def proved_to(self, size: int) -> None:
        """Note that what was read is the log that was signed at that size."""
        with self._lock:
            self._engine.execute("UPDATE read SET proved = ?", [size])
            self._proved = size

    def forget(self, *, now_ms: int) -> int:
        """Delete the rows of decisions whose records are no longer kept; returns how many decisions that were."""
        with self._lock:
            (count,) = self._engine.execute("SELECT count(*) FROM admitted WHERE until_ms < ?", [now_ms]).fetchall()[0]
            sum_table.forget(self._engine, now_ms=now_ms)
            latencies.forget(self._engine, now_ms=now_ms)
            if count:
                for table in TABLES:  # the last one of them is that which says what is old
                    self._engine.execute(table.clearing, [now_ms])
        return int(count)

    def asked(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        beside: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
    ) -> Mapping[str, NDArray[Any]]:
        """See `Source.asked`."""
        cursor = self._engine.cursor()
        try:
            for name, columns in (beside or {}).items():
                cursor.register(name, dict(columns))
            return cursor.execute(text, dict(parameters or {})).fetchnumpy()
        finally:
            cursor.close()

    @contextlib.contextmanager
    def desk(self) -> Iterator[Desk]:
        """Asks like `asked`, but what it makes (temporary tables) is there until the block ends."""
        cursor = self._engine.cursor()

        def ask(
            text: str,
            parameters: Mapping[str, object] | None = None,
            *,
            beside: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
        ) -> Mapping[str, NDArray[Any]]:
            for name, columns in (beside or {}).items():
                cursor.register(name, dict(columns))
            try:
                return cursor.execute(text, dict(parameters or {})).fetchnumpy()
            finally:
                for name in beside or {}:
                    cursor.unregister(name)

        try:
            yield ask
        finally:
            cursor.close()

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._engine.close()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": str(THREADS),
            "memory_limit": MEMORY,
            "checkpoint_threshold": CHECKPOINT,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            return duckdb.connect(str(self._file), config=config)
        except duckdb.IOException as error:
            text = (
                f"{self._file} is in use by another process, or cannot be read: end that process, or delete the file."
            )
            raise Unusable(text) from error
        except duckdb.Error as error:
            text = f"{self._file} is broken: delete it, and it is made anew from the log."
            raise Unusable(text) from error

    def _begin(self) -> None:
        engine = self._engine
        engine.execute(_READ)
        found = engine.execute("SELECT size, peaks, proved, version FROM read").fetchall()
        if found and found[0][3] != VERSION:
            for table in TABLES:
                engine.execute(f"DROP TABLE IF EXISTS {table.name}")
            engine.execute("DROP TABLE IF EXISTS sums")
            engine.execute("DROP TABLE IF EXISTS waiting")
            engine.execute("DELETE FROM read")
            found = []
        for table in TABLES:
            engine.execute(table.creation)
        engine.execute(sum_table.CREATION)
        engine.execute(latencies.CREATION)
        if not found:
            engine.execute("INSERT INTO read VALUES (0, '', 0, ?)", [VERSION])
            return
        size, peaks, self._proved, _ = found[0]
        self._tree = Growing(size, parted(peaks))

    def _insert(self, table: Table, columns: rows.ByName) -> None:
        batch, same = dict[str, NDArray[Any]](), dict[str, object]()
        for name, kind in table.columns:
            values = columns[name]
            if not values:
                return
            # A third of the columns say the same of thousands of calls: each value less is one less to take over.
            if batch and values[0] == values[-1] and values.count(values[0]) == len(values):
                same[name] = values[0]
            else:
                batch[name] = np.array(values, dtype=_DTYPES.get(kind, object))
        insert(self._engine, table.insertion(same), batch, same)
