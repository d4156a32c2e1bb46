"""Looks decisions up in segments, the newest first: ids sort by time, so that a page is a walk through the hours."""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.expression import Expression
from services.audit.filters.spans import within
from services.audit.proofs.log import Raw
from services.audit.sql import compiling
from services.audit.sql.conditions import condition
from services.audit.sql.dialects import DUCKDB, SQLITE, Dialect, Sql
from services.audit.sqlite.copied import among as copied_among
from services.audit.sqlite.copied import between, resolved
from services.audit.sqlite.segments import postings
from services.audit.sqlite.segments.answers import Answers
from services.audit.sqlite.segments.catalogue import Catalogue, Segment, newest_first
from services.audit.sqlite.segments.cold import Cold, Rows, one_of
from services.audit.sqlite.segments.damage import Damage, is_broken
from services.audit.sqlite.segments.duck import OURS, Error
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import HOUR_MS, first_id, hour_of
from services.audit.sqlite.segments.lookups import SUFFIX, Lookups
from services.audit.sqlite.segments.postings import Wanted
from services.audit.sqlite.segments.steps import MOST_FILES, Ids, Step, steps

Ask = Callable[[Dialect], Sql]
"""A query in the dialect of whoever is asked."""
Find = Callable[[Expression, Dialect], Sql]
"""Likewise, about decisions that match."""

FEW: Final = 64
"""So many decisions are always asked for by their names: 10 us each."""


