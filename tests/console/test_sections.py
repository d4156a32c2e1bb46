"""Every page of the navigation, in every look: as somebody meets it who has just installed Pilote."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.redis_clients import connected
from services.control.access.rights import RIGHTS, Role
from services.control.console.console import PAGES
from tests.console.conftest import Visit
from tests.e2e.insiders import Browser, Inside, inside
from tests.stores import Store

SECTIONS = [page.name for page in PAGES if page.icon]
LOOKS = {
    "desk": {},
    "dark-french": {"dark": True, "locale": "fr-FR"},
    "phone": {"phone": True},
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def house(redis_process: Store) -> AsyncIterator[Inside]:
    """A control plane that all of them look at: looking changes nothing."""
    async with await connected(redis_process.url) as redis:
        await redis.flushall()
        async with inside(redis, redis_process.url) as house:
            yield house


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ada(house: Inside) -> Browser:
    """Somebody who may do everything, logged in."""
    return await house.somebody("ada", *Role)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("name", SECTIONS)
async def test_a_section_shows_itself_where_there_is_nothing_yet(
    visit: Visit, house: Inside, ada: Browser, name: str, look: dict[str, object]
) -> None:
    visitor = await visit(house.url, **look)
    await visitor.continues(ada.session)
    visitor.expected = {503}  # no audit service answers here
    page = await visitor.go(f"/{name}")
    assert page.url == f"{house.url}/{name}"
    assert await page.get_by_role("heading", level=1).count() == 1
    assert await page.locator(".sections [aria-current=page]").get_attribute("href") == f"/{name}"
    language = "fr" if look.get("locale") else "en"
    assert await page.locator("html").get_attribute("lang") == language
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0


async def test_people_see_the_sections_that_they_may_use(visit: Visit, house: Inside) -> None:
    visitor = await visit(house.url)
    await visitor.continues((await house.somebody("zoe", Role.MODERATOR)).session)
    visitor.expected = {503}
    page = await visitor.go("/")
    shown = await page.locator(".sections a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert shown == [f"/{page.name}" for page in PAGES if page.icon and page.right in RIGHTS[Role.MODERATOR]]
