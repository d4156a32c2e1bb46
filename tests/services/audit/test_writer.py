"""Whatever happens to Redis, the disk or the process: every decision is kept, and kept once."""

import asyncio
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import RedisCluster

from gateway import redis_clients
from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import MOST
from gateway.core.record import Attempt, BucketAsk, BucketLook, Outcome, Verdict
from gateway.records.conclusion import State
from gateway.redis_clients import Client
from services.audit.server import connected
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from services.audit.streams import GROUP
from services.audit.tails import Tail
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle
from tests.services.audit.kinds import Kind
from tests.stores import Store

pytestmark = pytest.mark.every_store

STREAM = keys.decisions(keys.cell("acme"))


async def _state(store: DecisionStore, number: int = 0, *, now_ms: int = NOW_MS) -> State | None:
    found = await store.get(an_id(number), now_ms=now_ms)
    return None if found is None else found.conclusion.state


async def _pending(redis: Client) -> int:
    return int((await redis.xpending(STREAM, GROUP))["pending"])


async def _seen(tail: Tail, wanted: int, *, before: frozenset[str] = frozenset()) -> frozenset[str]:
    """Wait until `wanted` different decisions were stored, those of `before` included."""
    seen = set(before)
    async with asyncio.timeout(60):
        while len(seen) < wanted:
            seen.update(await tail.take(1_000))
    return frozenset(seen)


async def test_five_thousand_entries_are_counted_exactly(audit: Audit) -> None:
    entries = [entry for n in range(2_500) for entry in (admit(a_record(n)), settle(a_settlement(n)))]
    await append(audit.redis, *entries)

    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined, await audit.store.count()) == (5_000, 0, 2_500)
    assert await _pending(audit.redis) == 0


async def test_a_settlement_ends_its_decision(audit: Audit) -> None:
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()
    before = await _state(audit.store)
    await append(audit.redis, settle(a_settlement(status="UNAVAILABLE", reason="UPSTREAM_UNAVAILABLE")))
    await audit.catch_up()

    assert before is State.RUNNING
    found = await audit.store.get(an_id(0), now_ms=NOW_MS)
    assert found is not None
    assert found.settlement == a_settlement(status="UNAVAILABLE", reason="UPSTREAM_UNAVAILABLE")
    conclusion = found.conclusion
    assert (conclusion.state, conclusion.status, conclusion.reason, conclusion.settled_ms) == (
        *(State.SETTLED, "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", NOW_MS + 5),
    )


async def test_a_settlement_that_comes_before_its_admission_is_not_lost(audit: Audit) -> None:
    await append(audit.redis, settle(a_settlement()))
    await audit.catch_up()
    early = await audit.store.count()
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()

    assert (early, await audit.store.count(), await _state(audit.store)) == (0, 1, State.SETTLED)


async def test_a_redelivered_entry_changes_nothing(audit: Audit) -> None:
    await append(audit.redis, admit(a_record()), settle(a_settlement()))
    await audit.catch_up()
    first = await audit.store.get(an_id(0), now_ms=NOW_MS)
    await append(audit.redis, settle(a_settlement(status="UNKNOWN")), admit(a_record(agent="other")), admit(a_record()))
    with audit.tails.follow() as tail:
        await audit.catch_up()
        tail.put(["nothing else"])
        told = await tail.take(10)

    assert (await audit.store.get(an_id(0), now_ms=NOW_MS), await audit.store.count()) == (first, 1)
    assert told == ("nothing else",)


