"""Of two people only one looks at a hold at a time, and nobody for ever."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.redis_clients import Client
from services.control.holds.leases import LEASE_MS, Leases

NOW_MS = 1_790_000_000_000


async def test_of_a_hundred_at_once_one_has_the_lease(redis: Client) -> None:
    leases = Leases(redis)
    found = await asyncio.gather(*(leases.claim("h", by=f"p{each}", now_ms=NOW_MS) for each in range(100)))
    assert len({lease.holder for lease in found}) == 1


async def test_a_lease_is_renewed_by_its_holder_and_taken_over_once_it_is_over(redis: Client) -> None:
    leases = Leases(redis)
    await leases.claim("h", by="ada", now_ms=NOW_MS)
    renewed = await leases.claim("h", by="ada", now_ms=NOW_MS + 200_000)
    assert renewed.until_ms == NOW_MS + 200_000 + LEASE_MS
    assert (await leases.claim("h", by="bob", now_ms=renewed.until_ms - 1)).holder == "ada"
    assert (await leases.claim("h", by="bob", now_ms=renewed.until_ms)).holder == "bob"
    assert (await leases.of(["h"], now_ms=renewed.until_ms))["h"].holder == "bob"
    assert await leases.of(["h", "other"], now_ms=renewed.until_ms + LEASE_MS) == {}


async def test_only_its_holder_gives_a_lease_back(redis: Client) -> None:
    leases = Leases(redis)
    await leases.claim("h", by="ada", now_ms=NOW_MS)
    assert not await leases.release("h", by="bob")
    assert await leases.release("h", by="ada")
    assert not await leases.release("h", by="ada")
    assert (await leases.claim("h", by="bob", now_ms=NOW_MS)).holder == "bob"


async def test_nobody_looks_at_nothing(redis: Client) -> None:
    assert await Leases(redis).of([], now_ms=NOW_MS) == {}


_step = st.tuples(st.sampled_from(["ada", "bob"]), st.integers(-2 * LEASE_MS, 2 * LEASE_MS), st.booleans())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_step, max_size=12))
async def test_whatever_the_clocks_show_there_is_one_holder_who_gives_it_back_or_runs_out(
    redis: Client, steps: list[tuple[str, int, bool]]
) -> None:
    await redis.flushall()
    leases, now, holder, until = Leases(redis), NOW_MS, "", 0
    for who, ahead, gives_back in steps:
        now += ahead
        if gives_back:
            assert await leases.release("h", by=who) == (holder == who)
            holder = "" if holder == who else holder
            continue
        if holder in ("", who) or until <= now:
            holder, until = who, now + LEASE_MS
        lease = await leases.claim("h", by=who, now_ms=now)
        assert (lease.holder, lease.until_ms) == (holder, until)
