"""The files of an embedded store, for whoever only looks: the service may run on them meanwhile."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.expression import Expression
from services.audit.sqlite import comparing, notes
from services.audit.sqlite.proofs import SqliteLog
from services.audit.sqlite.segments import catalogue
from services.audit.sqlite.segments.cold import Cold
from services.audit.sqlite.segments.damage import Damage
from services.audit.sqlite.segments.duck import Duck
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.lookups import Lookups
from services.audit.sqlite.segments.reading import SegmentReader
from services.audit.sqlite.store import stored_all
from services.audit.store import Stored

T = TypeVar("T")


class SqliteFiles:
    """A `services.audit.proofs.checking.Kept` over the files in `home/audit`.

    Reads them where it is asked, in one thread.

    Raises:
        CallEnded: STORE_UNAVAILABLE when there are none, or they cannot be read.
    """

    def __init__(self, home: Path, *, busy_seconds: float = 10.0) -> None:
        folder = home / "audit"
        uri = (folder / "decisions.sqlite").resolve().as_uri()
        self._main = _guarded(lambda: _opened(f"{uri}?mode=ro", busy_seconds))
        self._damage = Damage()
        self._duck = Duck(folder / "sealed")
        self._segments = SegmentReader(
            Files(folder / "segments", busy_seconds=busy_seconds),
            Cold(folder / "sealed", self._duck),
            catalogue=lambda: catalogue.load(self._main),
            main=lambda: self._main,
            lookups=Lookups(folder / "sealed"),
            damage=self._damage,
        )
        self.log = SqliteLog(read=self._run, write=self._run, segments=lambda: self._segments)
        """See `DecisionStore.log`; nothing can be written."""

    async def page(self, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
        """See `DecisionStore.page`."""

        def read(main: sqlite3.Connection) -> tuple[Stored, ...]:
            (skew_ms,) = main.execute("SELECT ms FROM skew").fetchone()
            rows = self._segments.page(expression, now_ms=now_ms, before=before, size=size, skew_ms=skew_ms)
            return stored_all(main, rows, now_ms=now_ms)

        return await self._run(read)

    async def differing(self, decisions: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """See `DecisionStore.differing`."""
        return await self._run(lambda _: comparing.differing(self._segments.each, decisions))

    async def misleading(self) -> Sequence[str]:
        """See `DecisionStore.misleading`."""
        return await self._run(lambda _: self._segments.misleading())

    async def misnoted(self) -> Sequence[int]:
        """See `DecisionStore.misnoted`."""
        return await self._run(notes.wrong)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """See `DecisionStore.unreadable`."""
        return self._damage.files

    async def close(self) -> None:
        """Release the files."""
        self._segments.close()
        self._duck.close()
        self._main.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return _guarded(lambda: work(self._main))


def _opened(uri: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM tile").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except sqlite3.Error as error:
        raise CallEnded(Reason.STORE_UNAVAILABLE, str(error)) from error
