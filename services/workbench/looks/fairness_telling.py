"""An alert of fairness as a finding, with what shows it.

Evidence is named by agent, version and operation, and examples are the first of all such decisions by id, also of
people whom the vault does not know: nobody can tell from them who is in which group, nor who is in the vault at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.findings.finding import MOST_DECISIONS, Seen
from services.findings.wording import FAIRNESS, TOGETHER
from services.insights.comparing import Interval
from services.insights.fairness.judging import Finding
from services.insights.fairness.naive import breaks_four_fifths
from services.insights.fairness.people import Group
from services.insights.fairness.strata import Stratified
from services.workbench.columns.source import Source
from services.workbench.looks.fairness_truths import OUTCOMES, Truth
from services.workbench.looks.spans import ID, VERSION, Span, of_version, quoted
from services.workbench.looks.telling import gravity

ALPHA: Final = 0.05
"""Of weeks in which all are treated alike, in any tenant: at most this share has any finding."""
_OPERATIONS: Final[Mapping[str, str]] = {
    "offers": "CONTACT",
    "contacts": "CONTACT",
    "inferences": "INFER",
    f"true-{OUTCOMES}": "CONTACT",
    f"false-{OUTCOMES}": "CONTACT",
}
"""Which decisions each measure is made of; the others are of all."""
_SAMPLED: Final = f"""SELECT {ID} AS id FROM admitted LEFT JOIN settled ON settled.id = admitted.id
 WHERE tenant = $tenant AND agent = $agent AND {VERSION} = $version
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms AND ($operation = '' OR operation = $operation)
  AND NOT standby AND NOT repeats ORDER BY admitted.id LIMIT {MOST_DECISIONS}"""  # noqa: S608 - our own names


class Judged(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What was compared of one version of one agent."""

    agent: str
    version: str
    span: Span
    """When it decided so."""
    finding: Finding
    interval: Interval
    """Of the group's rate, and of the one that it is held against, of the level of the ratio's."""
    reference_interval: Interval
    naive_chance: float = 0.0
    """How often four fifths alone would call it unfair where both are treated alike."""
    within: Stratified | None = None
    """The same within segments; None where nobody's are known, or all are in the same."""

    @property
    def naive(self) -> bool:
        """Whether four fifths alone would call it unfair."""
        ratio = self.finding.versus.ratio
        return ratio is not None and bool(breaks_four_fifths(ratio))


class Small(msgspec.Struct, frozen=True):
    """A group that is too small, of `hidden` of `of` tables of the week; how many it has is nowhere."""

    attributes: tuple[str, ...]
    group: Group
    hidden: int
    of: int


class Compared(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """All that was compared in a week; groups that are too small are only named."""

    judged: tuple[Judged, ...] = ()
    """Alerts first, the surest first."""
    small: tuple[Small, ...] = ()
    """Those that are nowhere first."""
    naive_alarms: float = 0.0
    """At least so often four fifths alone would alarm in such a week where all are treated alike: in one of the tables,
    the one in which it does so most often."""


class Week(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A tenant's week."""

    span: Span
    compared: Compared
    truths: tuple[Truth, ...] = ()
    """By what it is known what would have been right; what is known of fewer than `LEAST` people is none."""
    alpha: float = ALPHA
    """At most this share of such weeks of the tenant has any alert where all are treated alike."""


def told(columns: Source, tenant: str, week: Week) -> Sequence[Seen]:
    """The alerts of a week: who got less of a benefit, or more of a burden, than those they are held against."""
    judged = week.compared.judged
    naive = sum(each.naive for each in judged)
    return [_seen(columns, tenant, each, week, naive=naive) for each in judged if each.finding.alert]


def _seen(columns: Source, tenant: str, judged: Judged, week: Week, *, naive: int) -> Seen:
    finding, span = judged.finding, judged.span
    versus, turned = finding.versus, finding.harmed != finding.versus.group
    low, high, value = versus.ratio_interval.low, versus.ratio_interval.high, versus.ratio or 0.0
    people, others, rate, other_rate = (
        versus.persons,
        versus.reference_persons,
        versus.rate,
        versus.reference_rate,
    )
    group, other = versus.group, versus.reference
    if turned:
        low, high, value = _inverse(high), _inverse(low), _inverse(value)
        people, others, rate, other_rate, group, other = others, people, other_rate, rate, other, group
    operation = _OPERATIONS.get(versus.measure, "")
    fields = {"tenant": tenant, "agent": judged.agent, "version": judged.version, "operation": operation}
    found = columns.asked(_SAMPLED, fields | msgspec.structs.asdict(span))
    return Seen(
        kind=FAIRNESS,
        tenant=tenant,
        about=(
            ("agent", judged.agent),
            *((("version", judged.version),) if judged.version else ()),
            ("measure", versus.measure),
            ("attribute", _together(versus.attributes)),
            ("group", _together(group)),
        ),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=gravity(low, high),
        reach=people,
        of="people",
        certainty=1 - min(1.0, versus.p_value / versus.alpha * ALPHA),
        value=value,
        low=low,
        high=high,
        level=1 - versus.alpha,
        n=people,
        m=others,
        false_alarms=ALPHA,
        filter=_filter(tenant, judged, operation, span=span),
        decisions=tuple(str(each) for each in found["id"]),
        shown={
            "reference": _together(other),
            "rate": rate,
            "reference_rate": other_rate,
            "share": versus.difference_interval is not None,
            "comparisons": len(week.compared.judged),
            "naive": naive,
            "alerts": sum(each.finding.alert for each in week.compared.judged),
            "naive_alarms": week.compared.naive_alarms,
            "alarms": week.alpha,
            "known": sum(each.people for each in week.truths if versus.measure.endswith(f"-{each.by}")),
            **_within(judged.within, turned=turned),
        },
    )


def _within(found: Stratified | None, *, turned: bool) -> Mapping[str, Any]:
    """The ratio within segments, of who is harmed by the other."""
    if found is None:
        return {}
    told: dict[str, Any] = {"word": found.word.value, "strata": found.strata}
    if found.ratio is not None and found.interval is not None:
        ends = (found.ratio, found.interval.low, found.interval.high)
        value, low, high = (_inverse(each) for each in ends) if turned else ends
        told |= {"value": value, "low": high if turned else low, "high": low if turned else high}
    return {"within": told}


def _filter(tenant: str, judged: Judged, operation: str, *, span: Span) -> str:
    parts = [f"tenant = {quoted(tenant)}", f"agent = {quoted(judged.agent)}"]
    parts += [of_version(judged.version)] if judged.version else []
    parts += [f"operation = {operation}"] if operation else []
    return " AND ".join([*parts, span.filter])


def _together(values: Group) -> str:
    return TOGETHER.join(values)


def _inverse(value: float) -> float:
    return 1 / value if value else float("inf")
