"""Facets: which fields decisions are counted by, and what is answered. Pure."""

from collections.abc import Iterable
from typing import Final

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import summaries_pb2
from services.audit.filters.fields import FIELDS, Field, Kind
from services.audit.filters.filter_texts import Mistake
from services.audit.filters.suggesting import nearest
from services.audit.filters.values import short
from services.audit.finding import Facets

MOST_FIELDS: Final = 20
DEFAULT_TOP: Final = 10
LARGEST_TOP: Final = 1_000
_COUNTABLE: Final = {name: field for name, field in FIELDS.items() if field.countable}


def fields_of(names: Iterable[str], *, language: str) -> tuple[Field, ...]:
    """The fields that decisions are to be counted by.

    Raises:
        CallEnded: ARGUMENT_INVALID for one that they cannot be counted by, or too many.
    """
    names = tuple(dict.fromkeys(names))
    if len(names) > MOST_FIELDS:
        text = f"At most {MOST_FIELDS} fields are counted at once."
        raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=(("fields", text),))
    for place, name in enumerate(names):
        if name not in _COUNTABLE:
            near = nearest(name, tuple(_COUNTABLE))
            code = "facet-near" if near else "facet-unknown"
            mistake = Mistake(code, name=short(name), near=near, known=tuple(sorted(_COUNTABLE)))
            raise mistake.ended(f"fields[{place}]", language)
    return tuple(_COUNTABLE[name] for name in names)


def top_of(top_size: int) -> int:
    """How many values are shown of each field.

    Raises:
        CallEnded: ARGUMENT_INVALID outside 0 to 1000.
    """
    if not 0 <= top_size <= LARGEST_TOP:
        text = f"top_size is {top_size}; it must be 1 to {LARGEST_TOP}, or 0 for {DEFAULT_TOP}."
        raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=(("top_size", text),))
    return top_size or DEFAULT_TOP


def answered(found: Facets, fields: Iterable[Field], *, top: int) -> summaries_pb2.SummarizeDecisionsResponse:
    """The answer of the contract."""
    return summaries_pb2.SummarizeDecisionsResponse(
        total_count=found.total, facets=[_facet(field, found, top=top) for field in fields]
    )


def _facet(field: Field, found: Facets, *, top: int) -> summaries_pb2.Facet:
    counts = {_text(field, value): count for value, count in found.counts.get(field.name, {}).items()}
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return summaries_pb2.Facet(
        field=field.name,
        values=[summaries_pb2.FacetValue(value=value, count=count) for value, count in ranked[:top]],
        more_values=len(ranked[top:]),
        more_count=sum(count for _, count in ranked[top:]),
    )


def _text(field: Field, value: str | int) -> str:
    if field.kind is Kind.BOOL:
        return "true" if value else "false"
    return str(value)
