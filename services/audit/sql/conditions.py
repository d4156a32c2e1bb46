"""Compiles what a decision must meet to SQL. Values are always parameters; texts hold our own names only. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.audit.filters.expression import All, Among, Comparison, Expression, Has, Like, Not, Some, SubjectIs, Text
from services.audit.filters.fields import Field, Kind
from services.audit.filters.paths import Path
from services.audit.sql.dialects import SQLITE, Dialect, Parameter, Sql

COLUMNS: Final = frozenset(
    (
        *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route"),
        *("arm", "upstream", "revision", "trace_id", "received_ms", "decided_ms", "tenant"),
        *("verdict", "reason", "rule", "status", "state", "settled_ms"),
    )
)
"""Members of the record and the conclusion that have a column of their own."""


def condition(expression: Expression, *, now_ms: int, dialect: Dialect = SQLITE) -> Sql:
    """What a row must meet. Always true or false, never NULL, so that NOT means what it says.

    Raises:
        ValueError: the filter has an age; `at_time` resolves it.
    """
    match expression:
        case Not(part=part):
            inner = condition(part, now_ms=now_ms, dialect=dialect)
            return Sql(f"NOT ({inner.text})", inner.parameters)
        case All(parts=parts):
            return joined([condition(part, now_ms=now_ms, dialect=dialect) for part in parts], "AND", empty="1")
        case Some(parts=parts):
            return joined([condition(part, now_ms=now_ms, dialect=dialect) for part in parts], "OR", empty="0")
        case _:
            return _leaf(expression, now_ms=now_ms, dialect=dialect)


def joined(parts: Sequence[Sql], word: str, *, empty: str) -> Sql:
    """The parts with a word between them, or `empty` where there are none.

    Halved again and again: SQLite takes a thousand levels of an expression; a thousand words in a row would be more.
    """
    if len(parts) < 2:
        return parts[0] if parts else Sql(empty)
    half = len(parts) // 2
    left, right = joined(parts[:half], word, empty=empty), joined(parts[half:], word, empty=empty)
    return Sql(f"({left.text}) {word} ({right.text})", (*left.parameters, *right.parameters))


def _leaf(expression: Expression, *, now_ms: int, dialect: Dialect) -> Sql:
    match expression:
        case Comparison():
            return _comparison(expression, now_ms=now_ms, dialect=dialect)
        case Like(field=field, pieces=pieces):
            return _any(field, "{} GLOB ?", (glob(pieces),), dialect=dialect)
        case Has(field=field, key=key):
            test = "{} IS NOT NULL" if field.kind in _KNOWN else f"{{}} != {nothing(field)}"
            return _any(field, test, (), key=key, dialect=dialect)
        case Text():
            return dialect.text(expression)
        case SubjectIs(refs=refs):
            # With one tenant the index gives the order too; with many, each would cost one of a limited number of `?`.
            if len(refs) == 1:
                return Sql("subject_ref = ?", refs)
            return Sql(f"subject_ref {dialect.one_of}", (msgspec.json.encode(refs).decode(),))
        case Among(decisions=decisions):
            return Sql(f"decision.id {dialect.one_of}", (msgspec.json.encode(decisions).decode(),))
        case _:
            raise ValueError("An age depends on the time: see at_time.")


def scalar(field: Field, *, now_ms: int, dialect: Dialect = SQLITE) -> str:
    """The value of a field that has one at most, NULL where it is not known, with the state of the time `now_ms`."""
    if field.kind is Kind.STATE:
        # What the periodic pass has not marked yet must answer as if it had.
        expired = f"decision.state = 'RUNNING' AND expires_ms < {int(now_ms)}"
        return f"iif({expired}, 'IN_DOUBT', decision.state)"
    where = field.path
    if where.source == "conclusion" or (where.source == "record" and where.name in COLUMNS and not where.inner):
        return f"decision.{where.name}"
    return _member(field, known=field.kind in _KNOWN or field.kind is Kind.NUMBER, dialect=dialect)


_KNOWN: Final = frozenset({Kind.TIME, Kind.DURATION})
"""Kinds that a decision has or has not: 0 is a value of them."""


def elements(where: Path, *, dialect: Dialect = SQLITE) -> tuple[str, str]:
    """Where the elements of a list or map are found as `e`, and what is the value of each."""
    if where.shape == "{}":
        return dialect.entries(where.source, where.name), "e.value"
    source = dialect.elements(where.source, where.name)
    if where.where is not None:
        name, wanted = where.where
        source += f" WHERE {dialect.element(name, number=False)} = '{wanted}'"
    value = dialect.element(where.inner, number=isinstance(where.default, int))
    return source, f"coalesce({value}, {literal(where.default)})" if where.inner else value


def _comparison(comparison: Comparison, *, now_ms: int, dialect: Dialect) -> Sql:
    field, comparator, value = comparison.field, comparison.comparator, comparison.value
    if field.kind is Kind.RULE:
        return Sql(dialect.rule if comparator == "=" else f"NOT {dialect.rule}", (value,))
    if not field.path.single:
        test = f"{{}} {'=' if comparator == '!=' else comparator} ?"
        found = _any(field, test, (value,), key=comparison.key, dialect=dialect)
        return found if comparator != "!=" else Sql(f"NOT {found.text}", found.parameters)
    have = scalar(field, now_ms=now_ms, dialect=dialect)
    if field.kind is Kind.TIME:
        # The filter's times are finer than the stored ones.
        return Sql(f"({have} IS NOT NULL AND {have} * 1000 {comparator} ?)", (value,))
    if field.path.source == "settlement" and field.kind in {Kind.NUMBER, Kind.DURATION}:
        return Sql(f"ifnull({have} {comparator} ?, 0)", (value,))
    return Sql(f"{have} {comparator} ?", (value,))


def _any(field: Field, test: str, parameters: tuple[Parameter, ...], *, dialect: Dialect, key: str = "") -> Sql:
    """Whether a test, written with {} for the value, holds of any of the field's values."""
    if field.path.source == "rules":
        return Sql(dialect.any_rule(test), parameters)
    if field.path.single:
        return Sql(f"ifnull({test.format(scalar(field, now_ms=0, dialect=dialect))}, 0)", parameters)
    source, value = elements(field.path, dialect=dialect)
    word = "AND" if field.path.where else "WHERE"
    if key:
        return Sql(f"EXISTS (SELECT 1 FROM {source} {word} e.key = ? AND {test.format(value)})", (key, *parameters))
    return Sql(f"EXISTS (SELECT 1 FROM {source} {word} {test.format(value)})", parameters)


