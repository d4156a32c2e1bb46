"""Looks for unequal treatment: whether groups of people get less of what is good, or more of a burden.

Each complete week of a tenant is one look, at all agents, their versions, attributes of the vault, intersections of
two, and measures together. Values are read for it once a week, or when others were loaded: each reading is in the log.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from services.findings.finding import Seen
from services.insights.fairness.intersections import Attribute
from services.insights.fairness.judging import Finding, Subject, judge
from services.insights.fairness.rates import LEAST
from services.vault.attributes import ATTRIBUTES
from services.vault.store import Held
from services.workbench.columns.database import Columns
from services.workbench.looks.fairness_calls import Treated, treated
from services.workbench.looks.fairness_tables import coded, measures, subjects
from services.workbench.looks.fairness_telling import ALPHA, Judged, Week, told
from services.workbench.looks.pressure_contacts import WEEK_MS, week_of
from services.workbench.looks.spans import Span

Noting = Callable[[Held], None]
"""Notes in the log that an attribute is about to be read; where it cannot, it raises, and nothing is read."""


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

    def __init__(self, vault: Readable, *, note: Noting) -> None:
        self._vault = vault
        self._note = note
        self._at: tuple[int, int] = (-1, -1)
        self._seen: tuple[Seen, ...] = ()
        self.weeks: Mapping[str, Week] = {}
        """By tenant, of the week that was looked at last."""

    def look(self, columns: Columns, *, now_ms: int) -> Sequence[Seen]:
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
        self, columns: Columns, tenant: str, held: Sequence[Held], *, span: Span, alpha: float, now_ms: int
    ) -> Week:
        values = {}
        for each in held:
            if each.people >= LEAST and each.attribute in ATTRIBUTES:
                self._note(each)
                values[each.attribute] = self._vault.read(tenant, each.attribute, now_ms=now_ms)
        people = sorted(set().union(*values.values()))
        attributes = [coded(name, ATTRIBUTES[name], known, people) for name, known in values.items()]
        found = treated(columns, tenant, people, span=span)
        return Week(span=span, judged=_judged(found, attributes, alpha=alpha), alpha=alpha)


def _judged(found: Sequence[Treated], attributes: Sequence[Attribute], *, alpha: float) -> tuple[Judged, ...]:
    if not found or not attributes:
        return ()
    everybody = np.unique(np.concatenate([each.place for each in found]))
    of: list[tuple[Treated, Subject]] = [
        (each, subject)
        for each in found
        for measured in measures(each, everybody)
        for subject in subjects(measured, attributes)
    ]
    # All are judged together, and told apart by the order in which they were given.
    named = [_numbered(subject, number) for number, (_, subject) in enumerate(of)]
    judgement = judge(named, alpha=alpha)
    return tuple(
        Judged(agent=each.agent, version=each.version, finding=_unnumbered(finding, subject))
        for finding in judgement.findings
        for each, subject in (of[int(finding.versus.measure)],)
    )


def _numbered(subject: Subject, number: int) -> Subject:
    return msgspec.structs.replace(subject, table=msgspec.structs.replace(subject.table, measure=str(number)))


def _unnumbered(finding: Finding, subject: Subject) -> Finding:
    return msgspec.structs.replace(
        finding, versus=msgspec.structs.replace(finding.versus, measure=subject.table.measure)
    )
