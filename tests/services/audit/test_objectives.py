"""Calls of routes are counted by the minute, each once, whatever comes late or twice; and told as objectives."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
import msgspec
import pytest

from gateway.core.failing import failed
from gateway.core.policy.serving import LatencyObjective, Objectives
from gateway.core.record import Outcome, Record, Settlement, Verdict
from gateway.core.service_objectives import BUDGET_MS, HOUR_MS, MINUTE_MS, WINDOWS_MS, Counts
from gateway.instance import instance
from gateway.rpc.serving import serving
from gateway.watching.meters import Meters, otlp
from pilote.audit.v1 import audit_service_pb2_grpc
from pilote.audit.v1 import objectives_pb2 as pb
from services.audit.entries import Admitted, Entry, Settled
from services.audit.metrics import ObjectiveMetrics
from services.audit.objectives import Promised
from services.audit.store import DecisionStore
from tests.examples import examples
from tests.fakes.collector import collecting
from tests.services.audit.conftest import GRANTED, NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""
DOWN: dict[str, Any] = {"status": "UNAVAILABLE", "reason": "UPSTREAM_UNAVAILABLE"}
BOTH = Objectives(availability=99.9, latency=LatencyObjective(within="300ms", percent=95))


def called(number: int, **changes: Any) -> Record:
    """A call of the route "crm", a minute after the one before."""
    return a_record(number * MINUTE_MS, **({"route": "crm"} | changes))


def ended(number: int, **changes: Any) -> Settlement:
    """Its end."""
    return a_settlement(number * MINUTE_MS, **changes)


async def counts(store: DecisionStore, *, window_ms: int = BUDGET_MS, now_ms: int = NOW_MS + HOUR_MS) -> Counts:
    found = await store.route_counts(("crm",), windows_ms=(window_ms,), now_ms=now_ms)
    return found["crm", window_ms]


@pytest.mark.every_store
async def test_each_call_is_counted_once_however_often_its_entries_come(audit: Audit) -> None:
    entries = [admit(called(0)), settle(ended(0, **DOWN)), admit(called(1)), settle(ended(1, slow=True))]
    await append(audit.redis, *entries, *entries)
    await audit.catch_up()
    await append(audit.redis, settle(ended(0)), admit(called(1)), settle(ended(1, **DOWN)), *entries)
    await audit.catch_up()

    assert await counts(audit.store) == Counts(admitted=2, failed=1, slow=1)


async def test_a_settlement_that_comes_later_adds_to_the_minute_of_its_call(audit: Audit) -> None:
    await append(audit.redis, admit(called(0)))
    await audit.catch_up()
    running = await counts(audit.store)
    await append(audit.redis, settle(ended(0, slow=True, settled_ms=NOW_MS + HOUR_MS, **DOWN)))
    await audit.catch_up()

    assert (running, await counts(audit.store)) == (Counts(1, 0, 0), Counts(1, 1, 1))
    assert await counts(audit.store, window_ms=30 * MINUTE_MS) == Counts()


async def test_a_settlement_that_comes_first_is_counted_with_its_call(audit: Audit) -> None:
    await append(audit.redis, settle(ended(0, **DOWN)))
    await audit.catch_up()
    early = await counts(audit.store)
    await append(audit.redis, admit(called(0)))
    await audit.catch_up()

    assert (early, await counts(audit.store)) == (Counts(), Counts(1, 1, 0))


@pytest.mark.parametrize(("late", "wanted"), [({}, 0), (DOWN, 1)])
async def test_a_call_that_is_never_settled_has_failed_until_it_is_settled_after_all(
    audit: Audit, late: dict[str, Any], wanted: int
) -> None:
    await append(audit.redis, admit(called(0)))
    audit.now_ms += HOUR_MS
    await audit.catch_up()
    await audit.catch_up()
    doubted = await counts(audit.store)
    await append(audit.redis, settle(ended(0, **late)))
    await audit.catch_up()

    assert (doubted, await counts(audit.store)) == (Counts(1, 1, 0), Counts(1, wanted, 0))


async def test_what_the_policy_refuses_and_what_repeats_a_call_is_no_call_of_the_route(audit: Audit) -> None:
    refused = called(0, verdict=Verdict.DENY, reason="CAP_EXCEEDED", expires_ms=0)
    limited = admit(called(1), Outcome(granted=False, reason="LIMIT_EXCEEDED"))
    repeat = admit(called(2), Outcome(granted=True, first=an_id(0)))
    unrouted = admit(called(3, route=""))
    await append(audit.redis, admit(refused), limited, repeat, settle(ended(2, **DOWN)), unrouted)
    await audit.catch_up()

    assert await counts(audit.store) == Counts()


async def test_windows_hold_whole_minutes_and_the_one_that_runs(store: DecisionStore) -> None:
    await store.write([_admitted(called(number)) for number in range(60)])
    now_ms = NOW_MS + 59 * MINUTE_MS + 30_000
    found = await store.route_counts(("crm", "none"), windows_ms=(HOUR_MS, 5 * MINUTE_MS), now_ms=now_ms)

    assert {key: each.admitted for key, each in found.items()} == {
        ("crm", 5 * MINUTE_MS): 5,
        ("crm", HOUR_MS): 60,
        ("none", 5 * MINUTE_MS): 0,
        ("none", HOUR_MS): 0,
    }


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(examples(10)))
async def test_counts_are_those_of_a_plain_count_in_whatever_order_entries_come(
    store: DecisionStore, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    routes = ("crm", "score")
    records = [a_record(n, route=rng.choice(routes)) for n in rng.sample(range(90 * MINUTE_MS), 150)]
    by_id = {record.id: record for record in records}
    ends = [
        Settlement(
            id=record.id,
            settled_ms=record.received_ms + 5,
            status="?",
            reason=rng.choice(["", "", "INTERNAL", "CAP_EXCEEDED"]),
            slow=rng.random() < 0.3,
        )
        for record in records
        if rng.random() < 0.8
    ]
    entries: list[Entry] = [*map(_admitted, records), *map(_settled, ends)]
    entries = rng.sample(entries, len(entries)) + rng.sample(entries, 40)
    doubt_at, now_ms = rng.randrange(len(entries)), NOW_MS + 90 * MINUTE_MS
    for start in range(0, len(entries), 23):
        await store.write(entries[start : start + 23])
        if start <= doubt_at < start + 23:  # some of these are settled later all the same
            await store.mark_in_doubt(now_ms=now_ms + HOUR_MS)
    await store.mark_in_doubt(now_ms=now_ms + HOUR_MS)

    windows = (5 * MINUTE_MS, HOUR_MS, BUDGET_MS)
    found = await store.route_counts(routes, windows_ms=windows, now_ms=now_ms)
    settled = {end.id: end for end in ends}
    for route in routes:
        for window in windows:
            own = [each for each in by_id.values() if each.route == route]
            own = [
                each for each in own if 0 <= now_ms // MINUTE_MS - each.received_ms // MINUTE_MS < window // MINUTE_MS
            ]
            tally = Counter[str]()
            for each in own:
                end = settled.get(each.id)
                tally["failed"] += end is None or failed(end)
                tally["slow"] += end is not None and end.slow
            assert found[route, window] == Counts(len(own), tally["failed"], tally["slow"]), (route, window)


@pytest.fixture
async def stub(audit: Audit) -> AsyncIterator[Stub]:
    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with (
        serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield audit_service_pb2_grpc.AuditServiceStub(channel)


async def _an_hour_of_trouble(audit: Audit) -> None:
    """Twenty calls a minute for an hour, of which one fails."""
    entries: list[Entry] = []
    for number in range(60 * 20):
        at = number * 3_000
        entries.append(_admitted(a_record(at, route="crm")))
        entries.append(_settled(a_settlement(at, **(DOWN if number % 20 == 0 else {}))))
    await audit.store.write(entries)
    audit.now_ms = NOW_MS + HOUR_MS - 1
    audit.book.promise(Promised(7, (("crm", BOTH), ("score", Objectives(availability=99)))))


async def test_objectives_are_told_with_their_windows_and_alerts(audit: Audit, stub: Stub) -> None:
    await _an_hour_of_trouble(audit)
    answer = await stub.GetObjectives(pb.GetObjectivesRequest())
    available, latency, score = answer.objectives

    assert (answer.revision, answer.count_time.ToMilliseconds()) == (7, audit.now_ms)
    assert [(each.route, each.kind, each.state) for each in answer.objectives] == [
        ("crm", pb.OBJECTIVE_KIND_AVAILABILITY, pb.OBJECTIVE_STATE_ALERT),
        ("crm", pb.OBJECTIVE_KIND_LATENCY, pb.OBJECTIVE_STATE_MET),
        ("score", pb.OBJECTIVE_KIND_AVAILABILITY, pb.OBJECTIVE_STATE_NO_TRAFFIC),
    ]
    assert [each.window.ToMilliseconds() for each in available.windows] == list(WINDOWS_MS)
    assert [(each.calls, each.bad) for each in available.windows] == [(100, 5), (600, 30), *[(1_200, 60)] * 3]
    assert available.windows[0].burn_rate == pytest.approx(50)
    assert [(each.severity, each.threshold) for each in available.alerts] == [
        (pb.ALERT_SEVERITY_PAGE, 14.4),
        (pb.ALERT_SEVERITY_PAGE, 6.0),
        (pb.ALERT_SEVERITY_TICKET, 1.0),
    ]
    assert available.budget_left == pytest.approx(-49)
    assert (latency.within.ToMilliseconds(), latency.target_percent, latency.budget_left) == (300, 95, 1)
    assert not score.HasField("budget_left")
    assert not score.windows[0].HasField("burn_rate")
    assert len((await stub.GetObjectives(pb.GetObjectivesRequest(route="score"))).objectives) == 1


async def test_without_a_revision_no_objective_is_known(stub: Stub) -> None:
    answer = await stub.GetObjectives(pb.GetObjectivesRequest())
    assert (answer.revision, list(answer.objectives)) == (0, [])


async def test_objectives_are_exported_as_metrics_and_those_without_calls_are_no_good_ones(audit: Audit) -> None:
    await _an_hour_of_trouble(audit)
    async with collecting() as collector:
        meters = Meters(instance("audit"), exporter=otlp(collector.endpoint))
        metrics = ObjectiveMetrics(meters)
        metrics.tell(await audit.book.standings())
        await asyncio.to_thread(meters.close)  # off the loop, which the collector needs
        rates, left, alerts = (
            {tuple(labels.values()): value for labels, value in collector.metrics.gauges(f"pilote.objective.{name}")}
            for name in ("burn_rate", "budget_left", "alert")
        )

    assert {window: round(rates["crm", "availability", window], 6) for window in ("5m", "30m", "1h", "6h", "3d")} == (
        dict.fromkeys(("5m", "30m", "1h", "6h", "3d"), 50)
    )
    assert [labels for labels in rates if labels[0] == "score"] == []
    assert {labels: round(value, 6) for labels, value in left.items()} == {
        ("crm", "availability"): -49,
        ("crm", "latency"): 1,
    }
    assert {labels: value for labels, value in alerts.items() if labels[0] == "crm"} == {
        ("crm", "availability", "page"): 1,
        ("crm", "availability", "ticket"): 1,
        ("crm", "latency", "page"): 0,
        ("crm", "latency", "ticket"): 0,
    }


def _admitted(record: Record) -> Admitted:
    return Admitted(record, GRANTED, msgspec.json.encode(record), msgspec.json.encode(GRANTED))


def _settled(settlement: Settlement) -> Settled:
    return Settled(settlement, msgspec.json.encode(settlement))
