"""How the writer gets on: what waits, since when, and that it cannot write while it cannot."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.instance import instance
from gateway.watching.meters import Meters
from services.audit.progress import Progress
from services.audit.writing_metrics import WritingMetrics
from services.stream_lag import Lag
from tests.e2e.waiting import until
from tests.services.audit.conftest import Audit, a_record, a_settlement, admit, append, settle
from tests.services.audit.kinds import Kind

pytestmark = pytest.mark.every_store


def _gauges(audit: Audit, progress: Progress) -> dict[str, float]:
    meters = Meters(instance("audit"))
    WritingMetrics(meters, progress, checkpoints=audit.checkpoints, store=audit.store, clock_ms=lambda: audit.now_ms)
    found = {each.name: each.data.data_points[0] for each in meters.read()}
    meters.close()
    return {name: getattr(point, "value", getattr(point, "count", -1)) for name, point in found.items()}


async def test_what_waits_in_all_streams_is_counted_and_the_oldest_of_it_has_its_age(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(1)), settle(a_settlement(1)))
    writer = await audit.catch_up()
    await append(audit.redis, admit(a_record(2)), settle(a_settlement(2)), admit(a_record(3)))
    await append(audit.redis, admit(a_record(4, tenant="globex")), tenant="globex")
    other = audit.writer(consumer="looks-only")
    await other._streams.discover()
    lag = await other._streams.lag()
    assert (lag.entries, lag.oldest_ms is not None) == (4, True)
    await writer.step()
    await audit.catch_up()
    assert await other._streams.lag() == Lag()


async def test_what_was_delivered_and_never_stored_waits_too(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(1)), admit(a_record(2)))
    dead = audit.writer(consumer="dead")
    await dead._streams.discover()
    assert len(await dead._streams.read()) == 2
    await append(audit.redis, admit(a_record(3)))
    lag = await dead._streams.lag()
    assert (lag.entries, lag.oldest_ms is not None) == (3, True)


async def test_entries_that_were_deleted_leave_a_number_all_the_same(audit: Audit) -> None:
    await append(audit.redis, *(admit(a_record(number)) for number in range(6)))
    writer = audit.writer()
    await writer._streams.discover()
    stream = "pilote:{acme/0}:decisions"
    read: Any = await audit.redis.xrange(stream)
    ids = [entry for entry, _ in read]
    await audit.redis.xdel(stream, ids[3])
    lag = await writer._streams.lag()
    assert 5 <= lag.entries <= 6
    await audit.catch_up()
    assert await writer._streams.lag() == Lag()


async def test_the_metrics_say_what_was_stored_set_aside_and_signed(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(1)), {"k": "admit", "r": b"{", "o": b"{}"})
    writer = await audit.catch_up()
    await audit.checkpoints.now()
    audit.now_ms += 7_000
    writer.progress.lag = Lag(3, audit.now_ms - 2_500)
    assert _gauges(audit, writer.progress) == {
        "pilote.audit.entries": 1,
        "pilote.audit.quarantined": 1,
        "pilote.audit.failing": 0,
        "pilote.stream.lag": 3,
        "pilote.stream.lag.time": 2.5,
        "pilote.log.size": 1,
        "pilote.log.checkpoint.age": 7,
        "pilote.audit.segments.unreadable": 0,
        "pilote.audit.write.duration": 1,
    }


async def test_while_the_store_is_locked_it_is_failing_and_what_piles_up_is_seen(audit: Audit, stores: Kind) -> None:
    await append(audit.redis, admit(a_record(1)))
    await audit.store.write([])  # whoever comes first makes tables and partitions
    writer, stop = audit.writer(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        with stores.locked():
            group.create_task(writer.run(stop))
            await until(lambda: writer.progress.failing, what="it says that it fails")
            await append(audit.redis, admit(a_record(2)))
            await until(lambda: writer.progress.lag.entries == 2, what="it sees what waits")
        await until(lambda: writer.taken == 2 and not writer.progress.failing, what="it goes on")
        stop.set()


@given(st.lists(st.builds(Lag, st.integers(0, 9), st.none() | st.integers(0, 99))))
def test_lags_add_up(lags: list[Lag]) -> None:
    whole = Lag()
    for lag in lags:
        whole = whole.and_also(lag)
    times = [lag.oldest_ms for lag in lags if lag.oldest_ms is not None]
    assert whole == Lag(sum(lag.entries for lag in lags), min(times, default=None))


def test_batches_can_be_looked_at_before_the_first_one() -> None:
    points: Any = Progress().latency.metric().data.data_points
    assert [point.count for point in points] == [0]


def test_nothing_that_waits_has_no_age() -> None:
    assert Lag().and_also(Lag()) == Lag(0, None)
