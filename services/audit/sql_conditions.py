"""Compiles what a decision must meet to SQLite's SQL. Values are always parameters; texts hold our own names. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.audit.expression import All, Comparison, Expression, Has, Like, Not, Some, SubjectIs, Text
from services.audit.fields import Field, Kind
from services.audit.paths import Path
from services.audit.searching import phrase

Parameter = str | int

WORDS: Final = "pilote_words"
"""Function of the connection: whether words are in a decision, see `services.audit.sqlite_functions`."""
COLUMNS: Final = frozenset(
    (
        *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route"),
        *("arm", "upstream", "revision", "trace_id", "received_ms", "decided_ms", "tenant"),
        *("verdict", "reason", "rule", "status", "state", "settled_ms"),
    )
)
"""Members of the record and the conclusion that have a column of their own."""


class Sql(msgspec.Struct, frozen=True):
    """A text with `?` for each of its parameters."""

    text: str
    parameters: tuple[Parameter, ...] = ()


def condition(expression: Expression, *, now_ms: int) -> Sql:
    """What a row must meet. Always true or false, never NULL, so that NOT means what it says.

    Raises:
        ValueError: the filter has an age; `at_time` resolves it.
    """
    match expression:
        case Not(part=part):
            inner = condition(part, now_ms=now_ms)
            return Sql(f"NOT ({inner.text})", inner.parameters)
        case All(parts=parts):
            return joined([condition(part, now_ms=now_ms) for part in parts], "AND", empty="1")
        case Some(parts=parts):
            return joined([condition(part, now_ms=now_ms) for part in parts], "OR", empty="0")
        case _:
            return _leaf(expression, now_ms=now_ms)


def joined(parts: Sequence[Sql], word: str, *, empty: str) -> Sql:
    """The parts with a word between them, or `empty` where there are none.

    Halved again and again: SQLite takes a thousand levels of an expression; a thousand words in a row would be more.
    """
    if len(parts) < 2:
        return parts[0] if parts else Sql(empty)
    half = len(parts) // 2
    left, right = joined(parts[:half], word, empty=empty), joined(parts[half:], word, empty=empty)
    return Sql(f"({left.text}) {word} ({right.text})", (*left.parameters, *right.parameters))


def _leaf(expression: Expression, *, now_ms: int) -> Sql:
    match expression:
        case Comparison():
            return _comparison(expression, now_ms=now_ms)
        case Like(field=field, pieces=pieces):
            return _any(field, "{} GLOB ?", (_glob(pieces),))
        case Has(field=field, key=key):
            return _any(field, "{} IS NOT NULL" if field.kind in _KNOWN else f"{{}} != {_nothing(field)}", (), key=key)
        case Text():
            return _text(expression)
        case SubjectIs(refs=refs):
            # With one tenant the index gives the order too; with many, each would cost one of a limited number of `?`.
            if len(refs) == 1:
                return Sql("subject_ref = ?", refs)
            return Sql("subject_ref IN (SELECT value FROM json_each(?))", (msgspec.json.encode(refs).decode(),))
        case _:
            raise ValueError("An age depends on the time: see at_time.")


def scalar(field: Field, *, now_ms: int) -> str:
    """The value of a field that has one at most, NULL where it is not known, with the state of the time `now_ms`."""
    if field.kind is Kind.STATE:
        # What the periodic pass has not marked yet must answer as if it had.
        expired = f"decision.state = 'RUNNING' AND expires_ms < {int(now_ms)}"
        return f"iif({expired}, 'IN_DOUBT', decision.state)"
    where = field.path
    if where.source == "conclusion" or (where.source == "record" and where.name in COLUMNS and not where.inner):
        return f"decision.{where.name}"
    return _member(where, known=field.kind in _KNOWN or field.kind is Kind.NUMBER)


def _text(text: Text) -> Sql:
    """By the index of words, and then by the texts themselves: to the index some different letters are one."""
    columns = "decision.record, decision.outcome, decision.rule, decision.reason"
    exact = Sql(f"{WORDS}({columns}, ?, ?)", (text.words, int(text.prefix)))
    if not (wanted := phrase(text.words, prefix=text.prefix)):
        return exact
    near = "decision.seq IN (SELECT rowid / 2 FROM words WHERE words MATCH ?)"
    return Sql(f"{near} AND {exact.text}", (wanted, *exact.parameters))


_KNOWN: Final = frozenset({Kind.TIME, Kind.DURATION})
"""Kinds that a decision has or has not: 0 is a value of them."""


def elements(where: Path) -> tuple[str, str]:
    """Where the elements of a list or map are found as `e`, and what is the value of each."""
    source = f"json_each(CAST(decision.{where.source} AS TEXT), '$.{where.name}') AS e"
    if where.where is not None:
        name, wanted = where.where
        source += f" WHERE json_extract(e.value, '$.{name}') = '{wanted}'"
    if not where.inner:
        return source, "e.value"
    return source, f"coalesce(json_extract(e.value, '$.{where.inner}'), {_literal(where.default)})"


def _comparison(comparison: Comparison, *, now_ms: int) -> Sql:
    field, comparator, value = comparison.field, comparison.comparator, comparison.value
    if field.kind is Kind.RULE:
        having = "decision.id IN (SELECT decision FROM decision_rule WHERE rule = ?)"
        return Sql(having if comparator == "=" else f"NOT {having}", (value,))
    if not field.path.single:
        found = _any(field, "{} " + ("=" if comparator == "!=" else comparator) + " ?", (value,), key=comparison.key)
        return found if comparator != "!=" else Sql(f"NOT {found.text}", found.parameters)
    have = scalar(field, now_ms=now_ms)
    if field.kind is Kind.TIME:
        # The filter's times are finer than the stored ones.
        return Sql(f"({have} IS NOT NULL AND {have} * 1000 {comparator} ?)", (value,))
    if field.path.source == "settlement" and field.kind in {Kind.NUMBER, Kind.DURATION}:
        return Sql(f"ifnull({have} {comparator} ?, 0)", (value,))
    return Sql(f"{have} {comparator} ?", (value,))


def _any(field: Field, test: str, parameters: tuple[Parameter, ...], *, key: str = "") -> Sql:
    """Whether a test, written with {} for the value, holds of any of the field's values."""
    if field.path.source == "rules":
        # By its key, which leads with the rule: decision by decision there is no index.
        return Sql(f"decision.id IN (SELECT decision FROM decision_rule WHERE {test.format('rule')})", parameters)
    if field.path.single:
        return Sql(f"ifnull({test.format(scalar(field, now_ms=0))}, 0)", parameters)
    source, value = elements(field.path)
    word = "AND" if field.path.where else "WHERE"
    if key:
        return Sql(f"EXISTS (SELECT 1 FROM {source} {word} e.key = ? AND {test.format(value)})", (key, *parameters))
    return Sql(f"EXISTS (SELECT 1 FROM {source} {word} {test.format(value)})", parameters)


def _member(where: Path, *, known: bool) -> str:
    """A member that is read from the JSON, which leaves defaults out."""
    column = f"decision.{where.source}"
    text = f"CAST({column} AS TEXT)"
    if where.shape == "#":
        have = f"ifnull(json_array_length({text}, '$.{where.name}'), 0)"
    else:
        place = f"{where.name}.{where.inner}" if where.inner else where.name
        have = f"ifnull(json_extract({text}, '$.{place}'), {_literal(where.default)})"
    return f"iif({column} IS NULL, NULL, {have})" if where.source == "settlement" and known else have


def _glob(pieces: tuple[str, ...]) -> str:
    return "*".join("".join(f"[{each}]" if each in "*?[" else each for each in piece) for piece in pieces)


def _nothing(field: Field) -> str:
    return "0" if field.kind in {Kind.NUMBER, Kind.BOOL} else "''"


def _literal(value: str | int | None) -> str:
    """A default of ours as SQL."""
    return str(int(value)) if isinstance(value, int) else "'" + (value or "").replace("'", "''") + "'"