class SegmentReader:
    """Segments as one thread reads them. `catalogue` tells which there are at the moment, `main` is the main file.

    Without `answers` no answer is kept.
    """

    def __init__(
        self,
        files: Files,
        cold: Cold,
        *,
        catalogue: Callable[[], Catalogue],
        main: Callable[[], sqlite3.Connection],
        lookups: Lookups,
        damage: Damage,
        answers: Answers | None = None,
    ) -> None:
        self._files = files
        self._cold = cold
        self._catalogue = catalogue
        self._main = main
        self._lookups = lookups
        self._damage = damage
        self._answers = answers
        self._seen: Catalogue = {}

    def get(self, decision: str) -> Rows:
        """The row of that decision, with `compiling.COLUMNS`; none when there is none.

        Raises:
            CallEnded: STORE_UNAVAILABLE when its segment cannot be read: it may be there.
        """
        query = Sql(f"SELECT {compiling.COLUMNS} FROM decision WHERE id = ?", (decision,))  # noqa: S608
        found = self.each([decision], lambda _: query)
        for segment, _ in () if found else self._of([decision]):
            if broken := {segment.file, segment.cold} & {*self._damage.files}:
                text = f"The segment {min(broken)} cannot be read, so nobody knows whether it has decisions/{decision}."
                raise CallEnded(Reason.STORE_UNAVAILABLE, text, metadata={"segment": min(broken)})
        return found

    def page(self, expression: Expression, *, now_ms: int, before: str, size: int, skew_ms: int) -> Rows:
        """Rows of the newest `size` decisions that match and have an id less than `before`, if that is not empty."""
        low, high = compiling.hours(expression, before=before, skew_ms=skew_ms)
        found: Rows = []
        segments = newest_first(self._segments(), low=low, high=high)
        for step in self._steps(segments, about=postings.wanted(expression), wanted=size, before=before):
            left = size - len(found)
            if not left:
                break

            def find(narrowed: Expression, dialect: Dialect, left: int = left) -> Sql:
                return compiling.page(
                    narrowed, now_ms=now_ms, before=before, size=left, skew_ms=skew_ms, dialect=dialect
                )

            rows = [row for part in self._read(step, self._narrowed(find, expression, step)) for row in part]
            found += sorted(rows, key=_id, reverse=True)[:left]
        return found

    def among(self, decisions: Sequence[str], *, expression: Expression, now_ms: int) -> Rows:
        """Rows of those of the decisions that match, the oldest first."""
        narrowed = resolved(self._main(), expression, within=copied_among(tuple(decisions)))

        def ask(dialect: Dialect) -> Sql:
            wanted = condition(narrowed, now_ms=now_ms, dialect=dialect)
            text = f"""SELECT {compiling.COLUMNS} FROM decision
                WHERE id {dialect.one_of} AND ({wanted.text}) ORDER BY id"""  # noqa: S608
            return Sql(text, (one_of(decisions), *wanted.parameters))

        return sorted(self.each(decisions, ask), key=_id)

    def asked(self, expression: Expression, find: Find, *, skew_ms: int, newest: bool = True) -> Iterator[Rows]:
        """What a query about decisions that match finds in each part that may hold some.

        No decision is in two parts. They come in the order of time, the newest first or last.
        """
        low, high = compiling.hours(expression, before="", skew_ms=skew_ms)
        segments = tuple(newest_first(self._segments(), low=low, high=high))
        about = postings.wanted(expression)
        for step in self._steps(segments if newest else reversed(segments), about=about, newest=newest):
            yield from self._read(step, self._narrowed(find, expression, step))

    def summed(self, expression: Expression, find: Find, *, skew_ms: int) -> Iterator[Rows]:
        """Likewise of a query that sums, in parts that stay the same from one time to the next.

        What Parquet files have answered is kept. Where all of an hour meets what a filter says of the receive time,
        that is left out: so the same is asked of the hour whenever it is asked for.
        """
        low, high = compiling.hours(expression, before="", skew_ms=skew_ms)

        def left(hour: int, hours: int = 1) -> Expression:
            return within(expression, start_ms=hour * HOUR_MS, end_ms=(hour + hours) * HOUR_MS, skew_ms=skew_ms)

        def alike(segment: Segment) -> Hashable:
            return segment.hour // MOST_FILES, left(segment.hour)

        about = postings.wanted(expression)
        segments = newest_first(self._segments(), low=low, high=high)
        for step in self._steps(segments, about=about, alike=alike):
            hours = [segment.hour for segment in (step.file, *step.cold) if segment is not None]
            rest = left(min(hours), max(hours) + 1 - min(hours))
            yield from self._read(step, self._narrowed(find, rest, step), keeps=True)

    def each(self, decisions: Sequence[str], ask: Ask) -> Rows:
        """What a query finds in the segments that these decisions belong to."""
        found = steps(self._of(decisions), wanted=0, first=MOST_FILES)
        return [row for step in found for part in self._read(step, ask) for row in part]

    def raw(self, decisions: Sequence[str]) -> dict[str, Raw]:
        """What the gateway wrote, of those of the decisions that are stored."""

        def ask(dialect: Dialect) -> Sql:
            text = f"""SELECT id, record, outcome, settlement, leaf, settled_leaf FROM decision
                WHERE id {dialect.one_of}"""  # noqa: S608
            return Sql(text, (one_of(decisions),))

        return {decision: Raw(*raw) for decision, *raw in self.each(decisions, ask)}

    def about(self, subject_refs: Iterable[str], *, hours: Iterable[int]) -> list[str]:
        """The decisions of these hours about these customers."""
        wanted = tuple(subject_refs)
        refs = one_of(wanted)
        catalogue = self._segments()
        segments = [catalogue[hour] for hour in hours if hour in catalogue]

        def ask(dialect: Dialect) -> Sql:
            return Sql(f"SELECT id FROM decision WHERE subject_ref {dialect.one_of}", (refs,))  # noqa: S608

        found = self._steps(segments, about=postings.about(wanted))
        return [row[0] for step in found for part in self._read(step, ask) for row in part]

    def misleading(self) -> list[str]:
        """The lookup files that say something else than their Parquet files. Takes a while."""
        found = []
        for hour, segment in self._segments().items():
            try:
                wrong = bool(segment.sealed) and self._cold.misleads(segment.sealed)
            except (Error, OSError) as error:
                if self._segments()[hour].sealed == segment.sealed:  # else it has gone meanwhile, as it should
                    self._damage.found(segment.sealed, error)
                continue
            if wrong:
                found.append(f"{segment.sealed}{SUFFIX}")
        return found

    def close(self) -> None:
        """Release the files."""
        self._files.close()

    def _of(self, decisions: Iterable[str]) -> list[tuple[Segment, Ids]]:
        """The segments that these decisions belong to, the oldest first, each with its own."""
        catalogue, hours = self._segments(), dict[int, list[str]]()
        ids, at = sorted(decisions), 0
        while at < len(ids):  # hour by hour: tens of thousands are asked for at once
            hour = hour_of(ids[at])
            end = max(bisect_left(ids, first_id(hour + 1), lo=at), at + 1)
            hours.setdefault(hour, []).extend(ids[at:end])
            at = end
        return [
            (catalogue[hour], _named(ids, catalogue[hour])) for hour, ids in sorted(hours.items()) if hour in catalogue
        ]

    def _segments(self) -> Catalogue:
        catalogue = self._catalogue()
        if catalogue is not self._seen:
            self._seen = catalogue
            self._files.only({segment.file for segment in catalogue.values()})
        return catalogue

    def _steps(
        self,
        segments: Iterable[Segment],
        *,
        about: Wanted,
        wanted: int = 0,
        before: str = "",
        newest: bool = True,
        alike: Callable[[Segment], Hashable] | None = None,
    ) -> Iterator[Step]:
        """How these segments are read, in their order; what has nothing of `about` is left out."""

        def those(segment: Segment) -> Ids:
            ids = self._lookups.candidates(segment, about) if segment.cold else None
            if ids is not None and before:
                ids = tuple(decision for decision in ids if decision < before)
            return ids if ids is None or newest else ids[::-1]

        return steps(((segment, those(segment)) for segment in segments), wanted=wanted, alike=alike)

    def _narrowed(self, find: Find, expression: Expression, step: Step) -> Ask:
        """A query in which what a filter says of copies is answered already, for the hours of that step."""
        hours = [segment.hour for segment in (step.file, *step.cold) if segment is not None]
        those = between(first_id(min(hours)), first_id(max(hours) + 1))
        narrowed = resolved(self._main(), expression, within=those)
        return lambda dialect: find(narrowed, dialect)

    def _read(self, step: Step, ask: Ask, *, keeps: bool = False) -> Iterator[Rows]:
        hidden: list[str] = []
        if step.file is not None:
            yield self._hot(step.file, ask(SQLITE))
            if step.cold:
                hidden = [row[0] for row in self._hot(step.file, Sql("SELECT id FROM decision"))]
        if step.cold:
            yield from (
                self._kept(step, ask(DUCKDB), hidden)
                if keeps
                else self._frozen(step.cold, ask(DUCKDB), ids=step.ids, hidden=hidden)
            )

    def _kept(self, step: Step, query: Sql, hidden: Sequence[str]) -> Iterator[Rows]:
        """What was answered before, or is now; not where few decisions are asked for, or a file is damaged."""
        if self._answers is None or step.ids is not None:
            yield from self._frozen(step.cold, query, ids=step.ids, hidden=hidden)
            return
        key = self._answers.key([segment.cold for segment in step.cold], query, hidden=hidden)
        rows = None if key is None else self._answers.get(key)
        if rows is not None:
            yield rows
            return
        parts = list(self._frozen(step.cold, query, ids=None, hidden=hidden))
        if key is not None and len(parts) == 1 and not self._damage.files:
            self._answers.keep(key, parts[0])
        yield from parts

    def _hot(self, segment: Segment, query: Sql) -> Rows:
        try:
            found = self._files.connection(segment).execute(query.text, query.parameters).fetchall()
        except sqlite3.Error as error:
            if not is_broken(error):
                raise
            self._files.forget(segment)
            self._damage.found(segment.file, error)
            return []
        self._damage.mended(segment.file)
        return found

    def _frozen(
        self, segments: Sequence[Segment], query: Sql, *, ids: Ids, hidden: Collection[str] = ()
    ) -> Iterator[Rows]:
        try:
            found = self._cold.ask([segment.cold for segment in segments], query, ids=ids, hidden=hidden)
        except OURS:
            raise
        except Error as error:
            if len(segments) == 1:
                self._damage.found(segments[0].cold, error)
                return
            for segment in segments:  # one of them is broken; the others answer
                yield from self._frozen((segment,), query, ids=ids, hidden=hidden)
            return
        for segment in segments:
            self._damage.mended(segment.cold)
        yield found


def _id(row: tuple[object, ...]) -> str:
    return str(row[0])


def _named(decisions: Sequence[str], segment: Segment) -> Ids:
    """Those that are asked for by name: not where they are many of a segment, since a name costs more than a row."""
    many = len(decisions) > FEW and len(decisions) * 4 > segment.decisions
    return None if many else tuple(decisions)
