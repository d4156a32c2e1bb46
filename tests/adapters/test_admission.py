"""Admission: all or nothing, exact, and never without a record."""

import asyncio
import itertools
from pathlib import Path

import pytest

from gateway.adapters.admission import KEPT_ANSWER_BYTES, Admission
from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreConnection
from gateway.adapters.reservation import reserve
from gateway.adapters.spool import Spool
from gateway.core import keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook, Record, Settlement, Verdict
from gateway.redis_clients import Client, connected
from tests.adapters.conftest import ACME, PATIENT_MS, STREAM, Desk, freeze, thaw, until
from tests.stores import Store

pytestmark = pytest.mark.every_store

NOW = 1_700_000_000_000
HOUR = 3_600_000
NOBODYS = keys.decisions(keys.cell(keys.NOBODY))
OUTCOMES = keys.outcomes(ACME)


def rate(capacity: int = 5, *, interval_ms: int = 60_000, mode: str = "enforce", by: str = "agent=bot") -> Bucket:
    return Bucket("rate", "rate", by, capacity, interval_ms, interval_ms * 1000, mode)


def cap(capacity: int = 3, *, window_ms: int = HOUR, mode: str = "enforce", by: str = "subject=s") -> Bucket:
    return Bucket("cap", "cap", by, capacity, window_ms, 0, mode)


async def test_hundred_at_once_take_exactly_what_is_there(desk: Desk) -> None:
    outcomes = await asyncio.gather(*(desk.take(rate(5), now_ms=NOW) for _ in range(100)))
    assert sum(outcome.granted for outcome in outcomes) == 5


async def test_two_hundred_at_once_from_five_agents_under_a_cap_of_three_give_exactly_three(desk: Desk) -> None:
    buckets = [(rate(1000, by=f"agent={n}"), cap(3)) for n in range(5)]
    outcomes = await asyncio.gather(*(desk.take(*buckets[n % 5], now_ms=NOW) for n in range(200)))
    assert sum(outcome.granted for outcome in outcomes) == 3
    assert [entry[2]["granted"] for entry in await desk.entries()].count(True) == 3


async def test_connections_of_many_gateways_share_one_cap(redis_url: str, desk: Desk, tmp_path: Path) -> None:
    connections = [await opened(redis_url, timeout_ms=PATIENT_MS) for _ in range(5)]
    spools = [Spool(tmp_path / str(n), worker="w") for n in range(5)]
    desks = [Desk(Admission(c, s), desk.redis, s) for c, s in zip(connections, spools, strict=True)]
    outcomes = await asyncio.gather(*(desks[n % 5].take(cap(3), now_ms=NOW, call=f"{n:032x}") for n in range(200)))
    assert sum(outcome.granted for outcome in outcomes) == 3
    for other in desks:
        await other.admission.close()
        await other.spool.close()
    for connection in connections:
        await connection.close()


async def test_whoever_waits_as_long_as_told_gets_in_and_not_a_millisecond_before(desk: Desk) -> None:
    for bucket in (rate(2, interval_ms=60_000), cap(2)):
        for _ in range(2):
            assert (await desk.take(bucket, now_ms=NOW)).granted
        refused = await desk.take(bucket, now_ms=NOW + 1_000)
        wait_ms = refused.looks[0].wait_ms
        assert not refused.granted
        assert wait_ms == bucket.period_ms - 1_000
        assert not (await desk.take(bucket, now_ms=NOW + 1_000 + wait_ms - 1)).granted
        assert (await desk.take(bucket, now_ms=NOW + 1_000 + wait_ms)).granted


async def test_a_rate_that_does_not_divide_its_period_is_never_exceeded(desk: Desk) -> None:
    # Long enough that the store, whose own clock runs on while a test stands still, never expires what still counts.
    third = Bucket("rate", "rate", "agent=bot", 1, 100_000, 33_333_334, "enforce")
    granted = [at for at in range(0, 10_000_000, 700) if (await desk.take(third, now_ms=NOW + at)).granted]
    assert len(granted) <= 300
    assert all(later - earlier >= 33_334 for earlier, later in itertools.pairwise(granted))


