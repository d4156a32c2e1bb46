"""Kinds of bucket that the models do not cover: gaps, calendars, priorities, deliveries and an upstream's quota."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from gateway.adapters.reservation import reserve
from gateway.core import keys
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook, Outcome, Record, Settlement, Verdict
from gateway.core.spending import Told
from tests.adapters.conftest import ACME, Desk

pytestmark = pytest.mark.every_store

NOW = 1_700_000_000_000
HOUR = 3_600_000
CAP = Bucket("pressure", "cap", "subject=s", 2, HOUR)
GAP = msgspec.structs.replace(CAP, kind="gap", capacity=1, cost=0, period_ms=10_000)
QUOTA = Bucket("sf", "quota", "upstream=crm", 100, HOUR)


async def settled(
    desk: Desk, bucket: Bucket, call: str, *, at: int, told: Told | None = None, back: bool = False
) -> None:
    """Settle a call that took this bucket at `at`."""
    record = Record(id=call, received_ms=at, decided_ms=at, verdict=Verdict.ALLOW, tenant="acme", expires_ms=at + HOUR)
    settlement = Settlement(id=call, settled_ms=at, status="OK", gave_back=back)
    told_of = {} if told is None else {bucket.limit: told}
    desk.admission.settle(reserve(record, [bucket]), settlement, told=told_of)
    await desk.admission.close()


async def take(desk: Desk, *buckets: Bucket, at: int = NOW, call: str = "") -> Outcome:
    return await desk.take(*buckets, now_ms=at, call=call, expires_ms=at + HOUR)


async def test_a_gap_lies_between_any_two_contacts_whatever_the_clock_does(desk: Desk) -> None:
    assert (await take(desk, GAP, CAP)).granted
    refused = await take(desk, GAP, CAP, at=NOW + 4_000)
    assert (refused.refused, refused.looks[0]) == (0, BucketLook(1, 6_000))
    assert not (await take(desk, GAP, CAP, at=NOW - 1_000)).granted
    assert (await take(desk, GAP, CAP, at=NOW + 10_000)).granted


async def test_a_reservation_that_is_still_open_keeps_its_gap(desk: Desk) -> None:
    cap = msgspec.structs.replace(CAP, counts_on="sent", gap_ms=10_000)
    gap = msgspec.structs.replace(GAP, counts_on="sent")
    assert (await take(desk, gap, cap, call="a" * 32)).granted
    assert (await take(desk, gap, cap, at=NOW + 60_000)).looks[0] == BucketLook(1, 10_000)
    await settled(desk, cap, "a" * 32, at=NOW, back=True)
    assert (await take(desk, gap, cap, at=NOW + 60_000)).granted


async def test_a_calendar_cap_opens_with_its_period_and_not_before(desk: Desk) -> None:
    def day(at: int) -> Bucket:
        since = at // HOUR * HOUR
        return msgspec.structs.replace(CAP, since_ms=since, ends_ms=since + HOUR)

    start = NOW // HOUR * HOUR + HOUR
    for at in (start + 1, start + HOUR - 2):
        assert (await take(desk, day(at), at=at)).granted
    refused = await take(desk, day(start + HOUR - 1), at=start + HOUR - 1)
    assert refused.looks[0] == BucketLook(2, 1)
    assert (await take(desk, day(start + HOUR), at=start + HOUR)).granted


async def test_a_delivery_that_nobody_reports_frees_its_slot_in_time(desk: Desk) -> None:
    cap = msgspec.structs.replace(CAP, capacity=1, counts_on="delivered", deliver_ms=5 * HOUR)
    assert (await take(desk, cap, call="a" * 32)).granted
    await settled(desk, cap, "a" * 32, at=NOW)
    refused = await take(desk, cap, at=NOW + HOUR)
    assert refused.looks[0] == BucketLook(1, 4 * HOUR)
    assert (await take(desk, cap, at=NOW + 5 * HOUR)).granted


async def pending(desk: Desk, rank: int, call: str, *, due: int, state: str = "SCHEDULED") -> None:
    """A call that is kept for later, and what has become of it."""
    key = keys.bucket(ACME, "cap", limit=CAP.limit, by=CAP.by) + ":pending"
    await desk.redis.zadd(key, {f"{rank}|{call}": due})
    await cast("Any", desk.redis.hset(keys.hold(ACME, call), "state", state))


async def test_the_last_slot_is_kept_for_a_pending_call_of_higher_rank_and_the_refusal_names_it(desk: Desk) -> None:
    low, high = (msgspec.structs.replace(CAP, rank=rank) for rank in (1, 2))
    await pending(desk, 2, "b" * 32, due=NOW + 60_000)
    assert (await take(desk, low)).granted
    refused = await take(desk, low)
    assert refused.looks[0] == BucketLook(1, 60_000, "b" * 32)
    assert (await take(desk, high)).granted  # of the same rank: first come, first served
    assert (await take(desk, low)).looks[0].other == ""  # now it is simply full


@pytest.mark.parametrize(("state", "granted"), [("APPROVED", False), ("PENDING", False), ("REFUSED", True), ("", True)])
async def test_what_waits_no_longer_stands_in_nobodys_way(desk: Desk, state: str, *, granted: bool) -> None:
    low = msgspec.structs.replace(CAP, capacity=1, rank=1)
    await pending(desk, 2, "b" * 32, due=NOW - 60_001, state=state)
    assert (await take(desk, low)).granted is granted


async def test_forty_of_low_rank_at_once_leave_the_slots_of_those_that_are_pending(desk: Desk) -> None:
    low = msgspec.structs.replace(CAP, capacity=5, rank=0)
    for number in range(3):
        await pending(desk, 1, f"{number:032x}", due=NOW + 60_000)
    outcomes = await asyncio.gather(*(take(desk, low) for _ in range(40)))
    assert sum(outcome.granted for outcome in outcomes) == 2


async def test_what_an_upstream_tells_replaces_what_was_counted(desk: Desk) -> None:
    assert (await take(desk, QUOTA, call="a" * 32)).looks[0].used == 1
    await settled(desk, QUOTA, "a" * 32, at=NOW, told=Told(used=99))
    assert (await take(desk, QUOTA, call="b" * 32)).looks[0].used == 100
    assert not (await take(desk, QUOTA)).granted  # one runs that the upstream may not have counted yet
    await settled(desk, QUOTA, "b" * 32, at=NOW, told=Told(remaining=40, max=100))
    assert (await take(desk, QUOTA)).looks[0].used == 61


async def test_an_answer_to_an_older_call_is_older_news(desk: Desk) -> None:
    for call, at in (("a" * 32, NOW), ("b" * 32, NOW + 10)):
        assert (await take(desk, QUOTA, at=at, call=call)).granted
    await settled(desk, QUOTA, "b" * 32, at=NOW + 10, told=Told(used=50))
    await settled(desk, QUOTA, "a" * 32, at=NOW, told=Told(used=10))
    assert (await take(desk, QUOTA, at=NOW + 20)).looks[0].used == 51


async def test_calls_whose_answers_tell_nothing_are_counted_here(desk: Desk) -> None:
    small = msgspec.structs.replace(QUOTA, capacity=3)
    for number in range(3):
        assert (await take(desk, small, call=f"{number:032x}")).granted
        await settled(desk, small, f"{number:032x}", at=NOW)
    assert not (await take(desk, small)).granted


@pytest.mark.parametrize(("share", "granted"), [(100, 1), (50, 0)])
async def test_after_a_minute_without_news_one_call_of_those_who_may_use_all_of_it_asks(
    desk: Desk, share: int, granted: int
) -> None:
    bucket = msgspec.structs.replace(QUOTA, share=share)
    assert (await take(desk, QUOTA, call="a" * 32)).granted
    await settled(desk, QUOTA, "a" * 32, at=NOW, told=Told(used=100))
    assert not (await take(desk, bucket, at=NOW + 59_999)).granted
    outcomes = await asyncio.gather(*(take(desk, bucket, at=NOW + 60_000) for _ in range(20)))
    assert sum(outcome.granted for outcome in outcomes) == granted
