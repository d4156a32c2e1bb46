"""Keeps what calls were decided by, sealed and for a while, in SQLite."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.record import CustomerOutcome
from services.audit.entries import Recorded
from services.audit.inputs import InputsQuery, Kept, Mark, after
from services.audit.personal import SKEW_MS, Person
from services.audit.proofs.log import Raw
from services.audit.sqlite import outcomes
from services.audit.sqlite.segments.hours import first_id, hour_of

_KEEP: Final = """INSERT OR IGNORE INTO input (decision, tenant, at_ms, expires_ms, sealed, subject_ref)
 SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS
 (SELECT 1 FROM erased WHERE tenant = ?2 AND subject_ref = ?6 AND at_ms + ?7 >= ?3)"""
_WANTED: Final = """input.expires_ms > ? AND input.at_ms >= ? AND input.at_ms < ? AND (? = '' OR input.tenant = ?)
 AND (? = '' OR input.decision = ?)"""
_NEWEST: Final = f"""SELECT at_ms, decision FROM input WHERE {_WANTED}
 ORDER BY at_ms DESC, decision DESC LIMIT 1 OFFSET ?"""  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM input WHERE {_WANTED} AND (at_ms, decision) >= (?, ?)"  # noqa: S608
_PAGE: Final = f"""SELECT decision, at_ms, sealed FROM input
 WHERE {_WANTED} AND (at_ms, decision) >= (?, ?) ORDER BY at_ms, decision LIMIT ?"""  # noqa: S608

_PAGE_BYTES: Final = 4 << 20
"""Of sealed inputs that are held at a time, and one more."""


def keep(connection: sqlite3.Connection, recorded: Iterable[Recorded]) -> None:
    """Store inputs, of each decision the first: what comes again is the same. None of a customer erased since."""
    rows = [
        (each.id, each.tenant, each.said.at_ms, each.said.expires_ms, each.sealed, each.said.subject_ref, SKEW_MS)
        for each in recorded
    ]
    connection.executemany(_KEEP, rows)


def expire(connection: sqlite3.Connection, *, now_ms: int) -> int:
    """Delete what has expired; returns how many there were."""
    return connection.execute("DELETE FROM input WHERE expires_ms <= ?", (now_ms,)).rowcount


def hours(connection: sqlite3.Connection) -> set[int]:
    """The hours of the ids of all decisions whose inputs are kept."""
    found: set[int] = set()
    least = ""
    while row := connection.execute("SELECT min(decision) FROM input WHERE decision >= ?", (least,)).fetchone():
        if row[0] is None:
            break
        found.add(hour_of(row[0]))
        least = first_id(hour_of(row[0]) + 1)
    return found


def forget(connection: sqlite3.Connection, decisions: Iterable[str]) -> int:
    """Delete what these decisions were decided by; returns how many there were."""
    text = "DELETE FROM input WHERE decision IN (SELECT value FROM json_each(?))"
    return connection.execute(text, (msgspec.json.encode(list(decisions)).decode(),)).rowcount


def forget_about(connection: sqlite3.Connection, subject_refs: Iterable[str]) -> int:
    """Delete inputs that name one of these customers themselves: their decision may be absent, or unreadable."""
    text = "DELETE FROM input WHERE subject_ref IN (SELECT value FROM json_each(?))"
    return connection.execute(text, (msgspec.json.encode(list(subject_refs)).decode(),)).rowcount


def forget_of(connection: sqlite3.Connection, person: Person) -> int:
    """Delete what calls about a customer were decided by, also where the decision has not come yet."""
    text = "DELETE FROM input WHERE tenant = ? AND subject_ref = ?"
    return connection.execute(text, (person.tenant, person.subject_ref)).rowcount


def kept_of(connection: sqlite3.Connection, person: Person, *, now_ms: int) -> tuple[int, int]:
    """How many calls about a customer have theirs kept, and until when the last of them; (0, 0) for none."""
    text = """SELECT count(*), coalesce(max(expires_ms), 0) FROM input
     WHERE tenant = ? AND subject_ref = ? AND expires_ms > ?"""
    count, until_ms = connection.execute(text, (person.tenant, person.subject_ref, now_ms)).fetchone()
    return count, until_ms


def begin(connection: sqlite3.Connection, query: InputsQuery, *, now_ms: int) -> tuple[Mark, int]:
    """Where the newest so many begin, and how many there are."""
    wanted = _parameters(query, now_ms)
    mark = (0, "")
    if query.most:
        mark = connection.execute(_NEWEST, (*wanted, query.most - 1)).fetchone() or mark
    (count,) = connection.execute(_COUNT, (*wanted, *mark)).fetchone()
    return mark, count


def page(
    connection: sqlite3.Connection,
    query: InputsQuery,
    *,
    now_ms: int,
    at: Mark,
    size: int,
    raw_of: Callable[[Sequence[str]], Mapping[str, Raw]],
) -> tuple[Kept, ...]:
    """See `DecisionStore.inputs_page`. `raw_of` gives those of the decisions that are stored by now."""
    while rows := _rows(connection, query, now_ms=now_ms, at=at, size=size):
        decisions = [decision for decision, _, _ in rows]
        raw = raw_of(decisions)
        if raw:
            told = outcomes.of(connection, decisions)
            return tuple(
                [
                    _kept(raw[decision], decision, at_ms=at_ms, sealed=sealed, told=told.get(decision, ()))
                    for decision, at_ms, sealed in rows
                    if decision in raw
                ]
            )
        at = after(decisions[-1], at_ms=rows[-1][1])
    return ()


def _rows(
    connection: sqlite3.Connection, query: InputsQuery, *, now_ms: int, at: Mark, size: int
) -> list[tuple[str, int, bytes]]:
    """(decision, time, sealed) from a place on: `size` at most, and none after some megabytes."""
    # SQLite looks the beginning up by the single time, and would else pass over all that came before the place.
    later = msgspec.structs.replace(query, start_ms=max(query.start_ms, at[0]))
    cursor = connection.execute(_PAGE, (*_parameters(later, now_ms), *at, size))
    found, left = [], _PAGE_BYTES
    for row in cursor:
        found.append(row)
        left -= len(row[2])
        if left <= 0:
            break
    cursor.close()
    return found


def _kept(raw: Raw, decision: str, *, at_ms: int, sealed: bytes, told: tuple[CustomerOutcome, ...]) -> Kept:
    return Kept(decision, at_ms, sealed, raw.record, raw.outcome, raw.settlement, raw.leaf, told)


def _parameters(query: InputsQuery, now_ms: int) -> tuple[object, ...]:
    return (
        *(now_ms, query.start_ms, query.end_ms),
        *(query.tenant, query.tenant, query.decision, query.decision),
    )