def _member(field: Field, *, known: bool, dialect: Dialect) -> str:
    """A member that is read from the JSON, which leaves defaults out."""
    where = field.path
    if where.shape == "#":
        have = f"ifnull({dialect.length(where.source, where.name)}, 0)"
    else:
        place = f"{where.name}.{where.inner}" if where.inner else where.name
        have = f"ifnull({dialect.member(where.source, place, kind=field.kind)}, {literal(where.default)})"
    if where.source != "settlement" or not known:
        return have
    absent = "NULL"
    if where.refused:
        took = dialect.member("record", where.refused, kind=field.kind)
        absent = f"iif(decision.verdict = 'ALLOW', NULL, nullif({took}, 0))"
    return f"iif(decision.settlement IS NULL, {absent}, {have})"


def glob(pieces: tuple[str, ...]) -> str:
    """The pattern of SQLite's GLOB that is these pieces with anything between them."""
    return "*".join("".join(f"[{each}]" if each in "*?[" else each for each in piece) for piece in pieces)


def nothing(field: Field) -> str:
    """What a field has that has no value, as SQL."""
    return "0" if field.kind in {Kind.NUMBER, Kind.BOOL} else "''"


def literal(value: str | int | None) -> str:
    """A default of ours as SQL."""
    return str(int(value)) if isinstance(value, int) else "'" + (value or "").replace("'", "''") + "'"