async def test_one_full_bucket_leaves_all_others_untouched(desk: Desk) -> None:
    assert (await desk.take(cap(1), now_ms=NOW)).granted
    before = {key: blob for key, blob in (await desk.everything()).items() if b"bucket" in key}
    refused = await desk.take(rate(5), cap(9, by="subject=t"), cap(1), now_ms=NOW)
    assert (refused.granted, refused.refused) == (False, 2)
    assert {key: blob for key, blob in (await desk.everything()).items() if b"bucket" in key} == before


async def test_a_refusal_names_the_bucket_with_the_longest_wait(desk: Desk) -> None:
    short, long, never = rate(1, interval_ms=60_000), cap(1), cap(0, by="subject=n")
    assert (await desk.take(short, long, now_ms=NOW)).granted
    for buckets, wanted in (((short, long), 1), ((long, short), 0), ((long, never, short), 1), ((never, long), 0)):
        outcome = await desk.take(*buckets, now_ms=NOW)
        assert (outcome.granted, outcome.refused) == (False, wanted)
    assert outcome.looks == (BucketLook(0, -1), BucketLook(1, HOUR))


@pytest.mark.parametrize("bucket", [rate(0), cap(0)])
async def test_a_capacity_of_none_blocks_for_ever(desk: Desk, bucket: Bucket) -> None:
    for at in (NOW, NOW + 1000 * HOUR):
        outcome = await desk.take(bucket, now_ms=at)
        assert (outcome.granted, outcome.looks) == (False, (BucketLook(0, -1),))


async def test_a_monitored_bucket_never_refuses_and_a_monitored_cap_counts_on(desk: Desk) -> None:
    watched = (rate(1, mode="monitor"), cap(1, mode="monitor"), cap(0, mode="monitor", by="subject=n"))
    outcomes = [await desk.take(*watched, now_ms=NOW) for _ in range(3)]
    assert [outcome.granted for outcome in outcomes] == [True, True, True]
    assert [look.used for look in outcomes[2].looks] == [1, 3, 1]
    assert all(look.wait_ms != 0 for look in outcomes[2].looks)


async def test_who_only_looks_changes_nothing_at_all(desk: Desk) -> None:
    buckets = (rate(2), cap(2))
    await desk.take(*buckets, now_ms=NOW)
    await desk.admit(*buckets, now_ms=NOW, request=("key", "hash"), expires_ms=NOW + 1)
    before = await desk.everything()
    for at in (NOW - HOUR, NOW, NOW + 1, NOW + 100 * HOUR):
        for request in (("", ""), ("key", "hash"), ("key", "other"), ("new", "hash")):
            await desk.admit(*buckets, now_ms=at, request=request, only_look=True)
    assert await desk.everything() == before


async def test_a_look_says_what_admission_would_say(desk: Desk) -> None:
    buckets = (rate(1), cap(2))
    assert (await desk.take(*buckets, now_ms=NOW, only_look=True)).granted
    assert (await desk.take(*buckets, now_ms=NOW)).granted
    look = await desk.take(*buckets, now_ms=NOW, only_look=True)
    assert (look.granted, look.refused, look.looks) == (False, 0, (BucketLook(1, 60_000), BucketLook(1, 0)))


async def test_a_clock_that_runs_ahead_does_not_open_a_cap_for_one_that_is_right(desk: Desk) -> None:
    for _ in range(3):
        assert (await desk.take(cap(3), now_ms=NOW)).granted
    assert (await desk.take(cap(3), now_ms=NOW + 2 * HOUR)).granted
    assert not (await desk.take(cap(3), now_ms=NOW + 1)).granted


