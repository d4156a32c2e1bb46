"""What fairness has compared, as others within the system are told: by group, never by person."""

from collections.abc import Mapping
from typing import Final

from gateway.rpc.times import timestamp
from pilote.vault.v1 import vault_service_pb2 as pb
from services.insights.fairness.judging import Kind
from services.insights.fairness.strata import Stratified
from services.workbench.looks.fairness_telling import Judged, Week

MOST: Final = 1_000
"""Comparisons of a week that are told, the surest first."""


def compared(weeks: Mapping[str, Week]) -> pb.ListComparisonsResponse:
    """All weeks, by tenant."""
    return pb.ListComparisonsResponse(weeks=[_week(tenant, week) for tenant, week in sorted(weeks.items())])


def _week(tenant: str, week: Week) -> pb.Week:
    judged = week.compared.judged
    return pb.Week(
        tenant=tenant,
        start_time=timestamp(week.span.start_ms),
        end_time=timestamp(week.span.end_ms),
        comparisons=[_comparison(each) for each in judged[:MOST]],
        total=len(judged),
        naive=sum(each.naive for each in judged),
        naive_false_alarms=week.compared.naive_alarms,
        small_groups=[
            pb.SmallGroup(attributes=each.attributes, group=each.group, hidden_count=each.hidden, count=each.of)
            for each in week.compared.small[:MOST]
        ],
        false_alarms=week.alpha,
        truths=[pb.Truth(by=each.by, people=each.people) for each in week.truths],
    )


def _comparison(judged: Judged) -> pb.Comparison:
    finding, versus = judged.finding, judged.finding.versus
    return pb.Comparison(
        agent=judged.agent,
        version=judged.version,
        measure=versus.measure,
        attributes=versus.attributes,
        group=versus.group,
        reference=versus.reference,
        persons=versus.persons,
        reference_persons=versus.reference_persons,
        rate=versus.rate,
        reference_rate=versus.reference_rate,
        ratio=versus.ratio,
        ratio_low=versus.ratio_interval.low,
        ratio_high=versus.ratio_interval.high,
        level=1 - versus.alpha,
        share=versus.difference_interval is not None,
        benefit=finding.kind is Kind.BENEFIT,
        naive=judged.naive,
        alert=finding.alert,
        rate_low=judged.interval.low,
        rate_high=judged.interval.high,
        reference_rate_low=judged.reference_interval.low,
        reference_rate_high=judged.reference_interval.high,
        start_time=timestamp(judged.span.start_ms),
        end_time=timestamp(judged.span.end_ms),
        naive_chance=judged.naive_chance,
        within=None if judged.within is None else _within(judged.within),
    )


def _within(found: Stratified) -> pb.Within:
    if found.ratio is None or found.interval is None:
        return pb.Within(word=found.word, strata=found.strata)
    low, high = found.interval.low, found.interval.high
    return pb.Within(word=found.word, ratio=found.ratio, ratio_low=low, ratio_high=high, strata=found.strata)
