"""What keeps a session from ending: what people do, and not what their pages ask for by themselves."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import RequestFactory

from services.control.access.knowing import BY_ITSELF
from services.control.access.sessions import IDLE_MS, LONGEST_MS
from tests.services.control.access.conftest import House

DONE: dict[str, str] = {"accept": "text/html"}
ITSELF = ({BY_ITSELF: "true"}, {"accept": "text/event-stream"})


async def _asked(house: House, cookie: str, headers: dict[str, str]) -> bool:
    """Whether a request with these headers is known."""
    brought = {"cookie": f"{house.access.cookies.session}={cookie}", **headers}
    request: Any = RequestFactory().get("/", headers=brought)
    return await house.access.knowing.by_cookie(request) is not None


@pytest.mark.parametrize("headers", ITSELF, ids=["looks-now-and-then", "follows-a-stream"])
async def test_a_page_that_is_left_open_keeps_no_session_from_ending(house: House, headers: dict[str, str]) -> None:
    somebody, begun_ms = await house.somebody(), house.clock.now_ms
    for minutes in range(5, 30, 5):
        house.clock.now_ms = begun_ms + minutes * 60_000
        assert await _asked(house, somebody.cookie, headers)
    house.clock.now_ms = begun_ms + IDLE_MS
    assert not await _asked(house, somebody.cookie, headers)
    assert not await _asked(house, somebody.cookie, DONE)


async def test_what_somebody_does_keeps_a_session_from_ending(house: House) -> None:
    somebody, begun_ms = await house.somebody(), house.clock.now_ms
    for minutes in range(25, 100, 25):
        house.clock.now_ms = begun_ms + minutes * 60_000
        assert await _asked(house, somebody.cookie, DONE)


_requests = st.lists(st.tuples(st.integers(0, 20), st.sampled_from((DONE, *ITSELF))), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(_requests)
async def test_a_session_lasts_half_an_hour_from_the_last_thing_that_was_done(
    house: House, asked: list[tuple[int, dict[str, str]]]
) -> None:
    begun_ms = house.clock.now_ms = house.clock.now_ms + LONGEST_MS
    cookie, session = await house.access.sessions.begin((await _ada(house)), browser="", now_ms=begun_ms)
    done_ms = begun_ms
    for minutes, headers in asked:
        house.clock.now_ms += minutes * 60_000
        alive = house.clock.now_ms < min(done_ms + IDLE_MS, begun_ms + LONGEST_MS)
        assert await _asked(house, cookie, headers) == alive
        if alive and headers is DONE:
            done_ms = house.clock.now_ms
    assert session.body.began_ms == begun_ms


async def _ada(house: House) -> Any:
    found = await house.access.accounts.read("ada")
    return found or (await house.somebody()).account
