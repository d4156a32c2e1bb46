"""Attempts to log in: slow for who guesses, and no way to keep somebody else out."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.redis_clients import Client, connected
from services.control.access.throttling import PER_ACCOUNT, PER_NETWORK, Attempt, Pace, Throttle
from tests.stores import Store

pytestmark = pytest.mark.every_store
NOW = 1_790_000_000_000
ADA = Attempt("ada", "192.0.2.7")


async def _taken(throttle: Throttle, attempt: Attempt, *, times: int, now_ms: int = NOW) -> list[int]:
    return [await throttle.take(attempt, now_ms=now_ms) for _ in range(times)]


async def test_after_the_free_attempts_each_one_doubles_the_wait(redis: Client) -> None:
    throttle, now = Throttle(redis), NOW
    assert await _taken(throttle, ADA, times=5) == [0] * 5
    waits = []
    for _ in range(12):
        wait = await throttle.take(ADA, now_ms=now)
        waits.append(wait)
        now += wait
        assert await throttle.take(ADA, now_ms=now) == 0
    assert waits == [min(2_000 * 2**n, 900_000) for n in range(12)]


async def test_one_that_must_wait_counts_for_nothing(redis: Client) -> None:
    throttle = Throttle(redis)
    await _taken(throttle, ADA, times=5)
    assert set(await _taken(throttle, ADA, times=50)) == {2_000}
    assert await throttle.take(ADA, now_ms=NOW + 2_000) == 0


async def test_a_hundred_at_once_are_as_many_guesses_as_are_free(redis: Client) -> None:
    throttle = Throttle(redis)
    waits = await asyncio.gather(*(throttle.take(ADA, now_ms=NOW) for _ in range(100)))
    assert waits.count(0) == PER_ACCOUNT.free


async def test_a_stranger_elsewhere_does_not_keep_the_owner_out(redis: Client) -> None:
    throttle = Throttle(redis)
    for network in range(40):
        await _taken(throttle, Attempt("ada", f"198.51.{network}.9"), times=20)
    assert await throttle.take(ADA, now_ms=NOW) == 0


async def test_a_stranger_behind_the_same_address_does_not_keep_a_known_browser_out(redis: Client) -> None:
    throttle = Throttle(redis)
    for name in ("ada", *(f"guess-{n}" for n in range(60))):
        await _taken(throttle, Attempt(name, ADA.network), times=10)
    assert await throttle.take(ADA, now_ms=NOW) > 0
    assert await throttle.take(Attempt("ada", ADA.network, "known browser"), now_ms=NOW) == 0


async def test_a_stolen_device_cookie_gives_no_more_guesses_than_a_stranger_has(redis: Client) -> None:
    throttle = Throttle(redis)
    attempt = Attempt("ada", ADA.network, "known browser")
    assert (await _taken(throttle, attempt, times=50)).count(0) == PER_ACCOUNT.free


async def test_many_accounts_from_one_network_are_slow_too(redis: Client) -> None:
    throttle = Throttle(redis)
    waits = [await throttle.take(Attempt(f"name-{n}", f"192.0.2.{n % 200}"), now_ms=NOW) for n in range(100)]
    assert waits.count(0) == PER_NETWORK.free


async def test_of_ipv6_a_customers_whole_network_is_one(redis: Client) -> None:
    throttle = Throttle(redis)
    waits = [await throttle.take(Attempt("ada", f"2001:db8:1:2::{n:x}"), now_ms=NOW) for n in range(1, 30)]
    assert waits.count(0) == PER_ACCOUNT.free
    assert await throttle.take(Attempt("ada", "::ffff:192.0.2.7"), now_ms=NOW) == 0


async def test_a_right_password_starts_anew_and_gives_the_network_its_attempt_back(redis: Client) -> None:
    throttle = Throttle(redis)
    for n in range(PER_NETWORK.free * 3):
        attempt = Attempt(f"name-{n % 10}", ADA.network)
        assert await throttle.take(attempt, now_ms=NOW) == 0
        await throttle.succeeded(attempt)


async def test_one_that_nobody_looked_at_is_taken_back(redis: Client) -> None:
    throttle = Throttle(redis)
    for _ in range(PER_NETWORK.free * 3):
        assert await throttle.take(ADA, now_ms=NOW) == 0
        await throttle.take_back(ADA)


async def test_a_long_pause_forgives_all(redis: Client) -> None:
    throttle = Throttle(redis)
    await _taken(throttle, ADA, times=5)
    assert await throttle.take(ADA, now_ms=NOW) > 0
    assert await _taken(throttle, ADA, times=5, now_ms=NOW + PER_ACCOUNT.forgets_ms) == [0] * 5


async def test_a_clock_that_steps_back_waits_no_longer_than_the_longest_wait(redis: Client) -> None:
    throttle = Throttle(redis)
    await _taken(throttle, ADA, times=5)
    wait = await throttle.take(ADA, now_ms=NOW - 30 * 24 * 3_600_000)
    assert 0 < wait <= PER_ACCOUNT.longest_ms


@settings(max_examples=30)
@given(steps=st.lists(st.integers(min_value=-5_000, max_value=40_000), min_size=1, max_size=40))
async def test_never_more_guesses_than_the_waits_allow(redis_process: Store, steps: list[int]) -> None:
    pace = Pace(free=3, first_ms=1_000, longest_ms=8_000, forgets_ms=20_000)
    async with await connected(redis_process.url) as redis:
        await redis.flushall()
        throttle = Throttle(redis, account=pace, network=Pace(free=1_000, first_ms=1, longest_ms=1, forgets_ms=2))
        now, count, allowed, last = NOW, 0, 0, 0
        for step in steps:
            now += step
            if now - last >= pace.forgets_ms:
                count, allowed = 0, 0
            wait = await throttle.take(ADA, now_ms=now)
            assert 0 <= wait <= pace.longest_ms
            allowed = min(allowed, now + pace.longest_ms)
            assert (wait == 0) == (now >= allowed)
            if wait == 0:
                count, last = count + 1, now
                allowed = now + pace.wait_ms(count)
