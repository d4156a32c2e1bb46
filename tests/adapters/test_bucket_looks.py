"""What is used of buckets is seen as admission finds it, and looking changes nothing."""

import pytest

from gateway.adapters.bucket_looks import AT_ONCE, BucketLooks, Used
from gateway.core.limits import Bucket
from tests.adapters.conftest import ACME, Desk

pytestmark = pytest.mark.every_store

NOW = 1_700_000_000_000
HOUR = 3_600_000
BUDGET = Bucket("tokens", "budget", "model=chat", 1_000, HOUR, cost=70)
CALLS = Bucket("calls", "window", "upstream=llm", 5, HOUR)
RUNNING = Bucket("running", "concurrency", "upstream=llm", 3, 0)
QUOTA = Bucket("their-own", "quota", "upstream=crm", 100, 24 * HOUR)


async def test_each_kind_is_seen_as_calls_have_left_it(desk: Desk) -> None:
    looks = BucketLooks(desk.redis)
    buckets = (BUDGET, CALLS, RUNNING, QUOTA)
    assert await looks.used(ACME, buckets, now_ms=NOW) == (Used(0),) * 4
    for call in ("1" * 32, "2" * 32):
        assert (await desk.take(*buckets, now_ms=NOW, call=call, expires_ms=NOW + 1_000)).granted
    wanted = (Used(140), Used(2), Used(2), Used(2))
    for _ in range(2):  # looking takes nothing
        assert await looks.used(ACME, buckets, now_ms=NOW + 1) == wanted
    assert (await looks.used(ACME, (BUDGET, CALLS), now_ms=NOW + 2 * HOUR)) == (Used(0), Used(0))


async def test_more_than_go_into_one_round_trip_are_seen_in_their_order(desk: Desk) -> None:
    many = [Bucket("calls", "window", f"model={n}", 5, HOUR) for n in range(AT_ONCE + 2)]
    assert (await desk.take(many[0], many[-1], now_ms=NOW)).granted
    found = await BucketLooks(desk.redis).used(ACME, many, now_ms=NOW)
    assert [place for place, each in enumerate(found) if each.used] == [0, AT_ONCE + 1]
