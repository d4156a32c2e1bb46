"""Fixtures of tests of pages: one browser a process, one loop for all that talks to it."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from gateway.redis_clients import Client, connected
from tests.console.desk import Desk, desk
from tests.console.gallery import gallery_running
from tests.console.stage import Stage, staged
from tests.console.visiting import Visitor, launched, visitor
from tests.console.workplace import Workplace, working
from tests.e2e.insiders import Inside, inside
from tests.fakes.upstream import FakeUpstream
from tests.stores import Store

HERE = Path(__file__).parent
Visit = Callable[..., Awaitable[Visitor]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all tests of pages run in the loop of the browser, which ends before what it looks at does.

    Otherwise a page that is still open asks a control plane that stops.
    """
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.fixturenames.sort(key=lambda name: name == "visit")  # set up last, it ends first


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A browser for the whole process."""
    async with async_playwright() as playwright:
        browser = await launched(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def gallery() -> AsyncIterator[str]:
    """Where pages are that need no store, and one with everything that pages are made of; somebody is logged in."""
    async with gallery_running() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    """Opens browsers for people, see `visitor`; in the end nothing may have gone wrong on any page."""
    async with contextlib.AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def opened(url: str, **wanted: object) -> Visitor:
            made = await visitor(browser, url, shots=request.config.getoption("--shots"), **wanted)  # type: ignore[arg-type]
            stack.push_async_callback(made.context.close)
            visitors.append(made)
            return made

        yield opened
        assert [wrong for each in visitors for wrong in each.wrong] == []


@pytest_asyncio.fixture(loop_scope="session")
async def work(redis_process: Store, tmp_path: Path) -> AsyncIterator[Workplace]:
    """A gateway at work, and a control plane whose pages steer it."""
    async with working(redis_process.url, tmp_path) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def theatre(
    redis_process: Store, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Workplace, FakeUpstream]]:
    """A workplace of all stories of a module, one after the other; everybody of the cast has an account."""
    async with staged(redis_process.url, tmp_path_factory.mktemp("stories")) as opened:
        yield opened


@pytest.fixture
def stage(theatre: tuple[Workplace, FakeUpstream], visit: Visit) -> Stage:
    """The workplace of stories, for one of them."""
    return Stage(*theatre, visit)


@pytest_asyncio.fixture(loop_scope="session")
async def redis(redis_process: Store) -> AsyncIterator[Client]:
    """A client of an empty database."""
    async with await connected(redis_process.url) as client:
        await client.flushall()
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def house(redis: Client, redis_process: Store) -> AsyncIterator[Inside]:
    """A real control plane, with accounts; no audit service answers, and no policy is active."""
    async with inside(redis, redis_process.url) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def guarded_gallery(house: Inside) -> AsyncIterator[str]:
    """The gallery for whoever has logged in on the control plane, to which its cookies go too."""
    async with gallery_running(house.access) as url:
        yield url


# Not for longer than this module: its audit service would take the decisions of other modules' tests off the store.
@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def office(redis_process: Store) -> AsyncIterator[Desk]:
    """A console over the calls of some hours."""
    with tempfile.TemporaryDirectory(prefix="console-", ignore_cleanup_errors=True) as home:
        async with await connected(redis_process.url) as redis:
            await redis.flushall()
            async with desk(redis, redis_process.url, Path(home)) as office:
                yield office
