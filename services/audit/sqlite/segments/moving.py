"""Moves the decisions of an earlier version, which kept them in the main file, into segments: once, at a start."""

import logging
import sqlite3
from collections import defaultdict
from typing import Final

import msgspec

from services.audit.sqlite.functions import text_of
from services.audit.sqlite.segments.catalogue import Segment
from services.audit.sqlite.segments.files import Files
from services.audit.sqlite.segments.hours import hour_of, name_of
from services.audit.sqlite.segments.work import Row, Work, do
from services.audit.sqlite.transactions import transaction

_AT_ONCE: Final = 2_000

_log = logging.getLogger(__name__)


def move(main: sqlite3.Connection, files: Files) -> None:
    """Move all of them, if there are any. What is interrupted is begun again, and stores nothing twice."""
    if not main.execute("SELECT 1 FROM sqlite_schema WHERE name = 'decision'").fetchone():
        return
    # Without it each step would read all rules.
    main.execute("CREATE INDEX IF NOT EXISTS decision_rule_of ON decision_rule (decision)")
    columns = tuple(name for _, name, *_ in main.execute("PRAGMA table_info(decision)"))
    segments: dict[int, Segment] = {}
    moved, after = 0, ""
    while rows := _rows(main, columns, after=after):
        by_hour = defaultdict(list)
        for row in rows:
            by_hour[hour_of(str(row.values[0]))].append(row)
        for hour, each in by_hour.items():
            segments[hour] = segments.get(hour) or _empty(hour, first=str(each[0].values[0]))
            with transaction(files.connection(segments[hour], make=True)) as connection:
                new = _new(connection, each)
                do(connection, Work(columns=("id", "seq", *columns[1:]), rows=new))
        moved, after = moved + len(rows), str(rows[-1].values[0])
        _log.info("decisions are moved into hourly segments", extra={"moved": moved})
    found = [_counted(files, segment) for segment in segments.values()]
    if sum(segment.decisions for segment in found) < moved:
        raise sqlite3.DatabaseError("segments have fewer decisions than were moved into them")
    with transaction(main):
        main.executemany(
            "INSERT INTO segment (hour, file, decisions, first, last) VALUES (?, ?, ?, ?, ?)",
            [(each.hour, each.file, each.decisions, each.first, each.last) for each in found],
        )
        main.execute("DROP TABLE decision_rule")
        main.execute("DROP TABLE decision")


def _rows(main: sqlite3.Connection, columns: tuple[str, ...], *, after: str) -> list[Row]:
    """The next decisions by id, each with its rules: the id first, then the number it was stored under."""
    text = f"SELECT id, rowid, {', '.join(columns[1:])} FROM decision WHERE id > ? ORDER BY id LIMIT {_AT_ONCE}"  # noqa: S608
    found = main.execute(text, (after,)).fetchall()
    rules: dict[str, list[str]] = defaultdict(list)
    if found:
        between = "SELECT decision, rule FROM decision_rule WHERE decision BETWEEN ? AND ?"
        for decision, rule in main.execute(between, (found[0][0], found[-1][0])):
            rules[decision].append(rule)
    at = [columns.index(name) + 1 for name in ("record", "outcome", "rule", "reason")]
    return [Row(values, tuple(rules[values[0]]), text_of(*(values[index] for index in at))) for values in found]


def _new(connection: sqlite3.Connection, rows: list[Row]) -> tuple[Row, ...]:
    """Those that were not moved before a move was interrupted."""
    ids = msgspec.json.encode([row.values[0] for row in rows]).decode()
    found = connection.execute("SELECT id FROM decision WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    known = {decision for (decision,) in found}
    return tuple(row for row in rows if row.values[0] not in known)


def _empty(hour: int, *, first: str) -> Segment:
    return Segment(hour, f"{name_of(hour)}.sqlite", 0, first, first)


def _counted(files: Files, segment: Segment) -> Segment:
    counted = files.connection(segment).execute("SELECT count(*), min(id), max(id) FROM decision").fetchone()
    return Segment(segment.hour, segment.file, *counted)
