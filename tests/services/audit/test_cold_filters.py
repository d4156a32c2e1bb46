"""Parquet files answer what a plain reading of the filter answers, as SQLite does."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from services.audit.filters.expression import Expression, at_time
from services.audit.filters.fields import Field
from services.audit.filters.filter import parse
from services.audit.filters.matching import matches
from services.audit.finding import Order
from services.audit.ordering import place_of
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS
from tests.services.audit.filters import Row, entries, expressions, rows, stored, subjects
from tests.services.audit.test_finding import COUNTABLE, SORTABLE
from tests.services.audit.test_matching import DENIED, ENDED

LATE_MS = NOW_MS + 2 * HOUR_MS
"""When all is over and cold."""


async def cold(store: SqliteStore) -> None:
    """Leave nothing but Parquet files."""
    await store.mark_in_doubt(now_ms=LATE_MS)
    for _ in range(3):
        await store.tend(now_ms=LATE_MS)
    assert not any(segment.file for segment in store._segments.catalogue.values())


async def summed(store: SqliteStore, expression: Expression, *, order: Order, fields: list[Field]) -> list[Any]:
    """What is said of many decisions at once."""
    first = await store.ordered(expression, now_ms=LATE_MS, order=order, after=None, size=2)
    after = place_of(order, first[-1]) if first else None
    return [
        *(first, await store.ordered(expression, now_ms=LATE_MS, order=order, after=after, size=2)),
        await store.facets(expression, fields, now_ms=LATE_MS),
        await store.span(expression, now_ms=LATE_MS),
        await store.timeline(expression, now_ms=LATE_MS, start_ms=NOW_MS - 10, width_ms=2),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('rule:"quiet_hours" latency > 200ms', True),
        ("latency > 0.25s", False),
        ('latency = 0.25s cost.tokens >= 7 cost:tokens cost."crm calls" = 1', True),
        ("cost:euros OR cost.tokens > 7", False),
        ("topic = offers AND topic = news AND topic != sports", True),
        ("holdout = kept-apart", True),
        ("holdout = quiet_hours", False),
        ("rule.effect:(deny holdout) rule.mode = monitor", True),
        ('method = "/pilote.crm*SendMessage" startsWith(method, "/pilote") endsWith(method, Message)', True),
        ("in(agent, a, sales-bot)", True),
        ("slow = true gave_back = false attempts = 0", True),
        ("copies.agrees = false copies.kind = mirror", True),
        ("copies.agrees = true OR copies.arm = nobody", False),
        ('"code des postes"', True),
        ('"code postes"', False),
        ("SENDMESSAGE quiet* -nothing", True),
        ("settle_time > 2026-11-24T10:00:00.004Z settle_time <= 2026-11-24T10:00:00.005Z", True),
    ],
)
async def test_a_filter_means_the_same_when_an_hour_is_cold(text: str, wanted: bool, tmp_path: Path) -> None:  # noqa: FBT001
    store = SqliteStore(tmp_path, keeping=Keeping(grace_ms=0, hot_ms=0))
    await store.write(entries([(DENIED, ENDED)]))
    await cold(store)

    found = await store.page(parse(text), now_ms=LATE_MS, before="", size=1)
    await store.close()

    assert (bool(found), store.unreadable) == (wanted, ())


@thoroughly(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=rows(),
    wanted=expressions | subjects,
    order=st.builds(Order, st.sampled_from(SORTABLE), st.booleans()),
    fields=st.lists(st.sampled_from(COUNTABLE), max_size=4, unique=True),
)
async def test_cold_hours_answer_as_a_plain_reading_of_the_filter_does(
    found: list[Row],
    wanted: Expression,
    order: Order,
    fields: list[Field],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store"), keeping=Keeping(grace_ms=0, hot_ms=0))
    await store.write(entries(found))
    expression = at_time(wanted, now_ms=NOW_MS)
    await store.mark_in_doubt(now_ms=LATE_MS)
    before = [await store.get(record.id, now_ms=LATE_MS) for record, _ in found]
    sums = await summed(store, expression, order=order, fields=fields)
    await cold(store)

    page = await store.page(expression, now_ms=LATE_MS, before="", size=100)
    among = await store.among([record.id for record, _ in found], expression=expression, now_ms=LATE_MS)
    after = [await store.get(record.id, now_ms=LATE_MS) for record, _ in found]
    assert await summed(store, expression, order=order, fields=fields) == sums
    unreadable = store.unreadable
    await store.close()

    expected = sorted((row[0].id for row in found if matches(expression, stored(row, now_ms=LATE_MS))), reverse=True)
    assert [each.record.id for each in page] == expected
    assert [each.record.id for each in reversed(among)] == expected
    assert (after, unreadable) == (before, ())
