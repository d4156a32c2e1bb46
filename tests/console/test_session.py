"""A page says that its session is about to end, and once it has, leads to logging in and back to where one was."""

from typing import Any

import pytest

from gateway.clock import clock_ms
from services.control.access.rights import Role
from services.control.access.sessions import IDLE_MS
from services.control.access.stored import session
from tests.console.conftest import Visit
from tests.console.visiting import Visitor
from tests.e2e.insiders import GOOD, Inside

ALMOST_MS = IDLE_MS - 60_000


async def _used(house: Inside, redis: Any, *, before_ms: int) -> None:
    """Ada's session was used last so long ago."""
    account = await house.access.accounts.read("ada")
    assert account is not None
    for each in await house.access.sessions.of(account, now_ms=clock_ms()):
        await redis.hset(session(each.digest), "seen", clock_ms() - before_ms)


async def _page(visit: Visit, house: Inside, **look: object) -> Visitor:
    """Ada looks at her account; the clock of her browser is ours."""
    visitor = await visit(house.url, **look)
    await visitor.continues((await house.somebody("ada", Role.OFFICER)).session)
    await visitor.page.clock.install()
    await visitor.go("/account?x=1")
    return visitor


@pytest.mark.parametrize(
    ("look", "names"),
    [({}, ("Your session", "Log in")), ({"locale": "fr-FR", "phone": True}, ("Votre session", "Se connecter"))],
    ids=["desk", "phone-french"],
)
async def test_a_page_whose_session_has_ended_leads_to_logging_in_and_back(
    visit: Visit, house: Inside, redis: Any, look: dict[str, object], names: tuple[str, str]
) -> None:
    visitor = await _page(visit, house, **look)
    page = visitor.page
    await _used(house, redis, before_ms=IDLE_MS)
    await page.clock.fast_forward(IDLE_MS)
    dialog = page.get_by_role("dialog", name=names[0])
    await dialog.wait_for()
    assert await visitor.axe() == []
    await dialog.get_by_role("link", name=names[1]).click()
    await page.wait_for_url("**/login?next=**")
    await visitor.log_in("ada", GOOD)
    await page.wait_for_url("**/account?x=1")


async def test_somebody_who_is_still_there_goes_on(visit: Visit, house: Inside, redis: Any) -> None:
    visitor = await _page(visit, house)
    page = visitor.page
    await _used(house, redis, before_ms=ALMOST_MS)
    await page.clock.fast_forward(ALMOST_MS)
    dialog = page.get_by_role("dialog", name="Your session")
    await dialog.get_by_text("The session ends at").wait_for()
    assert await visitor.axe() == []
    await dialog.get_by_role("button", name="Go on").press("Enter")
    await dialog.wait_for(state="hidden")
    account = await house.access.accounts.read("ada")
    assert account is not None
    (found,) = await house.access.sessions.of(account, now_ms=clock_ms())
    assert found.ends_ms > clock_ms() + ALMOST_MS


async def test_another_page_of_the_same_browser_keeps_the_session(visit: Visit, house: Inside) -> None:
    page = (await _page(visit, house)).page
    async with page.expect_response("**/session/left"):
        await page.clock.fast_forward(IDLE_MS)
    assert await page.get_by_role("dialog").count() == 0
