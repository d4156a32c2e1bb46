"""One look a second for all who look, none while nobody does, and nobody is kept from stopping."""

import asyncio
import datetime as dt
import gc
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gateway.core.errors import Reason
from services.control.live.following import Event, Following
from services.control.live.now import Now
from services.control.live.scope import Scope
from services.control.undone import Undone

ALL, ACME = Scope(None), Scope(("acme",))


class Counting:
    """Knows how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def now(self, scope: Scope) -> Now:
        await self.open.wait()
        self.asked += 1
        return Now(time=dt.datetime.fromtimestamp(self.asked, dt.UTC), tenants=scope.tenants)

    async def close(self) -> None:
        """Nothing is to be given up."""


class Bursts(Counting):
    """Sees three times at once, and then nothing for a while."""

    async def now(self, scope: Scope) -> Now:
        for _ in range(0 if self.asked % 3 else 20):
            await asyncio.sleep(0)
        return await super().now(scope)


class Rendering:
    """Knows how often it rendered."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, now: Now) -> tuple[Event, ...]:
        self.made += 1
        return (Event(data=str(int(now.time.timestamp()))),)


async def read(events: AsyncGenerator[Event, None], count: int) -> list[Any]:
    """The data of the next so many events, or the comment of one that has none."""
    found = [await anext(events) for _ in range(count)]
    return [event.comment if event.data is None else int(event.data) for event in found]


async def test_all_who_look_at_the_same_tenants_share_each_look_and_what_is_made_of_it() -> None:
    counting, rendering = Counting(), Rendering()
    following = Following(counting, every_seconds=0.01)
    streams = [await following.follow(ALL, rendering, alike="json") for _ in range(50)]
    found = await asyncio.gather(*(read(stream, 3) for stream in streams))

    assert following.watched == 1
    assert all(each == sorted(set(each)) for each in found)
    assert rendering.made <= counting.asked
    assert counting.asked < 50
    for stream in streams:
        await stream.aclose()


async def test_nobody_is_told_the_same_twice_where_the_next_look_is_there_before_the_last_one_is_read() -> None:
    following = Following(Bursts(), every_seconds=0.0)
    stream = await following.follow(ALL, Rendering(), alike="json")
    found = await read(stream, 50)
    assert found == sorted(set(found))
    await stream.aclose()


async def test_who_looks_at_other_tenants_has_looks_of_their_own() -> None:
    following = Following(Counting(), every_seconds=0.01)
    streams = [await following.follow(scope, Rendering(), alike="json") for scope in (ALL, ACME, ALL)]
    assert (following.running, following.watched) == (3, 2)
    for stream in streams:
        await stream.aclose()
    assert (following.running, following.watched) == (0, 0)


async def test_nobody_looks_once_nobody_follows() -> None:
    counting = Counting()
    following = Following(counting, every_seconds=0.001)
    stream = await following.follow(ALL, Rendering(), alike="json")
    await read(stream, 2)
    await stream.aclose()
    before = counting.asked
    for _ in range(50):
        await asyncio.sleep(0)
    assert counting.asked == before


async def test_a_slow_reader_goes_on_with_the_newest() -> None:
    counting = Counting()
    following = Following(counting, every_seconds=0.001)
    slow, quick = [await following.follow(ALL, Rendering(), alike="json") for _ in range(2)]
    (first,) = await read(slow, 1)
    await read(quick, 20)
    (next_,) = await read(slow, 1)
    assert next_ - first > 10
    await slow.aclose()
    await quick.aclose()


async def test_a_stream_without_news_says_that_it_lives() -> None:
    counting = Counting()
    counting.open.clear()
    following = Following(counting, quiet_seconds=0.01)
    stream = await following.follow(ALL, Rendering(), alike="json")
    assert await read(stream, 2) == ["nothing new", "nothing new"]
    counting.open.set()
    assert await read(stream, 1) == [1]
    await stream.aclose()


async def test_one_too_many_is_refused_and_let_in_once_another_has_gone() -> None:
    following = Following(Counting(), most=2)
    streams = [await following.follow(ALL, Rendering(), alike="json") for _ in range(2)]
    with pytest.raises(Undone) as refused:
        await following.follow(ALL, Rendering(), alike="json")
    assert (refused.value.reason, refused.value.wait_s) == (Reason.LIMIT_EXCEEDED, 10)
    assert "2" in refused.value.said("fr")
    await streams.pop().aclose()
    streams.append(await following.follow(ALL, Rendering(), alike="json"))
    for stream in streams:
        await stream.aclose()


async def test_a_drain_ends_every_stream_and_lets_nobody_in() -> None:
    counting = Counting()
    counting.open.clear()
    following = Following(counting)
    stream = await following.follow(ALL, Rendering(), alike="json")
    reading = asyncio.create_task(read(stream, 1))
    await asyncio.sleep(0)
    following.drain()
    with pytest.raises(StopAsyncIteration):
        await reading
    with pytest.raises(Undone) as refused:
        await following.follow(ALL, Rendering(), alike="json")
    assert refused.value.reason is Reason.DRAINING
    assert (following.running, following.watched) == (0, 0)


async def test_a_stream_ends_after_a_while_so_that_rights_are_looked_at_anew() -> None:
    following = Following(Counting(), every_seconds=0.001, longest_seconds=0.05)
    stream = await following.follow(ALL, Rendering(), alike="json")
    found = [event async for event in stream]
    assert found
    assert following.running == 0


async def test_a_stream_that_nobody_reads_is_given_back() -> None:
    following = Following(Counting())
    await following.follow(ALL, Rendering(), alike="json")
    gc.collect()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (following.running, following.watched) == (0, 0)
