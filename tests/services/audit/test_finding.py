"""Orders, facets and counts by time agree with a plain count, whatever is stored meanwhile."""

from collections import Counter
from typing import Any

import grpc
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded
from gateway.core.record import BucketAsk, RuleLook, Verdict
from gateway.rpc.status import text_from
from gateway.rpc.times import timestamp
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.charting import CHOSEN_BUCKETS, MOST_BUCKETS, WEEK_MS, buckets
from services.audit.filters.expression import Expression, at_time
from services.audit.filters.fields import FIELDS, Field
from services.audit.filters.matching import matches, values
from services.audit.finding import Order, Place
from services.audit.ordering import in_order, order_of, place_of
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, Audit, Stub, a_record, a_settlement, admit, an_id, append, settle
from tests.services.audit.filters import Row, entries, expressions, rows, stored
from tests.services.audit.kinds import Kind

HOUR_MS = 3_600_000
SORTABLE = [field for field in FIELDS.values() if field.sortable]
COUNTABLE = [field for field in FIELDS.values() if field.countable]


def _over_hours(found: list[Row]) -> list[Row]:
    """The same decisions, an hour apart in their ids: in segments of their own."""
    moved = []
    for number, (record, ended) in enumerate(found):
        decision = an_id(number, at_ms=NOW_MS - number % 3 * HOUR_MS)
        apart = msgspec.structs.replace(record, id=decision)
        moved.append((apart, None if ended is None else msgspec.structs.replace(ended, id=decision)))
    return moved


@thoroughly(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows().map(_over_hours),
    wanted=expressions,
    order=st.builds(Order, st.sampled_from(SORTABLE), st.booleans()),
    size=st.integers(1, 3),
)
async def test_an_order_is_kept_over_pages_and_segments(
    rows: list[Row],
    wanted: Expression,
    order: Order,
    size: int,
    stores: Kind,
) -> None:
    store = stores.new()
    await store.write(entries(rows))
    expression = at_time(wanted, now_ms=NOW_MS)
    found: list[str] = []
    after: Place | None = None
    while page := await store.ordered(expression, now_ms=NOW_MS, order=order, after=after, size=size):
        found += [each.record.id for each in page]
        after = place_of(order, page[-1])
    await store.close()

    matching = tuple(each for row in rows if matches(expression, each := stored(row)))
    assert found == [each.record.id for each in in_order(order, matching)]


