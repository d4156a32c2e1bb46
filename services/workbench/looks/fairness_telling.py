"""An alert of fairness as a finding, with what shows it.

Evidence is named by agent, version and operation, and examples are the first of all such decisions by id, also of
people whom the vault does not know: nobody can tell from them who is in which group, nor who is in the vault at all.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.findings.finding import MOST_DECISIONS, Seen
from services.findings.wording import FAIRNESS, TOGETHER
from services.insights.fairness.judging import FOUR_FIFTHS, Finding
from services.insights.fairness.people import Group
from services.workbench.columns.database import Columns
from services.workbench.looks.spans import ID, VERSION, Span, of_version, quoted
from services.workbench.looks.telling import gravity

ALPHA: Final = 0.05
"""Of weeks in which all are treated alike, in any tenant: at most this share has any finding."""
_OPERATIONS: Final[Mapping[str, str]] = {"offers": "CONTACT", "contacts": "CONTACT", "inferences": "INFER"}
"""Which decisions each measure is made of; refusals are of all."""
_SAMPLED: Final = f"""SELECT {ID} AS id FROM admitted LEFT JOIN settled ON settled.id = admitted.id
 WHERE tenant = $tenant AND agent = $agent AND {VERSION} = $version
  AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms AND ($operation = '' OR operation = $operation)
  AND NOT standby AND NOT repeats ORDER BY admitted.id LIMIT {MOST_DECISIONS}"""  # noqa: S608 - our own names


class Judged(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What was compared of one version of one agent, in a week."""

    agent: str
    version: str
    finding: Finding

    @property
    def naive(self) -> bool:
        """Whether four fifths alone would call it unfair."""
        ratio = self.finding.versus.ratio
        return ratio is not None and not FOUR_FIFTHS <= ratio <= 1 / FOUR_FIFTHS


class Week(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """All that was compared in a tenant's week; groups that are too small are nowhere in it."""

    span: Span
    judged: tuple[Judged, ...] = ()
    """Alerts first, the surest first."""
    alpha: float = ALPHA
    """At most this share of such weeks of the tenant has any alert where all are treated alike."""


def told(columns: Columns, tenant: str, week: Week) -> Sequence[Seen]:
    """The alerts of a week: who got less of a benefit, or more of a burden, than those they are held against."""
    naive = sum(each.naive for each in week.judged)
    return [_seen(columns, tenant, each, week, naive=naive) for each in week.judged if each.finding.alert]


def _seen(columns: Columns, tenant: str, judged: Judged, week: Week, *, naive: int) -> Seen:
    finding, span = judged.finding, week.span
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
            "comparisons": len(week.judged),
            "naive": naive,
            "alerts": sum(each.finding.alert for each in week.judged),
        },
    )


def _filter(tenant: str, judged: Judged, operation: str, *, span: Span) -> str:
    parts = [f"tenant = {quoted(tenant)}", f"agent = {quoted(judged.agent)}"]
    parts += [of_version(judged.version)] if judged.version else []
    parts += [f"operation = {operation}"] if operation else []
    return " AND ".join([*parts, span.filter])


def _together(values: Group) -> str:
    return TOGETHER.join(values)


def _inverse(value: float) -> float:
    return 1 / value if value else float("inf")
