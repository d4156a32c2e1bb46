"""Writes a filter as text again, so that reading it gives the same filter. Pure."""

from datetime import UTC, datetime
from typing import Final

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
from services.audit.filters.values import span_text

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "*": "\\*"})
_PLAIN: Final = frozenset({Kind.NUMBER, Kind.VERDICT, Kind.STATE, Kind.OPERATION})


def render(expression: Expression) -> str:
    """The filter's text; empty for one that everything matches.

    Raises:
        ValueError: it has pseudonyms, for which a filter has no text.
    """
    return "" if expression == All(()) else _written(expression)


def _written(expression: Expression) -> str:
    match expression:
        case Comparison(field=field, comparator=comparator, value=value, key=key):
            return f"{_named(field, key)} {comparator} {_value(field, value)}"
        case Like(field=field, pieces=pieces):
            return f"{field.name} = {_quoted(pieces)}"
        case Has(field=field, key=key):
            return f"{_named(field, key)}:*"
        case Age(field=field, comparator=comparator, microseconds=microseconds):
            return f"age({field.name}) {comparator} {span_text(microseconds)}"
        case Text(words=words, prefix=prefix):
            return _quoted((words, "")) if prefix else _quoted((words,))
        case Not(part=part):
            return f"NOT {_within(part)}"
        case All(parts=parts):
            return " AND ".join(_within(part) for part in parts)
        case Some(parts=parts):
            return " OR ".join(_within(part) for part in parts)
        case SubjectIs() | Among():
            raise ValueError("Pseudonyms and ids of a store's own have no text.")


def _within(part: Expression) -> str:
    return f"({_written(part)})" if isinstance(part, Not | All | Some) else _written(part)


def _named(field: Field, key: str) -> str:
    return f'{field.name}."{key}"' if key else field.name


def _value(field: Field, value: str | int) -> str:
    if field.kind is Kind.BOOL:
        return "true" if value else "false"
    if field.kind is Kind.DURATION:
        return span_text(int(value))
    if field.kind is Kind.TIME:
        seconds, microseconds = divmod(int(value), 1_000_000)
        moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds, tzinfo=None)
        return f'"{moment.isoformat(timespec="microseconds")}Z"'
    if field.kind is Kind.NAME:
        return f'"decisions/{value}"'
    return str(value) if field.kind in _PLAIN else _quoted((str(value),))


def _quoted(pieces: tuple[str, ...]) -> str:
    return f'"{"*".join(piece.translate(_ESCAPES) for piece in pieces)}"'
