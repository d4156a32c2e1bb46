"""What is done about segments in the background: sealing, compaction, and files that go."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from services.audit.sqlite import beside
from services.audit.sqlite.segments import sealing
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.damage import Damage, is_broken
from services.audit.sqlite.segments.duck import Duck, Error
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import name_of
from services.audit.sqlite.segments.lookups import Lookups
from services.audit.sqlite.segments.parquet import Damaged
from services.audit.sqlite.segments.sealing import Keeping, Sealed, Sealer, Stopped
from services.audit.sqlite.segments.writing import SegmentWriter

RETRY_MS: Final = 600_000
"""After a failure a segment is left alone for so long: trying reads all of it."""

T = TypeVar("T")
Write = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
"""Runs something in a transaction of the main file, in the writer's thread, with nothing owed to segments."""

_log = logging.getLogger(__name__)


class Tender:
    """Keeps the segments of `home`, the folder of the main file, as `keeping` says. `segments` is their writer."""

    def __init__(
        self,
        home: Path,
        *,
        files: Files,
        duck: Duck,
        segments: SegmentWriter,
        keeping: Keeping,
        damage: Damage,
        lookups: Lookups,
    ) -> None:
        self._home = home
        self._duck = duck
        self._lookups = lookups
        self._looked = False
        self._segments = segments
        self._keeping = keeping
        self._damage = damage
        self._sealer = Sealer(home / "sealed", files=files, duck=duck)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit-seal")
        self._not_before: dict[int, int] = {}

    async def tend(self, *, now_ms: int, write: Write, progress: Callable[[int, int], None]) -> int:
        """Do all that is due; returns how many segments were sealed. See `DecisionStore.tend`."""
        files = await write(_forget_retired)
        await self._run(partial(sealing.delete, self._home, files))
        await write(partial(self._cool, now_ms=now_ms))
        due = [
            segment
            for segment in self._sealer.due(self._segments.catalogue, keeping=self._keeping, now_ms=now_ms)
            if now_ms >= self._not_before.get(segment.hour, 0)
        ]
        sealed = 0
        for number, segment in enumerate(due):
            progress(number, len(due))
            found = await self._run(partial(self._sealed, segment, now_ms=now_ms))
            if found is not None:
                used = await write(partial(self._registered, sealed=found, now_ms=now_ms))
                sealed += len(used)
                if not used:
                    self._sealer.drop(found)
        await self._make_lookups(now_ms=now_ms)
        return sealed

    async def close(self) -> None:
        """End what runs: a file that is half written is given up."""
        self._sealer.stop()
        await asyncio.to_thread(self._thread.shutdown)

    async def _make_lookups(self, *, now_ms: int) -> None:
        """Make anew what queries have missed, and at first what an earlier version has not made."""
        hours = {segment.sealed: hour for hour, segment in self._segments.catalogue.items() if segment.sealed}
        if not self._looked:
            self._looked = True
            await self._run(partial(self._lookups.missing, hours.keys()))
        for file in self._lookups.unusable():
            if file not in hours:
                self._lookups.forget([file])
            elif now_ms >= self._not_before.get(hours[file], 0):
                await self._run(partial(self._make_lookup, file, hour=hours[file], now_ms=now_ms))

    def _make_lookup(self, file: str, *, hour: int, now_ms: int) -> None:
        try:
            self._lookups.make(self._duck, file)
        except (Error, OSError) as error:
            self._not_before[hour] = now_ms + RETRY_MS
            _log.warning("a lookup file cannot be made", extra={"segment": name_of(hour), "error": str(error)})

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _sealed(self, segment: Segment, *, now_ms: int) -> Sealed | None:
        """What became of one; a failure is told and does not hold up the others."""
        try:
            return self._sealer.seal(segment, now_ms=now_ms)
        except Stopped:
            return None
        except (sqlite3.Error, Error, OSError, Damaged) as error:
            self._not_before[segment.hour] = now_ms + RETRY_MS
            if isinstance(error, sqlite3.Error) and is_broken(error):
                self._damage.found(segment.file, error)
            extra = {"segment": name_of(segment.hour), "error": str(error)}
            _log.error("a segment cannot be sealed: it stays as it is", extra=extra)
            return None

    def _cool(self, main: sqlite3.Connection, *, now_ms: int) -> None:
        beside.forget_unclaimed(main, self._segments.catalogue, now_ms=now_ms)
        damaged = self._damage.files
        cooled = sealing.cool(main, self._segments.catalogue, keeping=self._keeping, now_ms=now_ms, damaged=damaged)
        for segment in self._segments.catalogue.values():
            if segment.file in damaged and segment.hour in {each.hour for each in cooled}:
                self._damage.mended(segment.file)
        self._use(cooled)

    def _registered(self, main: sqlite3.Connection, *, sealed: Sealed, now_ms: int) -> list[Segment]:
        now = self._segments.catalogue[sealed.segment.hour]
        after = sealing.register(main, sealed, now=now, batch=self._segments.batch_of(now), now_ms=now_ms)
        return self._use([] if after is None else [after])

    def _use(self, segments: list[Segment]) -> list[Segment]:
        self._segments.use(segments)
        return segments


def _forget_retired(main: sqlite3.Connection) -> list[str]:
    files = sealing.retired(main)
    main.executemany("DELETE FROM retired WHERE file = ?", [(file,) for file in files])
    return files
