"""Says of one decision whether a filter matches it: what every store must agree with. Pure."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.core import keys
from gateway.core.record import Verdict
from services.audit.filters.expression import (
    Age,
    All,
    Among,
    Comparison,
    Expression,
    Has,
    Like,
    Not,
    Some,
    SubjectIs,
    Text,
)
from services.audit.filters.fields import Field, Kind
from services.audit.filters.paths import Path, Value
from services.audit.filters.searching import found, searched
from services.audit.store import Stored

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(expression: Expression, stored: Stored) -> bool:
    """Whether the decision, as it is known at the time it was read for, matches a filter without subjects and ages.

    Raises:
        ValueError: the filter has a subject by its name, or an age.
    """
    match expression:
        case Comparison():
            return _compares(expression, stored)
        case Like(field=field, pieces=pieces):
            return any(is_like(str(value), pieces) for value in values(field, stored))
        case Has(field=field, key=key):
            return any(_is_there(field.kind, value) for value in values(field, stored, key=key))
        case Text(words=words, prefix=prefix):
            return found(searched(stored.record, stored.outcome, stored.conclusion), words, prefix=prefix)
        case SubjectIs() | Among():
            return _named(expression, stored)
        case Not(part=part):
            return not matches(part, stored)
        case All(parts=parts):
            return all(matches(part, stored) for part in parts)
        case Some(parts=parts):
            return any(matches(part, stored) for part in parts)
        case Age():
            raise ValueError("An age depends on the time: see at_time.")


def values(field: Field, stored: Stored, *, key: str = "") -> tuple[Value, ...]:
    """The values that a decision has in a field; of a map with `key` the one of that key."""
    where = field.path
    if where.source == "rules":
        return tuple({stored.conclusion.rule, *(look.rule for look in stored.record.rules)} - {""})
    if where.source == "copies":
        return tuple(value for value in _elements(stored.copies, where) if value is not None)
    source: Any = getattr(stored, where.source)
    if source is None:
        return _absent(field, stored)
    found = getattr(source, where.name)
    if where.shape == "{}":
        return tuple(value for name, value in found.items() if key in {"", name})
    if where.shape == "#":
        return (len(found),)
    if where.shape == "[]":
        return tuple(_elements(found, where))
    if where.inner:
        found = where.default if found is None else getattr(found, where.inner)
    if where.name == "tenant" and found == keys.NOBODY:
        return ("",)
    return () if found is None else (found,)


def is_like(text: str, pieces: tuple[str, ...]) -> bool:
    """Whether the text is these pieces with anything between them."""
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _named(expression: SubjectIs | Among, stored: Stored) -> bool:
    if isinstance(expression, SubjectIs):
        return stored.record.subject_ref in expression.refs
    return stored.record.id in expression.decisions


def _compares(comparison: Comparison, stored: Stored) -> bool:
    field, comparator, value = comparison.field, comparison.comparator, comparison.value
    if field.kind is Kind.SUBJECT:
        raise ValueError("A subject is compared by its pseudonyms: see with_subjects.")
    have = values(field, stored, key=comparison.key)
    scale = 1_000 if field.kind is Kind.TIME else 1
    if comparator == "!=" and not field.path.single:
        return value not in have
    return any(_COMPARE[comparator](each if scale == 1 else int(each) * scale, value) for each in have)


def _absent(field: Field, stored: Stored) -> tuple[Value, ...]:
    """What a decision without a settlement has in one of its fields: a number or span is not known."""
    where = field.path
    if where.refused:
        took: int = getattr(stored.record, where.refused)
        return (took,) if took and stored.conclusion.verdict is not Verdict.ALLOW else ()
    if where.default is None or where.shape:
        return ()
    if field.kind in {Kind.NUMBER, Kind.DURATION}:
        return ()
    return (0 if field.kind is Kind.BOOL else "",)


def _elements(found: tuple[Any, ...], where: Path) -> tuple[Value, ...]:
    if where.where is not None:
        name, wanted = where.where
        found = tuple(each for each in found if getattr(each, name) == wanted)
    return tuple(getattr(each, where.inner) for each in found) if where.inner else found


def _is_there(kind: Kind, value: Value) -> bool:
    return kind in {Kind.TIME, Kind.DURATION} or bool(value)