async def test_a_cap_forgets_what_has_left_its_window(desk: Desk, redis: Client) -> None:
    for n in range(50):
        assert (await desk.take(cap(2), now_ms=NOW + n * HOUR)).granted
    key = keys.bucket(ACME, "cap", limit="cap", by="subject=s")
    assert await redis.zcard(key) <= 5
    assert 0 < await redis.pttl(key) <= HOUR


async def test_after_a_clock_steps_back_nobody_waits_for_the_old_time(desk: Desk) -> None:
    for _ in range(5):
        assert (await desk.take(rate(5), now_ms=NOW)).granted
    stepped = NOW - 24 * HOUR
    refused = await desk.take(rate(5), now_ms=stepped)
    assert (refused.granted, refused.looks) == (False, (BucketLook(5, 60_000),))
    assert (await desk.take(rate(5), now_ms=stepped + 60_000)).granted


@pytest.mark.parametrize("behind_ms", [1, 30, 500, 1000])
async def test_gateways_whose_clocks_differ_a_little_get_no_more_than_one_would(desk: Desk, behind_ms: int) -> None:
    """Two of them ask for ten times the rate of 50 a second. The one behind once cut the bucket back at each call."""
    bucket = rate(10, interval_ms=20)
    asked = [(NOW + 2 * n, NOW + 2 * n - (behind_ms if n % 2 else 0)) for n in range(500)]
    granted = [at for at, told in asked if (await desk.take(bucket, now_ms=told)).granted]
    assert len(granted) <= 10 + (granted[-1] - NOW) / 20 + 1
    assert len(granted) >= 10 + (asked[-1][0] - NOW - behind_ms) / 20 - 1


async def test_a_call_that_reaches_the_store_late_finds_what_was_counted_meanwhile(desk: Desk, redis: Client) -> None:
    """The store once forgot a bucket when it was empty by its own clock: a call from before that filled it anew."""
    assert (await desk.take(rate(1, interval_ms=20), now_ms=NOW)).granted
    assert await redis.pttl(keys.bucket(ACME, "rate", limit="rate", by="agent=bot")) > 900
    assert not (await desk.take(rate(1, interval_ms=20), now_ms=NOW - 5)).granted


async def test_every_admission_and_every_refusal_leaves_a_record_with_its_outcome(desk: Desk) -> None:
    await desk.take(cap(1), now_ms=NOW, call="a" * 32)
    await desk.take(cap(1), now_ms=NOW, call="b" * 32)
    told = [(kind, record["id"], outcome["granted"]) for kind, record, outcome in await desk.entries()]
    assert told == [("admit", "a" * 32, True), ("admit", "b" * 32, False)]


async def test_giving_back_frees_the_cap_and_doing_it_twice_frees_it_once(desk: Desk) -> None:
    await desk.take(cap(2), now_ms=NOW, call="a" * 32)
    await desk.take(cap(2), now_ms=NOW, call="b" * 32)
    for _ in range(2):
        await desk.settle(cap(2), call="a" * 32, gave_back=True)
    assert [(await desk.take(cap(2), now_ms=NOW)).granted for _ in range(2)] == [True, False]


async def test_what_was_confirmed_or_is_in_doubt_stays_taken(desk: Desk) -> None:
    for call, in_doubt in (("a" * 32, False), ("b" * 32, True)):
        await desk.take(cap(2), now_ms=NOW, call=call)
        await desk.settle(cap(2), call=call, in_doubt=in_doubt)
    assert not (await desk.take(cap(2), now_ms=NOW)).granted


async def test_the_same_key_while_the_first_call_runs_is_told_to_retry(desk: Desk) -> None:
    first, _ = await desk.admit(cap(9), now_ms=NOW, call="a" * 32, request=("key", "hash"), expires_ms=NOW + 10)
    assert (first.granted, first.first) == (True, "")
    again, answer = await desk.admit(cap(9), now_ms=NOW + 10, request=("key", "hash"))
    assert (again.granted, again.reason, again.first, answer) == (
        False,
        Reason.IDEMPOTENCY_KEY_RUNNING,
        "a" * 32,
        b"",
    )


