"""Clocks are compared as far as the way between them allows, and no further."""

import asyncio
from collections.abc import Iterator

import hypothesis.strategies as st
from hypothesis import given

from services.doctor.clocks import judged, look_at_clocks, offset_ms
from services.doctor.observing import Grade

DELAYS = st.lists(st.tuples(st.floats(0, 400), st.floats(0, 400)), min_size=5, max_size=5)


@given(true_ms=st.floats(-10_000, 10_000), delays=DELAYS)
def test_the_true_offset_is_always_within_what_is_said(true_ms: float, delays: list[tuple[float, float]]) -> None:
    now = [1_000_000.0]
    ways: Iterator[tuple[float, float]] = iter(delays)

    async def ask() -> float:
        there, back = next(ways)
        now[0] += there
        theirs = now[0] + true_ms
        now[0] += back
        return theirs

    offset, error = asyncio.run(offset_ms(ask, clock=lambda: now[0] / 1_000))
    assert abs(offset - true_ms) <= error + 1e-3
    assert error <= min(there + back for there, back in delays) / 2 + 1e-3


@given(offset=st.floats(-5_000, 5_000), error=st.floats(0, 5_000))
def test_what_may_be_the_way_alone_is_no_fault_of_the_clock(offset: float, error: float) -> None:
    grade = judged("store", offset, error).grade
    certain = abs(offset) - error
    assert (grade is Grade.BAD) == (certain >= 1_000)
    assert (grade is Grade.GOOD) == (certain < 100)


async def test_a_store_on_this_machine_has_our_clock(redis_url: str) -> None:
    from services.doctor.stores import look_at_store

    addresses, _ = await look_at_store(redis_url, store_timeout_ms=10_000)
    found = await look_at_clocks(redis_url, addresses)
    assert [each.what for each in found] == ["clock-store"] * len(addresses)


async def test_the_clock_of_a_store_that_is_away_is_unknown() -> None:
    (found,) = await look_at_clocks("redis://127.0.0.1:1", ("",))
    assert found.grade is Grade.UNKNOWN
