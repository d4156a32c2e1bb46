"""Sessions: how they begin, and everything that ends them."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.redis_clients import connected
from services.control.access.accounts import Account
from services.control.access.administration import Edited
from services.control.access.rights import Role
from services.control.access.sessions import IDLE_MS, LONGEST_MS, MOST, ROTATED_MS, TOUCH_MS, Sessions, holds
from tests.services.control.access.conftest import House
from tests.stores import Store

pytestmark = pytest.mark.every_store
NOW = 1_790_000_000_000
ADA = Account(name="ada", created_ms=1)


async def test_a_session_ends_when_nobody_uses_it(house: House) -> None:
    cookie, _ = await house.access.sessions.begin(ADA, browser="", now_ms=NOW)
    assert await house.access.sessions.find(cookie, now_ms=NOW + IDLE_MS - 1) is not None
    assert await house.access.sessions.find(cookie, now_ms=NOW + IDLE_MS) is None


async def test_a_session_ends_after_twelve_hours_however_much_it_is_used(house: House) -> None:
    sessions = house.access.sessions
    cookie, session = await sessions.begin(ADA, browser="", now_ms=NOW)
    for at in range(NOW, NOW + LONGEST_MS, IDLE_MS - 1):
        found = await sessions.find(cookie, now_ms=at)
        assert found is not None
        await sessions.touch(found, now_ms=at)
    assert await sessions.find(cookie, now_ms=NOW + LONGEST_MS) is None
    assert session.ends_ms == NOW + IDLE_MS


async def test_a_cookie_that_nobody_was_given_finds_nothing(house: House) -> None:
    _, session = await house.access.sessions.begin(ADA, browser="", now_ms=NOW)
    for cookie in ("", session.id, session.digest, "x" * 4000, "é"):
        assert await house.access.sessions.find(cookie, now_ms=NOW) is None


async def test_an_ended_session_does_not_come_back_by_being_used(house: House) -> None:
    sessions = house.access.sessions
    cookie, session = await sessions.begin(ADA, browser="", now_ms=NOW)
    await sessions.end("ada", only=session.id)
    await sessions.touch(session, now_ms=NOW + TOUCH_MS)
    await sessions.confirm(session, b"", now_ms=NOW)
    assert await sessions.rotate(session, ADA, now_ms=NOW) is None
    assert await sessions.find(cookie, now_ms=NOW) is None


async def test_one_sees_ones_own_sessions_and_ends_one_all_or_all_others(house: House) -> None:
    sessions = house.access.sessions
    begun = [await sessions.begin(ADA, browser=f"browser {n}", now_ms=NOW + n) for n in range(4)]
    bob, _ = await sessions.begin(Account(name="bob", created_ms=1), browser="", now_ms=NOW)
    assert [each.body.browser for each in await sessions.of(ADA, now_ms=NOW + 5)] == [
        f"browser {n}" for n in (3, 2, 1, 0)
    ]
    assert await sessions.end("ada", only=begun[0][1].id) == 1
    assert await sessions.end("ada", only=begun[0][1].id) == 0
    assert await sessions.end("ada", but=begun[1][1].id) == 2
    assert [each.id for each in await sessions.of(ADA, now_ms=NOW + 5)] == [begun[1][1].id]
    assert await sessions.end("ada") == 1
    assert await sessions.find(bob, now_ms=NOW) is not None


async def test_a_further_session_ends_the_oldest(house: House) -> None:
    sessions = house.access.sessions
    cookies = [(await sessions.begin(ADA, browser="", now_ms=NOW + n))[0] for n in range(MOST + 3)]
    found = [await sessions.find(cookie, now_ms=NOW + 100) for cookie in cookies]
    assert [each is not None for each in found] == [False] * 3 + [True] * MOST


async def test_other_rights_bring_another_cookie_and_the_old_one_goes(house: House) -> None:
    sessions, now = house.access.sessions, house.clock.now_ms
    begun = await house.somebody("ada")
    account = await house.access.administration.edit("ada", Edited(grants={"*": (Role.SRE,)}))
    assert holds(begun.session, account)
    rotated = await asyncio.gather(*(sessions.rotate(begun.session, account, now_ms=now) for _ in range(10)))
    fresh = [each for each in rotated if each is not None]
    assert len(fresh) == 1
    cookie, session = fresh[0]
    assert session.csrf == begun.session.csrf
    assert await sessions.find(cookie, now_ms=now) is not None
    assert await sessions.find(begun.cookie, now_ms=now + ROTATED_MS - 1) is not None
    assert await sessions.find(begun.cookie, now_ms=now + ROTATED_MS) is None
    assert [each.id for each in await sessions.of(account, now_ms=now)] == [session.id]


async def test_a_session_that_ends_under_its_new_cookie_has_ended_under_the_old_one(house: House) -> None:
    sessions, now = house.access.sessions, house.clock.now_ms
    begun = await house.somebody("ada")
    rotated = await sessions.rotate(begun.session, begun.account, now_ms=now)
    assert rotated is not None
    assert await sessions.find(begun.cookie, now_ms=now) is not None
    await sessions.end("ada", only=rotated[1].id)
    assert await sessions.find(begun.cookie, now_ms=now) is None


async def test_what_was_confirmed_under_a_cookie_goes_with_it(house: House) -> None:
    sessions, now = house.access.sessions, house.clock.now_ms
    begun = await house.somebody("ada")
    confirmed = await sessions.confirm(begun.session, b"sealed", now_ms=now)
    rotated = await sessions.rotate(confirmed, begun.account, now_ms=now)
    assert rotated is not None
    for cookie in (begun.cookie, rotated[0]):
        found = await sessions.find(cookie, now_ms=now)
        assert found is not None
        assert not found.is_confirmed(now_ms=now)


@settings(max_examples=25)
@given(steps=st.lists(st.integers(min_value=0, max_value=2 * IDLE_MS), max_size=40))
async def test_a_session_lives_exactly_as_long_as_it_is_used(redis_process: Store, steps: list[int]) -> None:
    async with await connected(redis_process.url) as redis:
        sessions = Sessions(redis)
        cookie, _ = await sessions.begin(ADA, browser="", now_ms=NOW)
        now, seen, alive = NOW, NOW, True
        for step in steps:
            now += step
            alive = now < min(seen + IDLE_MS, NOW + LONGEST_MS)
            found = await sessions.find(cookie, now_ms=now)
            assert (found is not None) == alive
            if found is None:
                break
            await sessions.touch(found, now_ms=now)
            seen = now if now - seen >= TOUCH_MS else seen
        await sessions.end("ada")