async def test_the_same_key_after_the_first_call_expired_is_told_to_find_out(desk: Desk) -> None:
    await desk.admit(now_ms=NOW, request=("key", "hash"), expires_ms=NOW + 10)
    again, _ = await desk.admit(now_ms=NOW + 11, request=("key", "hash"))
    assert (again.granted, again.reason) == (False, Reason.UPSTREAM_IN_DOUBT)


async def test_the_same_key_with_another_request_is_refused(desk: Desk) -> None:
    await desk.admit(now_ms=NOW, request=("key", "hash"), expires_ms=NOW + 10)
    for settled in (False, True):
        if settled:
            await desk.settle(call=f"{1:032x}", key="key")
        again, _ = await desk.admit(now_ms=NOW, request=("key", "other"))
        assert (again.granted, again.reason) == (False, Reason.IDEMPOTENCY_KEY_REUSED)


@pytest.mark.parametrize("answer", [b"", b"\x00\xff answer", b"x" * KEPT_ANSWER_BYTES])
async def test_a_repeat_gets_the_first_calls_answer_and_takes_nothing(desk: Desk, answer: bytes) -> None:
    await desk.admit(cap(1), now_ms=NOW, call="a" * 32, request=("key", "hash"), expires_ms=NOW + 10)
    await desk.settle(cap(1), call="a" * 32, key="key", answer=answer)
    again, given = await desk.admit(cap(1), now_ms=NOW + HOUR, request=("key", "hash"))
    assert (again.granted, again.first, again.looks, given) == (True, "a" * 32, (), answer)


async def test_an_answer_too_large_to_keep_is_never_repeated_as_an_empty_one(desk: Desk) -> None:
    await desk.admit(now_ms=NOW, call="a" * 32, request=("key", "hash"), expires_ms=NOW + 10)
    await desk.settle(call="a" * 32, key="key", answer=b"x" * (KEPT_ANSWER_BYTES + 1))
    again, _ = await desk.admit(now_ms=NOW, request=("key", "hash"))
    assert (again.granted, again.reason) == (False, Reason.UPSTREAM_IN_DOUBT)


async def test_a_key_whose_call_was_in_doubt_stays_so_and_one_given_back_is_free(desk: Desk) -> None:
    for key, in_doubt in (("one", True), ("two", False)):
        await desk.admit(now_ms=NOW, call=key, request=(key, "hash"), expires_ms=NOW + 10)
        await desk.settle(call=key, key=key, in_doubt=in_doubt, gave_back=not in_doubt)
    doubt, _ = await desk.admit(now_ms=NOW, request=("one", "hash"))
    free, _ = await desk.admit(now_ms=NOW, request=("two", "other"))
    assert (doubt.reason, free.granted, free.first) == (Reason.UPSTREAM_IN_DOUBT, True, "")


async def test_settling_touches_the_key_of_its_own_call_only(desk: Desk) -> None:
    await desk.admit(now_ms=NOW, call="a" * 32, request=("key", "hash"), expires_ms=NOW + 10)
    await desk.settle(call="b" * 32, key="key", gave_back=True)
    again, _ = await desk.admit(now_ms=NOW, request=("key", "hash"))
    assert (again.reason, again.first) == (Reason.IDEMPOTENCY_KEY_RUNNING, "a" * 32)


async def test_a_refused_first_call_leaves_its_key_unused(desk: Desk) -> None:
    refused, _ = await desk.admit(cap(0), now_ms=NOW, request=("key", "hash"), expires_ms=NOW + 10)
    again, _ = await desk.admit(now_ms=NOW, request=("key", "other"))
    assert (refused.granted, again.granted) == (False, True)


async def test_hundred_at_once_with_one_key_let_one_through(desk: Desk) -> None:
    calls = (desk.admit(cap(50), now_ms=NOW, request=("key", "hash"), expires_ms=NOW + 10) for _ in range(100))
    outcomes = [outcome for outcome, _ in await asyncio.gather(*calls)]
    assert sum(outcome.granted for outcome in outcomes) == 1


