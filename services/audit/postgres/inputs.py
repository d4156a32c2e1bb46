"""Keeps what calls were decided by, sealed and for a while, in PostgreSQL."""

from collections.abc import Iterable
from typing import Final

from services.audit.entries import Recorded
from services.audit.inputs import InputsQuery, Kept, Mark
from services.audit.personal import SKEW_MS, Person
from services.audit.postgres import outcomes
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept

_KEEP: Final = """INSERT INTO input (decision, tenant, at_ms, expires_ms, sealed, subject_ref)
 SELECT i.* FROM (VALUES (%s::uuid, %s::text, %s::bigint, %s::bigint, %s::bytea, %s::text))
  AS i(decision, tenant, at_ms, expires_ms, sealed, subject)
 WHERE NOT EXISTS (SELECT 1 FROM erased AS e
  WHERE e.tenant = i.tenant AND e.subject_ref = i.subject AND e.at_ms + %s >= i.at_ms)
 ON CONFLICT DO NOTHING"""
_WANTED: Final = """input.expires_ms > %s AND input.at_ms >= %s AND input.at_ms < %s
 AND (%s::text = '' OR input.tenant = %s) AND (%s::uuid IS NULL OR input.decision = %s::uuid)"""
_NEWEST: Final = f"""SELECT at_ms, decision FROM input WHERE {_WANTED}
 ORDER BY at_ms DESC, decision DESC LIMIT 1 OFFSET %s"""
_COUNT: Final = f"SELECT count(*) FROM input WHERE {_WANTED} AND (at_ms, decision) >= (%s, %s::uuid)"
_PAGE: Final = f"""SELECT input.decision, input.at_ms, input.sealed, decision.record, decision.outcome,
  decision.settlement, decision.leaf
 FROM input JOIN decision ON decision.id = input.decision
 WHERE {_WANTED} AND (input.at_ms, input.decision) {{}} (%s, %s::uuid)
 ORDER BY input.at_ms, input.decision LIMIT %s"""
_NOTHING: Final = "0" * 32
_AT_ONCE: Final = 256
"""Inputs of one page: most are 2 kB with all that belongs to them, the largest 64 kB."""


def keep(connection: Connection, recorded: Iterable[Recorded]) -> None:
    """Store inputs, of each decision the first: what comes again is the same. None of a customer erased since."""
    rows = [
        (
            *(each.id, kept(each.tenant), each.said.at_ms, each.said.expires_ms, each.sealed),
            *(kept(each.said.subject_ref), SKEW_MS),
        )
        for each in recorded
    ]
    many(connection, _KEEP, rows)


def expire(connection: Connection, *, now_ms: int) -> int:
    """Delete what has expired; returns how many there were."""
    return connection.execute("DELETE FROM input WHERE expires_ms <= %s", (now_ms,)).rowcount


def forget(connection: Connection, subject_refs: Iterable[str]) -> int:
    """Delete what decisions about these customers were decided by; returns how many there were."""
    refs = [kept(each) for each in subject_refs]
    text = """DELETE FROM input USING decision WHERE decision.id = input.decision
     AND decision.subject_ref = ANY(%s::text[])"""
    found = connection.execute(text, (refs,)).rowcount
    return found + connection.execute("DELETE FROM input WHERE subject_ref = ANY(%s::text[])", (refs,)).rowcount


def forget_of(connection: Connection, person: Person) -> int:
    """Delete what calls about a customer were decided by, also where the decision has not come yet."""
    text = "DELETE FROM input WHERE tenant = %s AND subject_ref = %s"
    return connection.execute(text, (kept(person.tenant), kept(person.subject_ref))).rowcount


def kept_of(connection: Connection, person: Person, *, now_ms: int) -> tuple[int, int]:
    """How many calls about a customer have theirs kept, and until when the last of them; (0, 0) for none."""
    text = """SELECT count(*), coalesce(max(expires_ms), 0) FROM input
     WHERE tenant = %s AND subject_ref = %s AND expires_ms > %s"""
    found = connection.execute(text, (kept(person.tenant), kept(person.subject_ref), now_ms)).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def begin(connection: Connection, query: InputsQuery, *, now_ms: int) -> tuple[Mark, int]:
    """Where the newest so many begin, and how many there are."""
    wanted = _parameters(query, now_ms)
    mark = (0, "")
    with connection.transaction():
        if query.most:
            found = connection.execute(_NEWEST.encode(), (*wanted, query.most - 1)).fetchone()
            mark = mark if found is None else (found[0], found[1].hex)
        counted = connection.execute(_COUNT.encode(), (*wanted, mark[0], mark[1] or _NOTHING)).fetchone()
    return mark, int(counted[0]) if counted else 0


def page(connection: Connection, query: InputsQuery, *, now_ms: int, at: Mark, size: int) -> tuple[Kept, ...]:
    """The inputs from a place on, oldest first, of decisions that are stored by now."""
    at_ms, decision = at
    # A place may be right after a decision: the next text in the order of texts, which is no decision's.
    text = _PAGE.format(">" if len(decision) > len(_NOTHING) else ">=")
    size = min(size, _AT_ONCE)
    place = (at_ms, decision[: len(_NOTHING)] or _NOTHING)
    rows = connection.execute(text.encode(), (*_parameters(query, now_ms), *place, size)).fetchall()
    told = outcomes.of(connection, [row[0].hex for row in rows])
    return tuple(
        Kept(
            decision=decision.hex,
            at_ms=received_ms,
            sealed=sealed,
            record=record,
            outcome=outcome,
            settlement=settlement,
            leaf=leaf,
            told=told.get(decision.hex, ()),
        )
        for decision, received_ms, sealed, record, outcome, settlement, leaf in rows
    )


def _parameters(query: InputsQuery, now_ms: int) -> tuple[object, ...]:
    return (
        *(now_ms, query.start_ms, query.end_ms),
        *(kept(query.tenant), kept(query.tenant), query.decision or None, query.decision or None),
    )
