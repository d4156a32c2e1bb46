"""Lines live as long as a revision names them, and then as long as calls may need them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.adapters.lines import Lines
from gateway.core.policy.upstreams import Upstream
from tests.e2e.waiting import until

SHORT = "20ms"


class Line:
    """A line that knows when it was closed, in seconds of the loop's time."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.closed_s: list[float] = []

    async def close(self) -> None:
        self.closed_s.append(asyncio.get_running_loop().time())


def at(address: str, *, timeout: str = SHORT, name: str = "crm") -> Upstream:
    return Upstream(name=name, address=address, timeout=timeout)


@pytest.fixture
async def lines() -> AsyncIterator[Lines[Line]]:
    made = Lines(place=lambda upstream: upstream.all_addresses, line=Line)
    yield made
    await made.close()


async def test_upstreams_at_one_place_share_a_line(lines: Lines[Line]) -> None:
    lines.use([at("a:1"), at("a:1", name="again"), at("b:1")])
    assert lines.to(at("a:1")) is lines.to(at("a:1", name="again"))
    assert lines.to(at("a:1")) is not lines.to(at("b:1"))


async def test_a_line_that_is_not_named_any_more_is_closed_once_the_longest_call_over_it_must_be_over(
    lines: Lines[Line],
) -> None:
    lines.use([at("a:1"), at("a:1", timeout="50ms", name="longer"), at("b:1")])
    gone, stays = lines.to(at("a:1")), lines.to(at("b:1"))
    begun_s = asyncio.get_running_loop().time()
    lines.use([at("b:1")])
    assert lines.to(at("a:1")) is gone, "a call admitted before may begin only now"
    await until(lambda: bool(gone.closed_s), what="the end of the line")
    assert gone.closed_s[0] - begun_s >= 0.1 - 0.001  # the clock's own grain
    assert lines.to(at("b:1")) is stays
    assert not stays.closed_s


async def test_a_line_that_is_named_again_in_time_stays(lines: Lines[Line]) -> None:
    lines.use([at("a:1", timeout="20ms"), at("b:1", timeout="40ms")])
    kept, gone = lines.to(at("a:1")), lines.to(at("b:1"))
    lines.use([])
    lines.use([at("a:1")])
    await until(lambda: bool(gone.closed_s), what="the end of the other line")
    assert not kept.closed_s
    assert lines.to(at("a:1")) is kept


async def test_at_the_end_all_are_closed_once_those_too_that_were_being_retired(lines: Lines[Line]) -> None:
    lines.use([at("a:1", timeout="10s"), at("b:1")])
    both = [lines.to(at("a:1")), lines.to(at("b:1"))]
    lines.use([at("b:1")])
    await lines.close()
    assert [len(line.closed_s) for line in both] == [1, 1]
