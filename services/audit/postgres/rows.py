"""Finds decisions in PostgreSQL, and reads them."""

from typing import Final

from services.audit.filters.bounds import id_bounds
from services.audit.filters.expression import All, Comparison, Expression
from services.audit.filters.fields import Kind
from services.audit.postgres.conditions import Sql, condition, joined
from services.audit.postgres.copies import copies_of
from services.audit.postgres.lanes import Connection
from services.audit.postgres.partitions import spans
from services.audit.postgres.texts import kept
from services.audit.store import Stored
from services.audit.stored_rows import stored_of

COLUMNS: Final = """decision.id, verdict, reason, decision.rule, status, state, settled_ms, expires_ms,
 record, outcome, settlement, decision.leaf, settled_leaf"""
"""An id holds 48 bits of time."""


def pages(connection: Connection, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
    """The newest `size` decisions that match and have an id less than `before`, or the newest of all."""
    (skew_ms,) = connection.execute("SELECT ms FROM skew").fetchone() or (0,)
    together: tuple[Stored, ...] = ()
    for least, bound in spans(connection, before=before):
        left = size - len(together)
        query = page(expression, now_ms=now_ms, span=(least, bound), size=left, skew_ms=skew_ms)
        together += found(connection, query, now_ms=now_ms)
        if len(together) == size:
            break
    return together


def page(expression: Expression, *, now_ms: int, span: tuple[str, str], size: int, skew_ms: int) -> Sql:
    """The query for one page, newest first, of the ids from the one on and less than the other, where these are given.

    A rule that every match must have leads the query, as in the embedded store. Bounds of the receive time bound the id
    as well, by `skew_ms` at most: so they leave out partitions, and stand in every index.
    """
    parts = expression.parts if isinstance(expression, All) else (expression,)
    rules = [part for part in parts if isinstance(part, Comparison) and _must_have(part)]
    source, key = "decision", "decision.id"
    wanted = [condition(part, now_ms=now_ms) for part in parts if not rules or part is not rules[0]]
    if rules:
        source, key = "decision_rule AS hit JOIN decision ON decision.id = hit.decision", "hit.decision"
        wanted.insert(0, Sql("hit.rule = %s", (kept(str(rules[0].value)),)))
    bounds = [(comparator, first_id(digits)) for comparator, digits in id_bounds(parts, skew_ms=skew_ms)]
    least, bound = span
    bounds += [(">=", least)] if least else []
    bounds += [("<", bound)] if bound else []
    # Of both, since the planner does not carry a bound from the one to the other.
    keys = ("hit.decision", "decision.id") if rules else (key,)
    wanted += [Sql(f"{each} {comparator} %s::uuid", (bound,)) for comparator, bound in bounds for each in keys]
    where = joined(wanted, "AND", empty="true")
    text = f"SELECT {COLUMNS} FROM {source} WHERE {where.text} ORDER BY {key} DESC LIMIT %s"
    return Sql(text, (*where.parameters, size))


def found(connection: Connection, query: Sql, *, now_ms: int) -> tuple[Stored, ...]:
    """The decisions that a query selects, with their copies."""
    rows = connection.execute(query.text.encode(), query.parameters).fetchall()
    copies = copies_of(connection, [row[0].hex for row in rows])
    return tuple(stored_of(row, copies.get(row[0].hex, ()), now_ms=now_ms) for row in rows)


def first_id(digits: str) -> str:
    """The least id that begins with these 12 digits, as `id_bounds` gives them."""
    return f"{digits}{'0' * 20}"


def _must_have(part: Comparison) -> bool:
    return part.field.kind is Kind.RULE and part.comparator == "="