@thoroughly(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows().map(_over_hours),
    wanted=expressions,
    fields=st.lists(st.sampled_from(COUNTABLE), max_size=4, unique=True),
)
async def test_facets_and_times_are_those_of_a_plain_count(
    rows: list[Row], wanted: Expression, fields: list[Field], stores: Kind
) -> None:
    store = stores.new()
    await store.write(entries(rows))
    expression = at_time(wanted, now_ms=NOW_MS)

    found = await store.facets(expression, fields, now_ms=NOW_MS)
    span = await store.span(expression, now_ms=NOW_MS)
    start_ms = NOW_MS - 10
    timeline = await store.timeline(expression, now_ms=NOW_MS, start_ms=start_ms, width_ms=2)
    await store.close()

    matching = [each for row in rows if matches(expression, each := stored(row))]
    times = [each.record.received_ms for each in matching]
    assert (found.total, span) == (*(len(matching), (len(matching), min(times, default=0), max(times, default=0))),)
    for field in fields:
        plain = Counter(value for each in matching for value in set(values(field, each)))
        assert dict(found.counts[field.name]) == dict(plain)
    assert dict(timeline.counts) == dict(
        Counter(((each.record.received_ms - start_ms) // 2, str(each.conclusion.verdict)) for each in matching)
    )


async def test_a_list_shows_every_decision_once_while_others_are_stored_and_settled(audit: Audit, stub: Stub) -> None:
    async def add(number: int, took_ms: int | None) -> None:
        more = [] if took_ms is None else [settle(a_settlement(number, total_us=took_ms * 1_000))]
        await append(audit.redis, admit(a_record(number)), *more)
        await audit.catch_up()

    for order_by in ("", "receive_time asc", "latency desc", "latency", "settle_time desc"):
        base = 1_000 * (1 + ["", "receive_time asc", "latency desc", "latency", "settle_time desc"].index(order_by))
        for number in range(base, base + 10):
            await add(number, number % 4)
        asked = f'receive_time >= "{_text(NOW_MS + base)}" AND receive_time < "{_text(NOW_MS + base + 500)}"'
        token, shown = "", list[str]()
        for new in range(base + 100, base + 200):
            page = await stub.ListDecisions(
                pb.ListDecisionsRequest(filter=asked, page_size=3, page_token=token, order_by=order_by)
            )
            shown += [decision.name for decision in page.decisions]
            token = page.next_page_token
            if not token:
                break
            await add(new, new % 5)
            await add(new + 100, None)
        first = {f"decisions/{an_id(number)}" for number in range(base, base + 10)}
        assert len(shown) == len(set(shown))
        assert first <= set(shown)


def _text(at_ms: int) -> str:
    return timestamp(at_ms).ToJsonString()


async def test_the_slowest_are_listed_first_and_those_that_run_last(audit: Audit, stub: Stub) -> None:
    for number, took_us in ((0, 5_000), (1, 9_000), (2, None), (3, 7_000)):
        ended = [] if took_us is None else [settle(a_settlement(number, total_us=took_us))]
        await append(audit.redis, admit(a_record(number)), *ended)
    await audit.catch_up()

    page = await stub.ListDecisions(pb.ListDecisionsRequest(order_by=" latency  desc "))

    assert [decision.name for decision in page.decisions] == [f"decisions/{an_id(number)}" for number in (1, 3, 0, 2)]


async def test_an_age_in_a_filter_is_counted_from_the_first_page_on(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, *(admit(a_record(number)) for number in range(4)))
    await audit.catch_up()
    audit.now_ms = NOW_MS + 1_000
    request = pb.ListDecisionsRequest(filter="since(1s)", page_size=2)
    first = await stub.ListDecisions(request)
    audit.now_ms += 60_000

    request.page_token = first.next_page_token
    second = await stub.ListDecisions(request)

    assert len(second.decisions) == 2


async def test_a_page_of_another_order_is_refused(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, *(admit(a_record(number)) for number in range(3)))
    await audit.catch_up()
    page = await stub.ListDecisions(pb.ListDecisionsRequest(page_size=1, order_by="latency desc"))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ListDecisions(
            pb.ListDecisionsRequest(page_size=1, order_by="latency asc", page_token=page.next_page_token)
        )
    assert "page_token belongs to another filter or order" in (failed.value.details() or "")


async def _filled(audit: Audit) -> None:
    denied: dict[str, Any] = {"verdict": Verdict.DENY, "rule": "quiet_hours", "reason": "QUIET_HOURS", "expires_ms": 0}
    await append(
        audit.redis,
        admit(a_record(0, channel="email", topics=("news", "offers"), buckets=(BucketAsk("weekly", "cap", 3, 1),))),
        admit(a_record(1, channel="sms", topics=("news",), rules=(RuleLook("watch", "deny", "monitor"),))),
        admit(a_record(120_000, channel="email", **denied)),
        settle(a_settlement(0, slow=True)),
    )
    await audit.catch_up()


async def test_facets_count_the_values_of_what_matches(audit: Audit, stub: Stub) -> None:
    await _filled(audit)
    fields = ["verdict", "channel", "topic", "rule", "limit", "revision", "slow", "brand"]

    answer = await stub.SummarizeDecisions(summaries_pb2.SummarizeDecisionsRequest(fields=fields, top_size=2))
    some = await stub.SummarizeDecisions(
        summaries_pb2.SummarizeDecisionsRequest(filter="verdict = ALLOW", fields=["channel"], top_size=1)
    )

    assert answer.total_count == 3
    assert {
        facet.field: ([(each.value, each.count) for each in facet.values], facet.more_values, facet.more_count)
        for facet in answer.facets
    } == {
        "verdict": ([("ALLOW", 2), ("DENY", 1)], 0, 0),
        "channel": ([("email", 2), ("sms", 1)], 0, 0),
        "topic": ([("news", 2), ("offers", 1)], 0, 0),
        "rule": ([("allow-sales", 2), ("quiet_hours", 1)], 1, 1),
        "limit": ([("weekly", 1)], 0, 0),
        "revision": ([("7", 3)], 0, 0),
        "slow": ([("false", 2), ("true", 1)], 0, 0),
        "brand": ([("", 3)], 0, 0),
    }
    (facet,) = some.facets
    assert (some.total_count, facet.values[0].value, facet.more_values, facet.more_count) == (2, "email", 1, 1)


async def test_a_chart_fills_the_gaps_with_nothing(audit: Audit, stub: Stub) -> None:
    await _filled(audit)

    chart = await stub.ChartDecisions(summaries_pb2.ChartDecisionsRequest())
    minutes = summaries_pb2.ChartDecisionsRequest(filter="verdict = ALLOW")
    minutes.bucket_width.FromSeconds(60)
    minutes.start_time.FromMilliseconds(NOW_MS - 60_001)
    minutes.end_time.FromMilliseconds(NOW_MS + 120_000)
    asked = await stub.ChartDecisions(minutes)
    nothing = await stub.ChartDecisions(summaries_pb2.ChartDecisionsRequest(filter="agent = nobody"))
    hour = await stub.ChartDecisions(
        summaries_pb2.ChartDecisionsRequest(
            filter="agent = nobody receive_time >= 2026-11-24T10:00:00Z receive_time < 2026-11-24T11:00:00Z"
        )
    )

    assert (chart.bucket_width.ToSeconds(), len(chart.buckets), chart.total_count) == (5, 25, 3)
    assert [bucket.count for bucket in chart.buckets] == [2, *[0] * 23, 1]
    (denied,) = chart.buckets[-1].verdicts
    assert (denied.verdict, denied.count) == (decision_pb2.VERDICT_DENY, 1)
    assert [bucket.count for bucket in asked.buckets] == [0, 0, 2, 0]
    assert asked.buckets[0].start_time.ToMilliseconds() == NOW_MS - 120_000
    assert (list(nothing.buckets), nothing.total_count) == ([], 0)
    assert (len(hour.buckets), hour.bucket_width.ToSeconds(), hour.total_count) == (60, 60, 0)


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 10_000_000_000_000))
def test_chosen_buckets_cover_the_time_and_are_not_too_many(start_ms: int, long_ms: int) -> None:
    made = buckets(start_ms, start_ms + long_ms, width_ms=None)
    assert 1 <= made.count <= CHOSEN_BUCKETS
    assert made.start_ms <= start_ms < made.start_ms + made.width_ms
    assert start_ms + long_ms <= made.start_ms + made.count * made.width_ms < start_ms + long_ms + made.width_ms
    assert made.width_ms % WEEK_MS or (made.start_ms // 86_400_000 + 3) % 7 == 0  # Thursday, 1 January 1970


def _chart(start_ms: int, end_ms: int, width_ms: int) -> summaries_pb2.ChartDecisionsRequest:
    request = summaries_pb2.ChartDecisionsRequest()
    request.start_time.FromMilliseconds(start_ms)
    request.end_time.FromMilliseconds(end_ms)
    request.bucket_width.FromMilliseconds(width_ms)
    return request


Facets = summaries_pb2.SummarizeDecisionsRequest


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Facets(fields=["verdit"]), "counted by verdit. Did you mean verdict?"),
        (Facets(fields=["latency"]), "counted by latency"),
        (Facets(fields=["subject_ref"]), "counted by subject_ref"),
        (Facets(fields=[field.name for field in COUNTABLE][:21]), "At most 20 fields"),
        (Facets(top_size=1_001), "top_size is 1001"),
        (Facets(filter="a AND"), "line 1, column 6"),
        (pb.ListDecisionsRequest(order_by="latency down"), "latency down is no order"),
        (pb.ListDecisionsRequest(order_by="latence"), "ordered by latence. Did you mean latency?"),
        (pb.ListDecisionsRequest(order_by="agent"), "Decisions cannot be ordered by agent"),
        (pb.ListDecisionsRequest(order_by="latency; DROP TABLE decision"), "is no order"),
        (pb.ListDecisionsRequest(page_token="eyJ9"), "page_token is not one of ours"),
        (_chart(1_000, 500, 60_000), "end_time must be after start_time"),
        (_chart(0, 1_000, 1_500), "bucket_width must be whole seconds"),
        (_chart(0, 10_000_000_000, 1_000), f"more than {MOST_BUCKETS}: make them 5003 s or longer."),
        (_chart(-5_000, 1_000, 1_000), "start_time must be a time from 1970 to 9999."),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_what_to_do(stub: Stub, asked: Any, said: str) -> None:
    ways: dict[type, Any] = {
        Facets: stub.SummarizeDecisions,
        pb.ListDecisionsRequest: stub.ListDecisions,
        summaries_pb2.ChartDecisionsRequest: stub.ChartDecisions,
    }
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await ways[type(asked)](asked)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in text_from(failed.value)


def test_an_order_is_refused_in_french_too() -> None:
    with pytest.raises(CallEnded) as ended:
        order_of("latence desc", language="fr")
    assert ended.value.localized == ("fr", "Impossible de trier par latence. Vouliez-vous dire latency ?")
