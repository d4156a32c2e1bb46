"""Writes into segments what the main file has promised them, and looks decisions up there for the next batch."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.record import Verdict
from gateway.records.conclusion import Conclusion, State
from services.audit.sqlite.segments import catalogue, pending, work
from services.audit.sqlite.segments.catalogue import Catalogue, Segment
from services.audit.sqlite.segments.cold import Cold
from services.audit.sqlite.segments.damage import Damage, is_broken
from services.audit.sqlite.segments.duck import OURS, Error
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import hour_of
from services.audit.sqlite.segments.pending import Works
from services.audit.sqlite.segments.work import Work
from services.audit.sqlite.transactions import transaction

_KNOWN: Final = """SELECT id, seq, settlement IS NOT NULL, verdict, reason, rule, status, state, settled_ms
 FROM decision WHERE id IN (SELECT value FROM json_each(?))"""
_COLUMNS: Final = ("seq", "verdict", "reason", "rule", "status", "state", "settled_ms")
_EXPIRED: Final = "SELECT seq FROM decision WHERE state = 'RUNNING' AND expires_ms < ?"
_ENTERED: Final = """SELECT lower(hex(decision)) FROM leaf
 WHERE kind = 'admit' AND hex(decision) IN (SELECT value FROM json_each(?))"""
_RUNNING: Final = "SELECT EXISTS (SELECT 1 FROM decision WHERE state = 'RUNNING')"


class Known(msgspec.Struct, frozen=True):
    """A decision that is in the store already."""

    before: Conclusion
    over: bool
    """Its settlement is in the store too."""
    seq: int = 0
    lifted: Mapping[str, Any] | None = None
    """All that is kept of it, where that is in a Parquet file alone: the SQLite file needs it too, once it changes."""
    unreadable: bool = False
    """It is in a segment that cannot be read: nothing more is known of it now, and it is called over."""


_UNREADABLE: Final = Known(Conclusion(Verdict.DENY, "", "", "", State.SETTLED, None), over=True, unreadable=True)


class Batch(msgspec.Struct, frozen=True):
    """What one transaction of the main file has promised and changed."""

    works: Works = {}
    segments: tuple[Segment, ...] = ()
    """Those that have grown, as they will be once it is kept."""
    changed: tuple[str, ...] = ()
    """The decisions that are new or have ended, by their ids."""


class SegmentWriter:
    """The one that writes, in one thread. `main` is the main file: what it still holds as promised is owed."""

    def __init__(self, files: Files, main: sqlite3.Connection, *, cold: Cold, damage: Damage) -> None:
        self._files = files
        self._main = main
        self._damage = damage
        self._cold = cold
        self.catalogue: Catalogue = catalogue.load(main)
        """The segments with all that was promised; replaced, never changed, so any thread may look at it."""
        self._owed = [Batch(works={hour: each}) for hour, each in pending.promised(main)]
        self._waiting: dict[int, list[Work]] = {}
        self._unread: set[int] = set()
        """Hours that could not be read: what settled there waits with what settles before its admission."""
        self._may_run = {hour for hour, segment in self.catalogue.items() if segment.file}
        """Hours in which something may still be running."""
        for hour in self._may_run:
            with self._unless_broken(self.catalogue[hour]):
                files.connection(self.catalogue[hour])  # which brings it up to date

    @property
    def waiting(self) -> Collection[int]:
        """Hours whose segments could not be written to: what is promised to them waits until they are put back."""
        return self._waiting.keys()

    def known(self, decisions: Iterable[str]) -> dict[str, Known]:
        """Those of the decisions that are stored."""
        found: dict[str, Known] = {}
        for segment, ids in self._by_segment(decisions):
            readable = False
            if segment.hour not in self._waiting:
                with self._unless_broken(segment):
                    found |= self._known_in(segment, ids)
                    readable = True
            if not readable:
                found |= self._entered(ids)
        return found

    def expired(self, *, now_ms: int) -> Mapping[int, tuple[int, ...]]:
        """The numbers of what still runs though its reservation has expired, by hour."""
        found = {}
        for hour in sorted(self._may_run):
            self._may_run.discard(hour)
            with self._unless_broken(self.catalogue[hour]):
                connection = self._files.connection(self.catalogue[hour])
                if seqs := tuple(seq for (seq,) in connection.execute(_EXPIRED, (now_ms,))):
                    found[hour] = seqs
                if seqs or connection.execute(_RUNNING).fetchone()[0]:
                    self._may_run.add(hour)
        return found

    def owe(self, batch: Batch) -> None:
        """Take over what the main file has just promised."""
        self._owed.append(batch)

    def pay(self) -> tuple[str, ...]:
        """Do all that is owed; returns the ids of the decisions that it changed.

        Raises:
            sqlite3.Error: a segment is locked or the disk full; what was not done is still owed.
        """
        changed: tuple[str, ...] = ()
        for batch in self._owed:
            segments = {segment.hour: segment for segment in batch.segments}
            for hour, each in batch.works.items():
                self._do(segments.get(hour) or self.catalogue[hour], each)
            self.catalogue = catalogue.with_changes(self.catalogue, batch.segments)
            self._may_run |= batch.works.keys()
            changed += batch.changed
        self._owed.clear()
        return changed

    def retry(self) -> list[int]:
        """Do what waits for segments, where they have been put back; returns the hours of those.

        Raises:
            sqlite3.Error: see `pay`.
        """
        for hour in list(self._waiting):
            works = self._waiting.pop(hour)
            self._files.forget(self.catalogue[hour])
            for number, each in enumerate(works):
                self._do(self.catalogue[hour], each)
                if hour in self._waiting:
                    self._waiting[hour] = works[number:]
                    break
        mended = [hour for hour in self._unread if hour not in self._waiting and self._reads(hour)]
        self._unread.difference_update(mended)
        return mended

    def batch_of(self, segment: Segment) -> int:
        """The last batch that a segment has."""
        if not segment.file:
            return 0
        return int(self._files.connection(segment).execute("SELECT batch FROM done").fetchone()[0])

    def use(self, segments: Iterable[Segment]) -> None:
        """Take segments as they are now; for when the main file has them so."""
        for segment in segments:
            before = self.catalogue[segment.hour]
            if before.file != segment.file:
                self._files.forget(before)
                self._may_run.discard(segment.hour)
        self.catalogue = catalogue.with_changes(self.catalogue, segments)

    def close(self) -> None:
        """Release the files."""
        self._files.close()

    def _do(self, segment: Segment, each: Work) -> None:
        """Do a work, or let it wait where the segment is broken."""
        hour = segment.hour
        if hour not in self._waiting:
            with self._unless_broken(segment):
                # A file that is not there is made where all that its hour has is new: else it was lost.
                make = len(each.rows) >= segment.decisions or not segment.whole
                with transaction(self._files.connection(segment, make=make)) as connection:
                    work.do(connection, each)
                return
        self._waiting.setdefault(hour, []).append(each)

    def _known_in(self, segment: Segment, ids: Sequence[str]) -> dict[str, Known]:
        found: dict[str, Known] = {}
        if segment.file:
            rows = self._files.connection(segment).execute(_KNOWN, (msgspec.json.encode(ids).decode(),))
            found = {row[0]: _known(row) for row in rows}
        rest = [decision for decision in ids if decision not in found]
        if rest and segment.cold:
            whole = self._cold.whole(segment.cold, rest)
            found |= {decision: _known((decision, *_values(row)), lifted=row) for decision, row in whole.items()}
        if segment.dropped and (rest := [decision for decision in ids if decision not in found]):
            found |= self._entered(rest)  # what is gone does not come again
        return found

    def _entered(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those that the log has: their segment cannot be read."""
        rows = self._main.execute(_ENTERED, (msgspec.json.encode([each.upper() for each in ids]).decode(),))
        return {decision: _UNREADABLE for (decision,) in rows}

    def _reads(self, hour: int) -> bool:
        with self._unless_broken(self.catalogue[hour]):
            self._known_in(self.catalogue[hour], [self.catalogue[hour].first])
            return True
        return False

    @contextlib.contextmanager
    def _unless_broken(self, segment: Segment) -> Iterator[None]:
        """What needs a segment; if that is broken, the rest goes on without it."""
        try:
            yield
        except sqlite3.Error as error:
            if not is_broken(error):
                raise
            self._files.forget(segment)
            self._broken(segment.hour, segment.file, error)
        except OURS:
            raise
        except Error as error:
            self._broken(segment.hour, segment.cold, error)

    def _broken(self, hour: int, file: str, error: Exception) -> None:
        self._unread.add(hour)
        self._damage.found(file, error)

    def _by_segment(self, decisions: Iterable[str]) -> Iterator[tuple[Segment, list[str]]]:
        hours: dict[int, list[str]] = {}
        for decision in decisions:
            hours.setdefault(hour_of(decision), []).append(decision)
        return ((self.catalogue[hour], ids) for hour, ids in hours.items() if hour in self.catalogue)


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    seq, *rest = (row[name] for name in _COLUMNS)
    return seq, row["settlement"] is not None, *rest


def _known(row: tuple[Any, ...], *, lifted: Mapping[str, Any] | None = None) -> Known:
    _, seq, over, verdict, reason, rule, status, state, at_ms = row
    before = Conclusion(Verdict(verdict), reason, rule, status, State(state), at_ms)
    return Known(before, bool(over), seq, lifted)