async def test_a_fresh_server_is_given_the_functions_on_the_way(desk: Desk, redis: Client) -> None:
    await redis.function_flush()
    assert (await desk.take(cap(1), now_ms=NOW)).granted


async def test_preparing_announces_the_streams_of_the_tenants_and_of_nobody(desk: Desk, redis: Client) -> None:
    assert await redis.smembers(keys.STREAMS) == {STREAM.encode(), OUTCOMES.encode(), NOBODYS.encode()}


async def test_while_the_store_is_silent_calls_are_refused_and_every_record_waits_on_disk(
    own_redis: Store, tmp_path: Path
) -> None:
    connection = await opened(own_redis.url, timeout_ms=30)
    redis = await connected(own_redis.url)
    spool = Spool(tmp_path, worker="w")
    desk = Desk(Admission(connection, spool), redis, spool)
    await until(lambda: _prepared(desk))
    freeze(own_redis)
    with pytest.raises(CallEnded) as caught:
        await desk.take(cap(1), now_ms=NOW)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    record = Record(id="r" * 32, received_ms=0, decided_ms=0, verdict=Verdict.DENY, tenant="acme")
    await desk.admission.write(record)
    given_back = Settlement(id=f"{1:032x}", settled_ms=0, status="UNAVAILABLE", gave_back=True)
    desk.admission.settle(reserve(record, [cap(1)]), given_back)
    await desk.admission.close()
    assert spool.waiting == 2
    thaw(own_redis)
    await until(lambda: desk.settled(f"{1:032x}"))
    # The admission was carried out after all, and given back; the refusal's record came before the settlement.
    kinds = [(kind, body["id"]) for kind, body, _ in await desk.entries()]
    assert kinds == [("admit", f"{1:032x}"), ("admit", "r" * 32), ("settle", f"{1:032x}")]
    await until(lambda: _empty(spool))
    await desk.admission.close()
    await spool.close()
    await redis.aclose()
    await connection.close()


async def _prepared(desk: Desk) -> bool:
    try:
        await desk.admission.prepare([ACME])
    except CallEnded:
        return False
    return True


async def _empty(spool: Spool) -> bool:
    return spool.waiting == 0


async def test_records_left_by_a_worker_that_died_reach_the_store_when_another_prepares(
    connection: StoreConnection, redis: Client, tmp_path: Path
) -> None:
    dead = Spool(tmp_path, worker="dead")
    await dead.put(("XADD", STREAM, "*", "k", "admit", "r", b'{"id":"a"}'))
    await dead.close()
    spool = Spool(tmp_path, worker="w")
    admission = Admission(connection, spool)
    await admission.prepare([ACME])
    await admission.close()
    assert await redis.xlen(STREAM) == 1
    assert not spool.inherited()
    await spool.close()


async def test_a_store_that_refuses_our_function_is_a_store_that_is_down(desk: Desk, redis: Client) -> None:
    await redis.set(keys.bucket(ACME, "cap", limit="cap", by="subject=s"), "no sorted set")
    with pytest.raises(CallEnded) as caught:
        await desk.take(cap(1), now_ms=NOW)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE


async def test_a_store_that_comes_back_empty_is_told_again_which_streams_there_are(
    own_redis: Store, tmp_path: Path
) -> None:
    connection = await opened(own_redis.url, timeout_ms=PATIENT_MS)
    spool = Spool(tmp_path / "spool", worker="w")
    admission = Admission(connection, spool)
    await admission.prepare((ACME,))
    async with await connected(own_redis.url) as redis:
        await redis.flushall()
        await redis.client_kill_filter(_type="normal", skipme=True)

        async def told() -> bool:
            return set(await redis.smembers(keys.STREAMS)) == {STREAM.encode(), OUTCOMES.encode(), NOBODYS.encode()}

        await until(told)
    await admission.close()
    await spool.close()
    await connection.close()
