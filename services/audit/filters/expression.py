"""A filter as a value: comparisons of known fields with values of the right type. Pure; each store compiles its own."""

from collections.abc import Callable
from typing import Final

import msgspec

from services.audit.filters.fields import Field, Kind


class Comparison(msgspec.Struct, frozen=True):
    """One field against one value.

    A number for NUMBER, microseconds for DURATION, microseconds since the epoch for TIME, 0 or 1 for BOOL, else a
    text.
    Of a field with many values any must compare, for != none may be equal. A number or time that a decision does not
    have, such as the settle time of a running one, matches no comparison.
    """

    field: Field
    comparator: str
    """One of = != < <= > >=."""
    value: str | int
    key: str = ""
    """Of a map the key whose value is meant; empty for any."""


class Like(msgspec.Struct, frozen=True):
    """A text, or any of a field's texts, is these pieces with anything between them: "a*b" has the pieces a and b."""

    field: Field
    pieces: tuple[str, ...]


class Has(msgspec.Struct, frozen=True):
    """The field has a value: a text that is not empty, a number that is not 0, a time or duration that is known."""

    field: Field
    key: str = ""
    """Of a map the key that it must have; empty for any."""


class Age(msgspec.Struct, frozen=True):
    """How long ago a time was, against a span. Before a store is asked, `at_time` resolves it."""

    field: Field
    comparator: str
    microseconds: int


class Text(msgspec.Struct, frozen=True):
    """The words stand next to each other in one of the texts of a decision, see `services.audit.filters.searching`."""

    words: str
    prefix: bool = False
    """Whether the last word may go on."""


class SubjectIs(msgspec.Struct, frozen=True):
    """The subject is one of these pseudonyms: one for each tenant."""

    refs: tuple[str, ...]


class Among(msgspec.Struct, frozen=True):
    """The decision has one of these ids. A store makes it of what it keeps elsewhere; no filter can be written so."""

    decisions: tuple[str, ...]


class Not(msgspec.Struct, frozen=True):
    """The part does not match."""

    part: "Expression"


class All(msgspec.Struct, frozen=True):
    """Every part matches; without parts everything does."""

    parts: tuple["Expression", ...]


class Some(msgspec.Struct, frozen=True):
    """At least one part matches."""

    parts: tuple["Expression", ...]


Expression = Comparison | Like | Has | Age | Text | SubjectIs | Among | Not | All | Some

EVERYTHING: Final = All(())
_TURNED: Final = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def rewritten(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same filter with `change` made to each of its leaves."""
    match expression:
        case Not(part=part):
            return Not(rewritten(part, change))
        case All(parts=parts):
            return All(tuple(rewritten(part, change) for part in parts))
        case Some(parts=parts):
            return Some(tuple(rewritten(part, change) for part in parts))
        case _:
            return change(expression)


def with_subjects(expression: Expression, refs: Callable[[str], tuple[str, ...]]) -> Expression:
    """The same filter with every subject replaced by its pseudonyms, as `refs` knows them."""

    def change(leaf: Expression) -> Expression:
        if not isinstance(leaf, Comparison) or leaf.field.kind is not Kind.SUBJECT:
            return leaf
        found = SubjectIs(refs(str(leaf.value)))
        return found if leaf.comparator == "=" else Not(found)

    return rewritten(expression, change)


def at_time(expression: Expression, *, now_ms: int) -> Expression:
    """The same filter with every age replaced by the time that it means now, milliseconds since the epoch."""

    def change(leaf: Expression) -> Expression:
        if not isinstance(leaf, Age):
            return leaf
        return Comparison(leaf.field, _TURNED[leaf.comparator], max(now_ms * 1_000 - leaf.microseconds, 0))

    return rewritten(expression, change)
