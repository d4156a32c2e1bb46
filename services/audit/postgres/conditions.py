"""Compiles what a decision must meet to PostgreSQL's SQL. Values are parameters, texts hold our own names. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.audit.filters.expression import All, Comparison, Expression, Has, Like, Not, Some, SubjectIs, Text
from services.audit.filters.fields import Field, Kind
from services.audit.filters.paths import Path
from services.audit.postgres.texts import in_json, kept, phrase, words_in

COLUMNS: Final = frozenset(
    (
        *("id", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route"),
        *("arm", "upstream", "revision", "trace_id", "received_ms", "decided_ms", "tenant"),
        *("verdict", "reason", "rule", "status", "state", "settled_ms"),
    )
)
"""Members of the record and the conclusion that have a column of their own."""
WORDS: Final = "string_to_array(decision.words, ' ')"
"""What the index of words is over."""
_KNOWN: Final = frozenset({Kind.TIME, Kind.DURATION})
"""Kinds that a decision has or has not: 0 is a value of them."""
_NUMBERS: Final = _KNOWN | {Kind.NUMBER}


class Sql(msgspec.Struct, frozen=True):
    """A text with `%s` for each of its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


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
            return joined([condition(part, now_ms=now_ms) for part in parts], "AND", empty="true")
        case Some(parts=parts):
            return joined([condition(part, now_ms=now_ms) for part in parts], "OR", empty="false")
        case _:
            return _leaf(expression, now_ms=now_ms)


def joined(parts: Sequence[Sql], word: str, *, empty: str) -> Sql:
    """The parts with a word between them, or `empty` where there are none."""
    if not parts:
        return Sql(empty)
    text = f" {word} ".join(f"({part.text})" for part in parts)
    return Sql(text, tuple(value for part in parts for value in part.parameters))


def scalar(field: Field, *, now_ms: int) -> Sql:
    """The value of a field that has one at most, NULL where it is not known, with the state of the time `now_ms`."""
    if field.kind is Kind.STATE:
        # What the periodic pass has not marked yet must answer as if it had.
        expired = "decision.state = 'RUNNING' AND decision.expires_ms < %s"
        return Sql(f"CASE WHEN {expired} THEN 'IN_DOUBT' ELSE decision.state END", (now_ms,))
    return Sql(f"decision.{field.path.name}" if _has_column(field.path) else _member(field))


def elements(field: Field) -> tuple[str, str]:
    """Where the elements of a list or map are found as `e`, and what is the value of each."""
    where = field.path
    if where.source == "rules":
        return "decision_rule AS e", "e.rule"
    if where.source == "copies":
        return "copy AS e", _copied(field)
    parts = f"{_json(where.source)} -> '{where.name}'"
    if where.shape == "{}":
        return f"jsonb_each(coalesce({parts}, '{{}}')) AS e(key, value)", _typed(field, "e.value #>> '{}'")
    source = f"jsonb_array_elements(coalesce({parts}, '[]')) AS e(value)"
    if where.where is not None:
        name, wanted = where.where
        source += f" WHERE e.value ->> '{name}' = '{wanted}'"
    if not where.inner:
        return source, _typed(field, "e.value #>> '{}'")
    member = _typed(field, f"e.value ->> '{where.inner}'")
    return source, f"coalesce({member}, {_literal(where.default)})"


def _leaf(expression: Expression, *, now_ms: int) -> Sql:
    match expression:
        case Comparison():
            return _comparison(expression, now_ms=now_ms)
        case Like(field=field, pieces=pieces):
            return _any(field, "{} LIKE %s", (_pattern(pieces),))
        case Has(field=field, key=key):
            there = field.kind in _KNOWN or field.path.name == "id"
            return _any(field, "{} IS NOT NULL" if there else f"{{}} <> {_nothing(field)}", (), key=key)
        case Text(words=words, prefix=prefix):
            whole, text = words_in(words, prefix=prefix), phrase(words, prefix=prefix)
            return Sql(f"{WORDS} @> %s::text[] AND position(%s IN decision.words) > 0", (list(whole), text))
        case SubjectIs(refs=refs):
            if len(refs) == 1:
                return Sql("decision.subject_ref = %s", (kept(refs[0]),))
            return Sql("decision.subject_ref = ANY(%s::text[])", ([kept(ref) for ref in refs],))
        case _:
            raise ValueError("An age depends on the time: see at_time.")


