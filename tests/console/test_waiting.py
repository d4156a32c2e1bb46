"""What waits for somebody stands beside the navigation on every page, and follows what happens."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.core.errors import Reason
from services.control.access.rights import Role
from services.control.console.pages.waiting import changes
from services.control.live.following import QUIET_SECONDS, Event
from services.control.undone import Undone
from tests.console.conftest import Visit
from tests.console.test_holds import desk_of
from tests.console.workplace import Workplace


async def test_holds_that_wait_are_counted_beside_their_page_wherever_one_is(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    eve = await work.enter(await visit(work.url, locale="fr-FR"), "eve", Role.AUDITOR)
    page, other = await zoe.go("/account"), await eve.go("/account")
    badge = page.locator("#waits-holds")
    await expect(badge).to_be_hidden()
    held = await desk.held()
    await expect(badge).to_have_text("11 waits for you")  # "1" for those who see, the words for those who hear
    await expect(page.get_by_role("link", name="Holds")).to_have_accessible_description("1 waits for you")
    assert await zoe.axe() == []
    await zoe.go("/stops")
    await expect(badge).to_be_visible()
    await desk.decide(held)
    await expect(badge).to_be_hidden()
    await expect(other.locator("#waits-holds")).to_be_hidden()  # she may not decide


async def _ticks(count: int) -> AsyncGenerator[Event, None]:
    for _ in range(count):
        yield Event(data="")


async def _told(counts: list[Any], clock: Iterator[float]) -> list[str]:
    left = iter(counts)

    async def count() -> dict[str, int]:
        found = next(left)
        if found is None:
            raise Undone(Reason.STORE_UNAVAILABLE, "now-store")
        return dict(found)

    events = changes(_ticks(len(counts)), count, clock=lambda: next(clock))
    return [str(event.data) async for event in events]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([{"holds": 1}, {"holds": 1}, {"holds": 2}], ['{"holds":1}', '{"holds":2}']),
        ([{}, {}], ["{}"]),
        ([{"holds": 1}, None, {"holds": 1}], ['{"holds":1}']),
    ],
)
async def test_only_what_changes_is_told(counts: list[Any], told: list[str]) -> None:
    assert await _told(counts, iter([0.0] * 20)) == told


async def test_after_a_long_silence_the_same_is_told_again() -> None:
    clock = iter([0.0, 0.0, QUIET_SECONDS, QUIET_SECONDS])
    assert await _told([{}, {}], clock) == ["{}", "{}"]
