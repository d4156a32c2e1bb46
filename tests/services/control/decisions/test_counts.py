"""Counts lead to the list that they count."""

from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.control.decisions.counts import chart_of, facets_of
from services.control.decisions.looking import look_of


def _facet(field: str, *values: tuple[str, int], more: int = 0) -> summaries_pb2.Facet:
    made = [summaries_pb2.FacetValue(value=value, count=count) for value, count in values]
    return summaries_pb2.Facet(field=field, values=made, more_values=more)


def test_a_value_leads_to_the_list_with_it_and_one_that_is_asked_for_to_the_list_without() -> None:
    answer = summaries_pb2.SummarizeDecisionsResponse(
        total_count=7,
        facets=[
            _facet("verdict", ("DENY", 5), ("HOLD", 2)),
            _facet("rule", ("", 7)),
            _facet("agent", ("a b", 7), more=3),
        ],
    )
    found = facets_of(answer, look_of({"filter": "verdict = DENY AND since(1h)", "page": "x"}))
    assert found.total == 7
    verdict, agent = found.facets
    assert [(each.value, each.on) for each in verdict.values] == [("DENY", True), ("HOLD", False)]
    assert verdict.values[0].path == "/decisions?filter=since%281h%29"
    assert verdict.values[1].path == "/decisions?filter=verdict+%3D+DENY+AND+since%281h%29+AND+verdict+%3D+HOLD"
    assert agent.values[0].path.endswith("AND+agent+%3D+%22a+b%22")
    assert agent.more == 3


def test_bars_have_a_count_for_each_verdict() -> None:
    bucket = summaries_pb2.ChartBucket(
        count=3, verdicts=[summaries_pb2.VerdictCount(verdict=decision_pb2.VERDICT_DENY, count=3)]
    )
    bucket.start_time.FromMilliseconds(60_000)
    answer = summaries_pb2.ChartDecisionsResponse(buckets=[bucket], total_count=3)
    answer.bucket_width.FromSeconds(30)
    chart = chart_of(answer)
    assert (chart.width_ms, chart.total) == (30_000, 3)
    assert [(bar.start_ms, bar.total, bar.counts) for bar in chart.bars] == [(60_000, 3, (0, 0, 0, 3))]
