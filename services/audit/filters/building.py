"""Turns what the grammar of filters found into values, while it is found: no recursion, however long the text is."""

from collections.abc import Callable
from typing import Any

import msgspec
from lark import Token, Transformer

from services.audit.filters.expression import EVERYTHING, All, Comparison, Expression, Has, Not, Some, Text
from services.audit.filters.fields import FIELDS, Field, Kind
from services.audit.filters.filter_texts import Choice
from services.audit.filters.functions import FUNCTIONS, called, like
from services.audit.filters.habits import check_value
from services.audit.filters.naming import check_word, unknown_field, unknown_function
from services.audit.filters.searching import words_of
from services.audit.filters.values import mistaken, pieces_of, short, typed


class _Every(msgspec.Struct, frozen=True):
    """Values in parentheses that must all compare."""

    parts: tuple[Any, ...]


class _Either(msgspec.Struct, frozen=True):
    """Values in parentheses of which one must compare."""

    parts: tuple[Any, ...]


class Build(Transformer[Token, Expression]):
    """One method for each rule of the grammar; each raises `Mistake`."""

    def start(self, parts: list[Expression]) -> Expression:
        return parts[0] if parts else EVERYTHING

    def conjunction(self, parts: list[Expression]) -> Expression:
        return All(tuple(parts))

    def disjunction(self, parts: list[Expression]) -> Expression:
        return Some(tuple(parts))

    def negation(self, parts: list[Expression]) -> Expression:
        return Not(parts[0])

    def every(self, parts: list[Any]) -> _Every:
        return _Every(tuple(parts))

    def either(self, parts: list[Any]) -> _Either:
        return _Either(tuple(parts))

    def text(self, parts: list[Token]) -> Expression:
        return _text(parts[0])

    def comparison(self, parts: list[Any]) -> Expression:
        name, comparator, argument = parts
        field, key = _field(name)
        return spread(argument, lambda value: _compared(field, key, comparator, value))

    def call(self, parts: list[Token]) -> Expression:
        name, *rest = parts
        places = [place for place, part in enumerate(rest) if isinstance(part, Token) and part.type == "COMPARATOR"]
        arguments, compared = (rest[: places[0]], rest[places[0] :]) if places else (rest, [])
        known = name[:-1]
        if known not in FUNCTIONS:
            raise unknown_function(name, str(rest[0]) if rest else "")
        return called(FUNCTIONS[known], name, tuple(arguments), compared=tuple(compared))


def spread(argument: Any, compare: Callable[[Token], Expression]) -> Expression:
    """The comparison with each of the values in parentheses, joined as they are."""
    if isinstance(argument, _Every):
        return All(tuple(spread(part, compare) for part in argument.parts))
    if isinstance(argument, _Either):
        return Some(tuple(spread(part, compare) for part in argument.parts))
    return compare(argument)


def _text(token: Token) -> Expression:
    if token.type == "WORD":
        check_word(token)
    *pieces, last = pieces_of(token)
    prefix = bool(pieces) and not last
    words = " ".join(pieces if prefix else (*pieces, last)).strip()
    if not words_of(words):
        raise mistaken("wordless", token, value=short(str(token)))
    return Text(words, prefix)


def _field(token: Token) -> tuple[Field, str]:
    """The field that is named, and the key where it is one of a map."""
    name = str(token)
    if token.type == "STRING":
        name = "*".join(pieces_of(token))
    field = FIELDS.get(name)
    if field is not None:
        return field, ""
    owner, _, key = name.partition(".")
    if (field := FIELDS.get(owner)) is not None and field.path.shape == "{}" and key:
        return field, key[1:-1] if key.startswith('"') else key
    if name in FUNCTIONS:
        raise mistaken("alone-function", token, name=name, usage=FUNCTIONS[name].usage)
    raise unknown_field(name, line=token.line or 1, column=token.column or 1)


def _compared(field: Field, key: str, comparator: Token, value: Token) -> Expression:
    if comparator not in field.comparators:
        raise mistaken("comparator", comparator, name=field.name, wanted=Choice(field.comparators))
    check_value(field, value)
    pieces = pieces_of(value)
    if comparator == ":":
        return _had(field, key, value, pieces)
    if len(pieces) > 1 and comparator in {"=", "!="} and field.kind in {Kind.TEXT, Kind.RULE}:
        found = like(field, pieces, value)
        return found if comparator == "=" else Not(found)
    return Comparison(field, str(comparator), typed(field, value), key)


def _had(field: Field, key: str, value: Token, pieces: tuple[str, ...]) -> Expression:
    """The has-operator: any value, a key of a map, one of a field's values, or a text within a text."""
    if value == "*":
        return Has(FIELDS["subject_ref"] if field.kind is Kind.SUBJECT else field, key)
    if field.path.shape == "{}" and not key:
        return Has(field, "*".join(pieces))
    if field.kind is Kind.TEXT and field.path.single:
        return like(field, ("", *pieces, ""), value)
    if field.kind in {Kind.TEXT, Kind.RULE} and len(pieces) > 1:
        return like(field, pieces, value)
    return Comparison(field, "=", typed(field, value), key)
