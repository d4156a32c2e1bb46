"""What a filter says of copies of calls, answered from the main file, where they are: decisions are in segments."""

import sqlite3
from typing import Final

import msgspec

from services.audit.filters.expression import Among, Comparison, Expression, Has, Like, Not, rewritten
from services.audit.filters.fields import Field
from services.audit.sql.conditions import glob, literal, nothing
from services.audit.sql.dialects import Sql

_AGREES: Final = "CASE end WHEN 'AGREED' THEN 1 WHEN 'DIFFERED' THEN 0 END"
"""Neither where nothing could be compared, see `ShadowResult.agrees`."""


def resolved(connection: sqlite3.Connection, expression: Expression, *, within: Sql) -> Expression:
    """The same filter with the decisions themselves in place of all that it says of copies.

    Only decisions `within` count, a condition of the column `decision`: others are taken for such without copies.
    """

    def change(leaf: Expression) -> Expression:
        test = _test(leaf)
        if test is None:
            return leaf
        text = f"SELECT DISTINCT decision FROM copy WHERE {within.text} AND {test.text}"  # noqa: S608
        rows = connection.execute(text, (*within.parameters, *test.parameters)).fetchall()
        found = Among(tuple(decision for (decision,) in rows))
        return Not(found) if isinstance(leaf, Comparison) and leaf.comparator == "!=" else found

    return rewritten(expression, change)


def between(first: str, last: str) -> Sql:
    """Decisions from an id on and before another."""
    return Sql("decision >= ? AND decision < ?", (first, last))


def among(decisions: tuple[str, ...]) -> Sql:
    """Decisions with one of these ids."""
    return Sql("decision IN (SELECT value FROM json_each(?))", (msgspec.json.encode(decisions).decode(),))


def _test(leaf: Expression) -> Sql | None:
    """What a copy must meet that a part of a filter asks for; `None` where it asks for none."""
    if not isinstance(leaf, Comparison | Like | Has) or leaf.field.path.source != "copies":
        return None
    value = _value(leaf.field)
    match leaf:
        case Comparison(comparator=comparator, value=wanted):
            return Sql(f"{value} {'=' if comparator == '!=' else comparator} ?", (wanted,))
        case Like(pieces=pieces):
            return Sql(f"{value} GLOB ?", (glob(pieces),))
        case Has(field=field):
            return Sql(f"{value} != {nothing(field)}")


def _value(field: Field) -> str:
    """The JSON leaves defaults out."""
    name = field.path.inner
    return _AGREES if name == "agrees" else f"ifnull(json_extract(result, '$.{name}'), {literal(field.path.default)})"
