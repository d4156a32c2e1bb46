"""What came of copies is summed by candidate: agreement, differences, latency, costs."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from gateway.core.shadows import CopyEnd, Difference, ShadowResult
from pilote.audit.v1 import shadows_pb2
from services.audit.entries import Copied
from services.audit.shadows import Latency, ShadowsQuery, Summary, answered, wilson
from tests.services.audit.conftest import NOW_MS, Audit, an_id, append
from tests.services.audit.kinds import Kind
from tests.services.audit.test_copies import a_copy, entry

ENDS = st.sampled_from(list(CopyEnd))
DIFFERENCES = st.lists(
    st.builds(
        Difference,
        st.sampled_from(["score.*", "name", ""]),
        st.sampled_from(["missing", "added", "changed"]),
        relative=st.sampled_from([0.0, 0.25, 1.5]),
    ),
    max_size=3,
    unique_by=lambda each: (each.path, each.kind),
).map(tuple)
COPIES = st.lists(
    st.tuples(ENDS, DIFFERENCES, st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(["1", "2"])),
    max_size=12,
)


async def summed(stores: Kind, copies: Sequence[ShadowResult], *queries: ShadowsQuery) -> list[tuple[Summary, ...]]:
    """What a store that holds these copies answers to each query."""
    store = stores.new()
    await store.write([Copied(each, msgspec.json.encode(each), "acme") for each in copies])
    found = [await store.copies(query) for query in queries or (ShadowsQuery(),)]
    await store.close()
    return found


def rank(values: list[int], percent: int) -> int:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=COPIES)
async def test_sums_are_what_counting_by_hand_gives(stores: Kind, drawn: list[tuple[Any, ...]]) -> None:
    copies = [
        a_copy(number, end=end, differences=found, took_us=took, served_us=served, version=version, sent=True)
        for number, (end, found, took, served, version) in enumerate(drawn)
    ]
    (summaries,) = await summed(stores, copies)
    assert [each.version for each in summaries] == sorted({copy.version for copy in copies})
    for summary in summaries:
        own = [copy for copy in copies if copy.version == summary.version]
        ends = Counter(copy.end.value for copy in own)
        assert (summary.copies, summary.sent, summary.agreed, summary.differed, summary.failed) == (
            *(len(own), len(own), ends["AGREED"], ends["DIFFERED"], ends["FAILED"]),
        )
        assert (summary.dropped, summary.stopped, summary.refused) == (
            *(ends["DROPPED"], ends["STOPPED"], ends["REFUSED"]),
        )
        took = [copy.took_us for copy in own if copy.end in ("AGREED", "DIFFERED", "SENT")]
        assert summary.latency == (Latency(rank(took, 50), rank(took, 95)) if took else None)
        places = Counter((d.path, d.kind) for copy in own if copy.end == "DIFFERED" for d in copy.differences)
        assert {told.what: told.calls for told in summary.fields} == places
        assert [told.calls for told in summary.fields] == sorted(places.values(), reverse=True)
        assert all(1 <= len(told.examples) <= 3 for told in summary.fields)


async def test_differences_rules_refusals_and_failures_have_their_last_decisions_as_examples(stores: Kind) -> None:
    far = Difference("score.*", "changed", relative=0.5)
    near = Difference("score.*", "changed", relative=0.1)
    copies = [a_copy(number, end=CopyEnd.DIFFERED, differences=(near,)) for number in range(5)]
    copies.append(a_copy(5, end=CopyEnd.DIFFERED, differences=(far, Difference("by", "added"))))
    denied: dict[str, Any] = {"verdict": "DENY", "reason": "POLICY_DENIED", "sent": False, "status": ""}
    copies.append(a_copy(6, end=CopyEnd.DIFFERED, rule="no", rules_added=("no",), rules_missing=("open",), **denied))
    copies.append(a_copy(7, end=CopyEnd.DIFFERED, **denied))
    copies.append(a_copy(8, end=CopyEnd.FAILED, status="UNAVAILABLE"))
    ((summary,),) = await summed(stores, copies)
    assert [(told.what, told.calls, told.greatest) for told in summary.fields] == [
        (("score.*", "changed"), 6, 0.5),
        (("by", "added"), 1, 0.0),
    ]
    assert summary.fields[0].examples == tuple(f"decisions/{an_id(number)}" for number in (5, 4, 3))
    assert {told.what for told in summary.rules} == {("no", "added"), ("open", "missing")}
    assert {told.what for told in summary.refusals} == {("DENY", "POLICY_DENIED", "no"), ("DENY", "POLICY_DENIED", "")}
    assert [(told.what, told.examples) for told in summary.failures] == [
        (("UNAVAILABLE",), (f"decisions/{an_id(8)}",)),
    ]


async def test_costs_of_both_sides_are_summed_by_budget_over_the_same_calls(stores: Kind) -> None:
    copies = [
        a_copy(0, costs={"spend": 3, "tokens": 100}, served_costs={"spend": 2}),
        a_copy(1, costs={"spend": 4}, served_costs={"spend": 5, "other": 9}),
        a_copy(2, end=CopyEnd.FAILED, costs={"spend": 1_000}, served_costs={"spend": 1}),
    ]
    ((summary,),) = await summed(stores, copies)
    assert [(each.budget, each.calls, each.candidate, each.served) for each in summary.costs] == [
        ("spend", 2, 7, 7),
        ("tokens", 1, 100, 0),
    ]


async def test_only_the_route_arm_tenant_and_time_that_were_asked_are_summed(stores: Kind) -> None:
    copies = [a_copy(0), a_copy(1, route="other"), a_copy(2, arm="third"), a_copy(3, kind="mirror", end=CopyEnd.SENT)]
    everything, one, some, nobodys, ours = await summed(
        stores,
        copies,
        ShadowsQuery(),
        ShadowsQuery(route="crm", arm="third"),
        ShadowsQuery(start_ms=NOW_MS + 1, end_ms=NOW_MS + 3),
        ShadowsQuery(tenant="globex"),
        ShadowsQuery(tenant="acme"),
    )
    assert [(each.route, each.arm, each.kind) for each in everything] == [
        *(
            ("crm", "next", "mirror"),
            ("crm", "next", "shadow"),
            ("crm", "third", "shadow"),
            ("other", "next", "shadow"),
        ),
    ]
    assert [each.arm for each in one] == ["third"]
    assert [each.last_ms for each in some] == [NOW_MS + 2, NOW_MS + 1]
    assert (nobodys, len(ours)) == ((), 4)


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_interval_of_agreement_holds_the_share_and_lies_between_nothing_and_all(one: int, other: int) -> None:
    low, high = wilson(one, one + other)
    assert 0 <= low <= high <= 1
    if one + other:
        assert low <= one / (one + other) <= high
    assert wilson(other, one + other) == pytest.approx((1 - high, 1 - low))


def test_the_interval_is_wilsons() -> None:
    # R: prop.test(8, 10, correct = FALSE), prop.test(0, 20, correct = FALSE)
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611252), abs=1e-6)


async def test_without_a_comparison_there_is_no_agreement(stores: Kind) -> None:
    (found,) = await summed(stores, [a_copy(end=CopyEnd.DROPPED, sent=False)])
    (told,) = answered(found).summaries
    assert not told.HasField("agreement")
    assert not told.HasField("latency")
    assert told.dropped == 1


@pytest.mark.every_store
async def test_the_service_sums_what_gateways_wrote(audit: Audit) -> None:
    await append(audit.redis, *(entry(a_copy(number)) for number in range(9)))
    await append(audit.redis, entry(a_copy(9, end=CopyEnd.DIFFERED)), entry(a_copy(9)))
    await audit.catch_up()
    request = shadows_pb2.SummarizeShadowsRequest(tenant="acme", route="crm")
    (told,) = (await audit.queries().SummarizeShadows(request, None)).summaries
    assert (told.copies, told.agreed, told.agreement) == (10, 9, 0.9)
    assert 0.59 < told.agreement_low < told.agreement < told.agreement_high < 0.99
    assert told.latency.p50.ToMicroseconds() == 2_000
    assert told.served_latency.p95.ToMicroseconds() == 1_000


async def test_a_time_that_makes_no_sense_is_refused(audit: Audit) -> None:
    for start, end in ((-5, None), (10, 10), (10, 5)):
        request = shadows_pb2.SummarizeShadowsRequest(start_time=Timestamp(seconds=start))
        if end is not None:
            request.end_time.FromSeconds(end)
        with pytest.raises(CallEnded, match="_time must"):
            await audit.queries().SummarizeShadows(request, None)
