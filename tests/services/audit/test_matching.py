"""Every store finds what a plain reading of the filter finds."""

import pytest
from hypothesis import HealthCheck, given

from gateway.core.record import BucketAsk, RuleLook
from services.audit.filters.expression import Expression, at_time
from services.audit.filters.filter import parse
from services.audit.filters.matching import is_like, matches
from services.audit.store import DecisionStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, a_record, a_settlement, an_id
from tests.services.audit.filters import Row, entries, expressions, rows, stored
from tests.services.audit.kinds import Kind

DENIED = a_record(
    agent_version="2.1",
    rules=(RuleLook("quiet_hours", "deny"), RuleLook("kept-apart", "holdout", "monitor")),
    buckets=(BucketAsk("weekly", "cap", 3, 1_000),),
    topics=("news", "offers"),
    citation="Article L. 34-5 du code des postes",
    request_bytes=1,
    standby=True,
    keep_days=3,
)
ENDED = a_settlement(total_us=250_000, costs={"tokens": 7, "crm calls": 1}, slow=True, served="churn-3")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", True),
        ('rule:"quiet_hours" latency > 200ms', True),
        ("latency > 250ms OR overhead:*", True),
        ("latency > 0.25s", False),
        ('latency = 0.25s cost.tokens >= 7 cost:tokens cost."crm calls" = 1', True),
        ("cost:euros OR cost.tokens > 7", False),
        ("topic = offers AND topic = news AND topic != sports", True),
        ("topic != news", False),
        ("holdout = kept-apart", True),
        ("holdout = quiet_hours", False),
        ("rule.effect:(deny holdout) rule.mode = monitor", True),
        ("limit = weekly limit.kind = cap -limit:daily", True),
        ('method = "/pilote.crm*SendMessage" startsWith(method, "/pilote") endsWith(method, Message)', True),
        ('startsWith(agent, "bot")', False),
        ("agent:bot AND agent:(sales OR support)", True),
        ("in(agent, a, sales-bot)", True),
        ("slow = true gave_back = false attempts = 0", True),
        ("code postes", True),
        ('"code des postes"', True),
        ('"code postes"', False),
        ("SENDMESSAGE quiet* -nothing", True),
        ("since(1m) age(receive_time) < 1s", True),
        ("age(receive_time) > 1s", False),
        ("NOT agent_version:* OR answered_version:churn", True),
        ("copies.agrees = false copies.kind = mirror copies.end != FAILED", True),
        ("copies.agrees = true OR copies.arm = nobody", False),
        ("copies.arm:sales* -copies.arm:*x copies.latency > 0s copies.latency < 1ms", True),
        ("copies.agrees != false", False),
        ("copies.version:* OR copies.status = UNAVAILABLE", False),
        ("settle_time > 2026-11-24T10:00:00.004Z settle_time <= 2026-11-24T10:00:00.005Z", True),
    ],
)
async def test_a_filter_means_what_it_says(text: str, wanted: bool, store: DecisionStore) -> None:  # noqa: FBT001
    row: Row = (DENIED, ENDED)
    await store.write(entries([row]))
    expression = at_time(parse(text), now_ms=NOW_MS + 10)

    found = await store.page(expression, now_ms=NOW_MS + 10, before="", size=1)

    assert (matches(expression, stored(row)), bool(found)) == (wanted, wanted)


@thoroughly(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows(), wanted=expressions)
async def test_a_store_finds_what_a_plain_reading_of_the_filter_finds(
    rows: list[Row], wanted: Expression, stores: Kind
) -> None:
    store = stores.new()
    await store.write(entries(rows))
    expression = at_time(wanted, now_ms=NOW_MS)

    found = await store.page(expression, now_ms=NOW_MS, before="", size=100)
    among = await store.among([record.id for record, _ in rows], expression=expression, now_ms=NOW_MS)
    await store.close()

    expected = sorted((row[0].id for row in rows if matches(expression, stored(row))), reverse=True)
    assert [each.record.id for each in found] == expected
    assert [each.record.id for each in reversed(among)] == expected


@pytest.mark.parametrize("id_ms", [NOW_MS - 100_000, NOW_MS + 100_000])
@pytest.mark.parametrize("comparator", ["=", "<=", ">="])
async def test_a_decision_is_found_by_its_receive_time_even_if_its_id_tells_another(
    store: DecisionStore, id_ms: int, comparator: str
) -> None:
    await store.write(entries([(a_record(id=an_id(0, at_ms=id_ms)), None)]))

    found = await store.page(parse(f"receive_time {comparator} 2026-11-24T10:00:00Z"), now_ms=NOW_MS, before="", size=1)

    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "pieces", "wanted"),
    [
        ("abc", ("a", "c"), True),
        ("ac", ("a", "c"), True),
        ("aba", ("ab", "ba"), False),
        ("xaby", ("", "ab", ""), True),
        ("a", ("", "a", "a", ""), False),
        ("a*c", ("a*", ""), True),
        ("", ("", ""), True),
    ],
)
def test_a_star_stands_for_anything(text: str, pieces: tuple[str, ...], wanted: bool) -> None:  # noqa: FBT001
    assert is_like(text, pieces) is wanted
