"""Looks decisions up in segments, the newest first: ids sort by time, so that a page is a walk through the hours."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from services.audit import sql
from services.audit.expression import Expression
from services.audit.log import Raw
from services.audit.segments.catalogue import Catalogue, Segment, newest_first
from services.audit.segments.files import Files
from services.audit.segments.hours import hour_of
from services.audit.sql_conditions import Sql, condition

_RAW: Final = """SELECT id, record, outcome, settlement, leaf, settled_leaf FROM decision
 WHERE id IN (SELECT value FROM json_each(?))"""
_ABOUT: Final = "SELECT id FROM decision WHERE subject_ref IN (SELECT value FROM json_each(?))"

Rows = list[tuple[Any, ...]]


class SegmentReader:
    """Segments as one thread reads them. `catalogue` tells which there are at the moment."""

    def __init__(self, files: Files, catalogue: Callable[[], Catalogue]) -> None:
        self._files = files
        self._catalogue = catalogue

    def get(self, decision: str) -> Rows:
        """The row of that decision, with `sql.COLUMNS`; none when there is none."""
        return self._each([decision], Sql(f"SELECT {sql.COLUMNS} FROM decision WHERE id = ?", (decision,)))  # noqa: S608

    def page(self, expression: Expression, *, now_ms: int, before: str, size: int, skew_ms: int) -> Rows:
        """Rows of the newest `size` decisions that match and have an id less than `before`, if that is not empty."""
        low, high = sql.hours(expression, before=before, skew_ms=skew_ms)
        found: Rows = []
        for segment in newest_first(self._catalogue(), low=low, high=high):
            left = size - len(found)
            if not left:
                break
            query = sql.page(expression, now_ms=now_ms, before=before, size=left, skew_ms=skew_ms)
            found += self._read(segment, query)
        return found

    def among(self, decisions: Sequence[str], *, expression: Expression, now_ms: int) -> Rows:
        """Rows of those of the decisions that match, the oldest first."""
        wanted = condition(expression, now_ms=now_ms)
        text = f"""SELECT {sql.COLUMNS} FROM decision
            WHERE id IN (SELECT value FROM json_each(?)) AND ({wanted.text}) ORDER BY id"""  # noqa: S608
        return self._each(decisions, Sql(text, (_json(decisions), *wanted.parameters)))

    def asked(self, expression: Expression, query: Sql, *, skew_ms: int, newest: bool = True) -> Iterator[Rows]:
        """What a query about decisions that match finds in each segment that may hold some."""
        low, high = sql.hours(expression, before="", skew_ms=skew_ms)
        segments = tuple(newest_first(self._catalogue(), low=low, high=high))
        return (self._read(segment, query) for segment in (segments if newest else reversed(segments)))

    def raw(self, decisions: Sequence[str]) -> dict[str, Raw]:
        """What the gateway wrote, of those of the decisions that are stored."""
        rows = self._each(decisions, Sql(_RAW, (_json(decisions),)))
        return {decision: Raw(*raw) for decision, *raw in rows}

    def about(self, subject_refs: Iterable[str], *, hours: Iterable[int]) -> list[str]:
        """The decisions of these hours about these customers."""
        catalogue, query = self._catalogue(), Sql(_ABOUT, (_json(list(subject_refs)),))
        segments = (catalogue[hour] for hour in hours if hour in catalogue)
        return [decision for segment in segments for (decision,) in self._read(segment, query)]

    def close(self) -> None:
        """Release the files."""
        self._files.close()

    def _each(self, decisions: Sequence[str], query: Sql) -> Rows:
        """What a query finds in the segments that these decisions belong to, the oldest first."""
        return [row for segment in self._of(decisions) for row in self._read(segment, query)]

    def _of(self, decisions: Sequence[str]) -> Iterator[Segment]:
        catalogue = self._catalogue()
        hours = sorted({hour_of(decision) for decision in decisions})
        return (catalogue[hour] for hour in hours if hour in catalogue)

    def _read(self, segment: Segment, query: Sql) -> Rows:
        try:
            connection: sqlite3.Connection = self._files.connection(segment)
            return connection.execute(query.text, query.parameters).fetchall()
        except sqlite3.OperationalError as error:
            # The catalogue names a segment a moment before its file is made: what it is promised is not stored yet.
            if "no such table: decision" in str(error) or "unable to open database file" in str(error):
                return []
            raise


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
