"""A filter as a value: comparisons of known fields with values of the right type. Pure; each store compiles its own."""

from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

EQUALITY: Final = ("=", "!=")
ORDER: Final = ("=", "!=", "<", "<=", ">", ">=")


class Kind(Enum):
    """What a field's values are, as an error text calls them."""

    TEXT = "a text"
    NUMBER = "a whole number"
    TIME = "a time such as 2026-11-24T10:00:00Z"
    VERDICT = "ALLOW, DENY, HOLD or DEFER"
    STATE = "RUNNING, SETTLED or IN_DOUBT"
    OPERATION = "READ, WRITE, CONTACT, DELETE or INFER"
    NAME = "a resource name, decisions/{decision}"
    SUBJECT = "the resource name of a customer"
    RULE = "the name of a rule, limit or cap"


class Field(msgspec.Struct, frozen=True):
    """One field that a filter may name."""

    name: str
    column: str
    """Where a store keeps it; `Kind.SUBJECT` and `Kind.RULE` are compared in their own ways."""
    kind: Kind = Kind.TEXT

    @property
    def comparators(self) -> tuple[str, ...]:
        """Comparators that make sense for it."""
        return ORDER if self.kind in {Kind.NUMBER, Kind.TIME} else EQUALITY


_TEXTS: Final = (
    *("tenant", "agent", "method", "subject_ref", "channel", "category", "model", "route", "arm", "upstream"),
    *("reason", "status", "trace_id"),
)

FIELDS: Final[dict[str, Field]] = {
    field.name: field
    for field in (
        Field("name", "id", Kind.NAME),
        *(Field(name, name) for name in _TEXTS),
        Field("model_version", "version"),
        Field("operation", "operation", Kind.OPERATION),
        Field("subject", "subject_ref", Kind.SUBJECT),
        Field("revision", "revision", Kind.NUMBER),
        Field("verdict", "verdict", Kind.VERDICT),
        Field("rule", "rule", Kind.RULE),
        Field("state", "state", Kind.STATE),
        Field("receive_time", "received_ms", Kind.TIME),
        Field("decide_time", "decided_ms", Kind.TIME),
        Field("settle_time", "settled_ms", Kind.TIME),
    )
}


class Comparison(msgspec.Struct, frozen=True):
    """One field against one value: a number for NUMBER, microseconds since the epoch for TIME, else a text.

    A time that a decision does not have, such as the settle time of a running one, matches no comparison.
    """

    field: Field
    comparator: str
    value: str | int


class SubjectIs(msgspec.Struct, frozen=True):
    """The subject is one of these pseudonyms: one for each tenant."""

    refs: tuple[str, ...]


class Not(msgspec.Struct, frozen=True):
    """The part does not match."""

    part: "Expression"


class All(msgspec.Struct, frozen=True):
    """Every part matches; without parts everything does."""

    parts: tuple["Expression", ...]


class Some(msgspec.Struct, frozen=True):
    """At least one part matches."""

    parts: tuple["Expression", ...]


Expression = Comparison | SubjectIs | Not | All | Some

EVERYTHING: Final = All(())


def with_subjects(expression: Expression, refs: Callable[[str], tuple[str, ...]]) -> Expression:
    """The same filter with every subject replaced by its pseudonyms, as `refs` knows them."""
    match expression:
        case Comparison(field=Field(kind=Kind.SUBJECT), comparator=comparator, value=value):
            found = SubjectIs(refs(str(value)))
            return found if comparator == "=" else Not(found)
        case Not(part=part):
            return Not(with_subjects(part, refs))
        case All(parts=parts):
            return All(tuple(with_subjects(part, refs) for part in parts))
        case Some(parts=parts):
            return Some(tuple(with_subjects(part, refs) for part in parts))
        case _:
            return expression