async def test_a_refusal_by_admission_wins_over_the_rules(audit: Audit) -> None:
    buckets = (
        BucketAsk("per-second", "rate", 5, 1_000),
        BucketAsk("weekly-contacts", "cap", 3, 604_800_000),
    )
    looks = (BucketLook(1, 0), BucketLook(3, 60_000))
    refused = admit(a_record(0, buckets=buckets), Outcome(granted=False, looks=looks, refused=1))
    limited = admit(a_record(1, buckets=buckets), Outcome(granted=False, looks=looks, refused=0))
    repeated = admit(a_record(2), Outcome(granted=False, reason="IDEMPOTENCY_KEY_REUSED", first=an_id(0)))
    await append(audit.redis, refused, limited, repeated)
    await audit.catch_up()

    found = [await audit.store.get(an_id(n), now_ms=NOW_MS) for n in range(3)]
    said = [(f.conclusion.verdict, f.conclusion.reason, f.conclusion.rule, f.conclusion.status) for f in found if f]
    assert said == [
        (Verdict.DENY, "CAP_EXCEEDED", "weekly-contacts", "RESOURCE_EXHAUSTED"),
        (Verdict.DENY, "LIMIT_EXCEEDED", "per-second", "RESOURCE_EXHAUSTED"),
        (Verdict.DENY, "IDEMPOTENCY_KEY_REUSED", "", "ALREADY_EXISTS"),
    ]
    assert [f.conclusion.state for f in found if f] == [State.SETTLED] * 3


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"k": "admit", "r": b"{", "o": b"{}"}, "truncated"),
        ({"k": "amend", "r": b"{}"}, "none of admit, settle, copy, inputs and outcome"),
        ({"k": "admit", "r": b"{}"}, "lacks the field o"),
        ({"k": "settle", "r": b'{"id":"x"}'}, "missing required field"),
        (settle(a_settlement(id="../etc")), "32 hexadecimal digits"),
        (admit(a_record(revision=2**70)), "revision"),
        (admit(a_record(received_ms=-1)), "received_ms"),
        (settle(a_settlement(costs={"spend": 2**60})), "cost"),
        (settle(a_settlement(attempts=(Attempt("one", "crm", "OK", took_us=2**70),))), "took_us"),
        ({"k": "settle", "r": b'{"id":"\xff"}'}, "utf-8"),
    ],
)
async def test_a_corrupt_entry_goes_to_quarantine_and_the_rest_goes_on(
    audit: Audit, broken: dict[Any, Any], why: str
) -> None:
    await append(audit.redis, admit(a_record(0)), broken, admit(a_record(1)))
    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined, await audit.store.count()) == (2, 1, 2)
    assert await _pending(audit.redis) == 0
    quarantine: Any = await audit.redis.xrange(f"{STREAM}:quarantine")
    ((_, kept),) = quarantine
    assert why.lower() in kept[b"why"].decode().lower()
    assert kept[b"k"] == broken["k"].encode()


async def test_the_largest_budgets_and_costs_that_a_policy_may_have_are_stored(audit: Audit) -> None:
    budget = BucketAsk("spend", "budget", MOST, 1_000, cost=MOST)
    await append(audit.redis, admit(a_record(buckets=(budget,))), settle(a_settlement(costs={"spend": MOST})))
    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined) == (2, 0)


async def test_a_contact_under_a_score_without_a_maximum_is_stored(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(buckets=(BucketAsk("pressure", "score", -1, 1_000, cost=1_000),))))
    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined) == (1, 0)


async def test_a_new_tenants_stream_is_picked_up(audit: Audit) -> None:
    writer = audit.writer()
    await append(audit.redis, admit(a_record(0)))
    await writer.step()
    await append(audit.redis, admit(a_record(1, tenant="globex")), tenant="globex")
    await writer.step()

    assert await audit.store.count() == 2
    assert sorted(await audit.store.tenants()) == ["acme", "globex"]


async def test_a_key_that_is_no_stream_does_not_stop_the_others(audit: Audit) -> None:
    await audit.redis.sadd(keys.STREAMS, "broken")
    await audit.redis.set("broken", "text")
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()

    assert await audit.store.count() == 1


async def test_after_a_restart_the_writer_takes_what_was_delivered_to_it(audit: Audit) -> None:
    await append(audit.redis, *(admit(a_record(n)) for n in range(700)))
    await audit.redis.xgroup_create(STREAM, GROUP, id="0")
    await audit.redis.xreadgroup(GROUP, "one", {STREAM: ">"}, count=600)

    await audit.catch_up()

    assert (await audit.store.count(), await _pending(audit.redis)) == (700, 0)


async def test_what_was_delivered_to_a_dead_consumer_is_taken_over(audit: Audit) -> None:
    await append(audit.redis, *(admit(a_record(n)) for n in range(700)))
    await audit.redis.xgroup_create(STREAM, GROUP, id="0")
    await audit.redis.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=600)
    writer = audit.writer(claim_idle_ms=0)
    while await writer.step():
        pass

    assert (await audit.store.count(), await _pending(audit.redis)) == (700, 0)


async def test_a_writer_stopped_anywhere_loses_and_doubles_nothing(audit: Audit) -> None:
    await audit.redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            append(audit.redis, *(e for n in range(1_500) for e in (admit(a_record(n)), settle(a_settlement(n)))))
        )
        seconds = 0.01
        while await audit.store.count() < 1_500 or await _pending(audit.redis):
            writer = audit.writer()
            await writer._streams.discover()  # redis-py leaks a connection that is cancelled while it is made (8.1.0)
            step = asyncio.create_task(writer.step())
            done, _ = await asyncio.wait((step,), timeout=seconds)
            seconds = 0.01 if done else 1.2 * seconds  # so that one comes to its end where none takes less
            step.cancel()
            await asyncio.wait((step,))
            await audit.close()
    await audit.catch_up()

    states = {await _state(audit.store, n) for n in range(1_500)}
    assert (await audit.store.count(), states) == (1_500, {State.SETTLED})