def _comparison(comparison: Comparison, *, now_ms: int) -> Sql:
    field, comparator, value = comparison.field, comparison.comparator, _parameter(comparison.field, comparison.value)
    if field.kind is Kind.RULE:
        having = "EXISTS (SELECT 1 FROM decision_rule AS r WHERE r.rule = %s AND r.decision = decision.id)"
        return Sql(having if comparator == "=" else f"NOT {having}", (value,))
    if not field.path.single:
        found = _any(field, "{} " + ("=" if comparator == "!=" else comparator) + " %s", (value,), key=comparison.key)
        return found if comparator != "!=" else Sql(f"NOT {found.text}", found.parameters)
    have = scalar(field, now_ms=now_ms)
    # The filter's times are finer than the stored ones.
    scaled = f"{have.text} * 1000" if field.kind is Kind.TIME else have.text
    return Sql(_certain(f"{scaled} {comparator} %s", field), (*have.parameters, value))


def _any(field: Field, test: str, parameters: tuple[Any, ...], *, key: str = "") -> Sql:
    """Whether a test, written with {} for the value, holds of any of the field's values."""
    if field.path.single:
        have = scalar(field, now_ms=0)
        return Sql(_certain(test.format(have.text), field), (*have.parameters, *parameters))
    source, value = elements(field)
    if field.path.source in {"rules", "copies"}:
        source = f"{source} WHERE e.decision = decision.id"
    word = "AND" if " WHERE " in source else "WHERE"
    keyed = "e.key = %s AND " if key else ""
    given = (in_json(key),) if key else ()
    return Sql(f"EXISTS (SELECT 1 FROM {source} {word} {keyed}{test.format(value)})", (*given, *parameters))


def _copied(field: Field) -> str:
    """A member of what came of a copy. Whether it agrees nobody knows where nothing could be compared."""
    if field.path.inner == "agrees":
        return "CASE e.ended WHEN 'AGREED' THEN 1 WHEN 'DIFFERED' THEN 0 END"
    member = _typed(field, f"e.result ->> '{field.path.inner}'")
    return f"coalesce({member}, {_literal(field.path.default)})"


def _certain(test: str, field: Field) -> str:
    """The test, false where the field has no value. A bare column stays bare: else no index would be used."""
    always = _has_column(field.path) and field.path.name != "settled_ms"
    return test if always else f"coalesce({test}, false)"


def _has_column(where: Path) -> bool:
    return where.source == "conclusion" or (where.source == "record" and where.name in COLUMNS and not where.inner)


def _parameter(field: Field, value: str | int) -> str | int:
    """The value as it is stored."""
    if not isinstance(value, str):
        return value
    return kept(value) if field.kind is Kind.RULE or _has_column(field.path) else in_json(value)


def _member(field: Field) -> str:
    """A member that is read from the JSON, which leaves defaults out."""
    where = field.path
    said = _json(where.source)
    if where.shape == "#":
        have = f"coalesce(jsonb_array_length({said} -> '{where.name}'), 0)"
    else:
        place = f"-> '{where.name}' ->> '{where.inner}'" if where.inner else f"->> '{where.name}'"
        have = f"coalesce({_typed(field, f'{said} {place}')}, {_literal(where.default)})"
    if where.source != "settlement" or field.kind not in _NUMBERS:
        return have
    took = _typed(field, f"{_json('record')} ->> '{where.refused}'")
    refused = f"WHEN decision.verdict <> 'ALLOW' THEN nullif({took}, 0)" if where.refused else ""
    return f"CASE WHEN decision.settlement IS NOT NULL THEN {have} {refused} END"


def _json(source: str) -> str:
    """What the gateway wrote, with U+FFFD for every NUL, which `jsonb` does not take."""
    return f"replace(convert_from(decision.{source}, 'UTF8'), '\\u0000', '\\ufffd')::jsonb"


def _typed(field: Field, text: str) -> str:
    """A text of the JSON in the field's type."""
    if field.kind in _NUMBERS:
        return f"({text})::numeric"
    return f"({text})::boolean::integer" if field.kind is Kind.BOOL else f'({text}) COLLATE "C"'


def _pattern(pieces: tuple[str, ...]) -> str:
    escaped = (piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for piece in pieces)
    return in_json("%".join(escaped))


def _nothing(field: Field) -> str:
    return "0" if field.kind in {Kind.NUMBER, Kind.BOOL} else "''"


def _literal(value: str | int | None) -> str:
    """A default of ours as SQL."""
    if value is None:
        return "NULL"
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
