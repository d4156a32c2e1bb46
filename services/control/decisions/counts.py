"""Counts of decisions as people see them: facets that narrow down, and bars by time. Pure."""

import msgspec

from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.control.decisions.looking import Look
from services.control.decisions.terms import equals, terms

VERDICTS = ("ALLOW", "DEFER", "HOLD", "DENY")
"""From the bottom of a bar to its top."""


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a field."""

    value: str
    count: int
    on: bool
    """Whether the filter asks for it."""
    path: str
    """The list with it asked for, or no longer."""


class Facet(msgspec.Struct, frozen=True):
    """The most frequent values of a field."""

    field: str
    values: tuple[FacetValue, ...]
    more: int
    """Further values."""


class Facets(msgspec.Struct, frozen=True):
    """All fields that were counted."""

    total: int
    facets: tuple[Facet, ...]


class Bar(msgspec.Struct, frozen=True):
    """What was received within one step of time."""

    start_ms: int
    total: int
    counts: tuple[int, ...]
    """In the order of `VERDICTS`."""


class Chart(msgspec.Struct, frozen=True):
    """Decisions by time."""

    width_ms: int
    total: int
    bars: tuple[Bar, ...]


def facets_of(answer: summaries_pb2.SummarizeDecisionsResponse, look: Look) -> Facets:
    """The facets, without fields that say nothing: all decisions lack them."""
    asked = terms(look.filter)
    return Facets(
        answer.total_count,
        tuple(
            Facet(each.field, tuple(_value(each.field, value, look, asked) for value in each.values), each.more_values)
            for each in answer.facets
            if any(value.value for value in each.values)
        ),
    )


def chart_of(answer: summaries_pb2.ChartDecisionsResponse) -> Chart:
    """The bars."""
    return Chart(
        answer.bucket_width.ToMilliseconds(),
        answer.total_count,
        tuple(Bar(each.start_time.ToMilliseconds(), each.count, _counts(each)) for each in answer.buckets),
    )


def _value(field: str, value: summaries_pb2.FacetValue, look: Look, asked: tuple[str, ...]) -> FacetValue:
    term = equals(field, value.value)
    on = term in asked
    return FacetValue(value.value, value.count, on, look.toggled(term, on=not on))


def _counts(bucket: summaries_pb2.ChartBucket) -> tuple[int, ...]:
    counts = {decision_pb2.Verdict.Name(each.verdict).removeprefix("VERDICT_"): each.count for each in bucket.verdicts}
    return tuple(counts.get(verdict, 0) for verdict in VERDICTS)