async def test_only_what_every_group_has_acknowledged_is_trimmed(audit: Audit) -> None:
    await append(audit.redis, *(admit(a_record(n)) for n in range(20)))
    await audit.redis.xgroup_create(STREAM, "insights", id="0")
    writer = audit.writer()
    while await writer.step():
        pass
    unread = await audit.redis.xlen(STREAM)
    reply: Any = await audit.redis.xreadgroup("insights", "one", {STREAM: ">"})
    ((_, delivered),) = reply.items() if isinstance(reply, dict) else reply
    await writer.step()
    unacknowledged = await audit.redis.xlen(STREAM)
    await audit.redis.xack(STREAM, "insights", *(entry for entry, _ in delivered))
    await writer.step()

    assert (unread, unacknowledged, await audit.redis.xlen(STREAM)) == (20, 20, 1)


async def test_a_call_that_is_never_settled_is_in_doubt_once_its_reservation_has_expired(audit: Audit) -> None:
    await append(audit.redis, admit(a_record()), admit(a_record(1, expires_ms=0)))
    await audit.catch_up()
    states = [await _state(audit.store, now_ms=NOW_MS + after) for after in (30_000, 30_001)]
    marked = [await audit.store.mark_in_doubt(now_ms=NOW_MS + after) for after in (30_000, 30_001, 30_002)]

    assert states == [State.RUNNING, State.IN_DOUBT]
    assert marked == [0, 1, 0]
    assert await _state(audit.store) is State.IN_DOUBT
    assert await _state(audit.store, 1, now_ms=NOW_MS + 90_000) is State.SETTLED


async def test_a_late_settlement_ends_the_doubt(audit: Audit) -> None:
    await append(audit.redis, admit(a_record()))
    audit.now_ms += 60_000
    await audit.catch_up()
    doubt = await _state(audit.store)
    await append(audit.redis, settle(a_settlement()))
    await audit.catch_up()

    assert (doubt, await _state(audit.store)) == (State.IN_DOUBT, State.SETTLED)


async def test_a_locked_store_acknowledges_nothing_until_it_is_free(audit: Audit, stores: Kind) -> None:
    await append(audit.redis, admit(a_record()))
    writer = audit.writer()
    await audit.store.write([])  # whoever comes first makes tables and partitions
    with stores.locked():
        with pytest.raises(CallEnded) as ended:
            await writer.step()
        waiting = await _pending(audit.redis)
    await audit.catch_up()

    assert ended.value.reason is Reason.STORE_UNAVAILABLE
    assert (waiting, await _pending(audit.redis), await audit.store.count()) == (1, 0, 1)


async def test_a_full_disk_acknowledges_nothing_and_the_writer_goes_on_when_there_is_room(
    audit: Audit, stores: Kind
) -> None:
    noise = random.Random(0)  # noqa: S311 - what cannot be compressed
    await append(audit.redis, *(admit(a_record(n, message=noise.randbytes(1_500).hex())) for n in range(500)))
    await audit.store.write([])
    stop = asyncio.Event()
    with stores.full(audit.store):
        with pytest.raises(CallEnded) as ended:
            await audit.writer().step()
        waiting = await _pending(audit.redis)
    with audit.tails.follow() as tail:
        async with asyncio.TaskGroup() as group:
            group.create_task(audit.writer().run(stop))
            await _seen(tail, 500)
            stop.set()

    assert ended.value.reason is Reason.STORE_UNAVAILABLE
    assert (waiting, await audit.store.count()) == (500, 500)


async def test_nothing_is_lost_or_doubled_when_redis_is_killed_in_the_middle(
    own_redis: Store, store: DecisionStore
) -> None:
    redis, stop = await redis_clients.connected(own_redis.url), asyncio.Event()
    reading = redis if isinstance(redis, RedisCluster) else connected(own_redis.url, block_ms=1)
    audit = Audit(reading, own_redis.url, store)
    await redis.config_set("appendfsync", "always")
    with audit.tails.follow() as tail:
        async with asyncio.TaskGroup() as group:
            group.create_task(audit.writer().run(stop))
            await append(redis, *(e for n in range(3_000) for e in (admit(a_record(n)), settle(a_settlement(n)))))
            seen = await _seen(tail, 200)
            own_redis.kill()
            await redis.aclose()
            own_redis.start()
            await append(
                redis, *(e for n in range(3_000, 3_500) for e in (admit(a_record(n)), settle(a_settlement(n))))
            )
            await _seen(tail, 3_500, before=seen)
            stop.set()
    await audit.catch_up()
    left = await _pending(redis)
    await audit.close()
    await redis.aclose()
    await reading.aclose()

    states = {await _state(store, n) for n in range(3_500)}
    assert (await store.count(), states, left) == (3_500, {State.SETTLED}, 0)


def test_a_store_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    newer = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite")
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(CallEnded, match="newer version"):
        SqliteStore(tmp_path)
