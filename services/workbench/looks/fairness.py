"""Looks for unequal treatment: whether groups of people get less of what is good, or more of a burden.

Each complete week of a tenant is one look, at all agents, their versions, attributes of the vault, intersections of
two, and measures together. Values are read for it once a week, or when others were loaded: each reading is in the log.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from services.findings.finding import Seen
from services.insights.fairness.rates import LEAST
from services.reviews.item import Item
from services.reviews.numbers import WINDOW_MS
from services.vault.attributes import ATTRIBUTES
from services.vault.store import Held
from services.workbench.columns.source import Source
from services.workbench.looks.fairness_calls import Ints, Treated, treated
from services.workbench.looks.fairness_judged import compared
from services.workbench.looks.fairness_strata import strata_of
from services.workbench.looks.fairness_tables import Measured, coded, measures
from services.workbench.looks.fairness_telling import ALPHA, Week, told
from services.workbench.looks.fairness_truths import (
    OUTCOMES,
    REVIEWS,
    Truth,
    by_outcomes,
    by_reviews,
    outcomes_of,
    people_of,
)
from services.workbench.looks.pressure_contacts import WEEK_MS, week_of
from services.workbench.looks.spans import Span

Noting = Callable[[Held], None]
"""Notes in the log that an attribute is about to be read; where it cannot, it raises, and nothing is read."""
Segments = Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]]
"""The segments of a tenant's customers, by pseudonym."""
Reviews = Callable[[str, Span], Sequence[Item]]
"""Decisions of a tenant about which reviews were settled in that time."""


class Readable(Protocol):
    """Where values are read; `services.vault.store.Vault` is one."""

    @property
    def loads(self) -> int:
        """How often something was loaded."""

    def held(self) -> Sequence[Held]:
        """What is held."""

    def read(self, tenant: str, attribute: str, *, now_ms: int) -> Mapping[str, str]:
        """Values by pseudonym."""


class FairnessLook:
    """See `services.workbench.looking.Look`."""

    kind = "fairness"

    def __init__(
        self,
        vault: Readable,
        *,
        note: Noting,
        reviews: Reviews = lambda _tenant, _span: (),
        segments: Segments = lambda _tenant, _people: {},
    ) -> None:
        """Without `reviews` these are no truth, and without `segments` nothing is compared within any."""
        self._vault = vault
        self._note = note
        self._segments = segments
        self._reviews = reviews
        self._at: tuple[int, int] = (-1, -1)
        self._seen: tuple[Seen, ...] = ()
        self.weeks: Mapping[str, Week] = {}
        """By tenant, of the week that was looked at last."""

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """Who was treated worse in the last complete week."""
        end_ms, loads = week_of(now_ms), self._vault.loads
        if self._at == (end_ms, loads):
            return self._seen
        span, held = Span(end_ms - WEEK_MS, end_ms), self._vault.held()
        there = set(columns.tenants())
        tenants = sorted({each.tenant for each in held if each.people and each.tenant in there})
        weeks = {
            tenant: self._week(
                columns,
                tenant,
                [each for each in held if each.tenant == tenant],
                span=span,
                alpha=ALPHA / len(tenants),
                now_ms=now_ms,
            )
            for tenant in tenants
        }
        self._seen = tuple(each for tenant in tenants for each in told(columns, tenant, weeks[tenant]))
        self.weeks, self._at = weeks, (end_ms, loads)
        return self._seen

    def _week(
        self, columns: Source, tenant: str, held: Sequence[Held], *, span: Span, alpha: float, now_ms: int
    ) -> Week:
        values = {}
        for each in held:
            if each.people >= LEAST and each.attribute in ATTRIBUTES:
                self._note(each)
                values[each.attribute] = self._vault.read(tenant, each.attribute, now_ms=now_ms)
        people = sorted(set().union(*values.values()))
        attributes = [coded(name, ATTRIBUTES[name], known, people) for name, known in values.items()]
        found = treated(columns, tenant, people, span=span)
        everybody = _everybody(found)
        measured = [each for one in found for each in measures(one, everybody, span=span)]
        odds = self._odds(columns, tenant, people, span=span) if people else []
        return Week(
            span=span,
            compared=compared(
                [*measured, *odds], attributes, strata=strata_of(people, self._segments(tenant, people)), alpha=alpha
            ),
            truths=tuple(
                Truth(by=by, people=count) for by in (OUTCOMES, REVIEWS) if (count := people_of(odds, by)) >= LEAST
            ),
            alpha=alpha,
        )

    def _odds(self, columns: Source, tenant: str, people: Sequence[str], *, span: Span) -> list[Measured]:
        """What was done to those for whom it would have been right, and to the others.

        Outcomes are of the week before, so that every customer has had a week to show one.
        """
        before = Span(span.start_ms - WEEK_MS, span.start_ms)
        outcomes = outcomes_of(columns, tenant, people, span=before)
        found = treated(columns, tenant, people, span=before) if outcomes.place.size else ()
        reviewed = Span(span.end_ms - WINDOW_MS, span.end_ms)
        return [
            *(each for one in found for each in by_outcomes(one, outcomes, span=before)),
            *by_reviews(columns, tenant, people, items=self._reviews(tenant, reviewed), span=reviewed),
        ]


def _everybody(found: Sequence[Treated]) -> Ints:
    """Places of all whom anybody dealt with, ascending."""
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(each.place for each in found)]))
