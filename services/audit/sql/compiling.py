"""Compiles what is asked for to SQL. Values are always parameters; the text holds our own names only. Pure."""

from typing import Final

from services.audit.filters.bounds import id_bounds
from services.audit.filters.expression import All, Comparison, Expression
from services.audit.filters.fields import Kind
from services.audit.sql.conditions import condition, joined
from services.audit.sql.dialects import SQLITE, Dialect, Sql
from services.audit.sqlite.segments.hours import hour_of

COLUMNS: Final = """decision.id, verdict, reason, decision.rule, status, state, settled_ms, expires_ms,
 record, outcome, settlement, leaf, settled_leaf"""


_LAST_HOUR: Final = hour_of("f" * 12)


def page(
    expression: Expression, *, now_ms: int, before: str, size: int, skew_ms: int, dialect: Dialect = SQLITE
) -> Sql:
    """The query for one page, newest first.

    A rule that every match must have leads the query: its index has the ids in order, so that a page of a rare rule
    among a million decisions reads its own rows only. `skew_ms` is how far an id's time may be from its receive time:
    ids sort by time, so bounds on the receive time bound the id as well, in every index.
    """
    parts = expression.parts if isinstance(expression, All) else (expression,)
    rules = [part for part in parts if dialect is SQLITE and isinstance(part, Comparison) and _must_have(part)]
    source, key = "decision", "decision.id"
    wanted = [condition(part, now_ms=now_ms, dialect=dialect) for part in parts if not rules or part is not rules[0]]
    if rules:
        # CROSS JOIN is how SQLite is told the order of a join.
        source, key = "decision_rule AS hit CROSS JOIN decision ON decision.id = hit.decision", "hit.decision"
        wanted.insert(0, Sql("hit.rule = ?", (rules[0].value,)))
    wanted += [Sql(f"{key} {comparator} ?", (bound,)) for comparator, bound in id_bounds(parts, skew_ms=skew_ms)]
    if before:
        wanted.append(Sql(f"{key} < ?", (before,)))
    where = joined(wanted, "AND", empty="1")
    text = f"SELECT {COLUMNS} FROM {source} WHERE {where.text} ORDER BY {key} DESC LIMIT ?"
    return Sql(text, (*where.parameters, size))


def hours(expression: Expression, *, before: str, skew_ms: int) -> tuple[int, int]:
    """The first and the last hour that a match may be in; the last is before the first where none can be."""
    low, high = 0, _LAST_HOUR
    parts = expression.parts if isinstance(expression, All) else (expression,)
    for comparator, bound in id_bounds(parts, skew_ms=skew_ms):
        if comparator == ">=":
            low = max(low, hour_of(bound))
        else:
            high = min(high, hour_of(bound))
    for part in parts:
        if isinstance(part, Comparison) and part.field.kind is Kind.NAME and part.comparator == "=":
            named = hour_of(str(part.value))
            low, high = max(low, named), min(high, named)
    return low, min(high, hour_of(before)) if before else high


def _must_have(part: Comparison) -> bool:
    return part.field.kind is Kind.RULE and part.comparator == "="
