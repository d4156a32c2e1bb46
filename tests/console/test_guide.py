"""The guide leads an officer from nothing to the first governed call, in a real browser."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.empty_pb2 import Empty

from gateway.redis_clients import Client
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.test_now import Company
from tests.console.visiting import Visitor
from tests.e2e.insiders import GOOD, inside
from tests.e2e.world import World, auditing, told
from tests.fakes.upstream import fake_upstream
from tests.stores import Store

LIST = "/pilote.crm.v1.ContactService/ListContacts"


@pytest_asyncio.fixture(loop_scope="session")
async def nothing(redis: Client, redis_process: Store, tmp_path: Path) -> AsyncIterator[Company]:
    """A gateway, an audit service and a control plane, and no policy."""
    async with contextlib.AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(fake_upstream())
        world = World(redis, redis_process.url, tmp_path, stack)
        await world.gateway()
        auditor = await stack.enter_async_context(auditing(redis_process.url, tmp_path / "audit"))
        house = await stack.enter_async_context(inside(redis, redis_process.url, audit=auditor.address))
        yield Company(house, world, upstream)


async def confirmed(visitor: Visitor) -> None:
    """Retype the password in the dialog that opens."""
    dialog = visitor.page.locator("dialog#confirm")
    await dialog.locator("input[type=password]").fill(GOOD)
    await dialog.locator("button.main").click()


@pytest.mark.parametrize("look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "phone-french"])
async def test_an_officer_is_led_from_nothing_to_the_first_governed_call(
    visit: Visit, nothing: Company, look: dict[str, Any]
) -> None:
    visitor = await nothing.visitor(visit, **look)
    visitor.expected = {403, 422}  # until it is confirmed, and one address that is none
    page = await visitor.go("/guide")
    here = page.locator(".guide-steps [aria-current=step]")
    assert await here.get_by_text("A second person").or_(here.get_by_text("Une deuxième personne")).is_visible()
    assert await visitor.axe() == []
    bob = await nothing.house.somebody("bob", Role.OFFICER)

    await page.locator("#address").wait_for()  # by itself
    assert await visitor.axe() == []
    await page.locator("#tenant").fill("acme")
    await page.locator("#address").fill("nowhere")
    await page.locator("main form button.main").click()
    await confirmed(visitor)
    await page.locator("#address-error").wait_for()
    assert await visitor.axe() == []
    await page.locator("#address").fill(nothing.upstream.address)
    await page.locator("main form button.main").click()
    key = await page.locator("#agent-key").inner_text()
    await page.get_by_text("bob.").wait_for()
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0

    assert (await bob.confirm()).ok
    approved = await bob.ask("POST", "/v1/proposals/1:approve", {"comment": "a beginning"})
    assert approved.ok, approved.text
    await page.locator("#guide-grpcurl").wait_for()
    assert await page.locator("#agent-key").inner_text() == key  # still there
    assert await visitor.axe() == []

    await nothing.world.wait_for(1)
    channel = nothing.world.channel()
    call: Any = channel.unary_unary(LIST, request_serializer=Empty.SerializeToString)
    answer = await told(call(Empty(), metadata=(("x-api-key", key),)))
    assert answer.reason == ""
    done = page.get_by_role("heading", name="The first call is governed")
    await done.or_(page.get_by_role("heading", name="Le premier appel est gouverné")).wait_for()
    assert await page.locator("#guide-current li").filter(has_text="allow-reads").count() > 0
    assert await visitor.axe() == []


async def test_who_may_not_write_policies_is_not_led_there(visit: Visit, nothing: Company) -> None:
    browser = await nothing.house.somebody("mo", Role.MODERATOR)
    visitor = await visit(nothing.house.url)
    await visitor.continues(browser.session)
    page = await visitor.go("/guide")
    await page.get_by_text("You may not add people").wait_for()
    assert await page.get_by_role("navigation").get_by_role("link", name="Guide").count() == 0
    visitor.expected = {403}
    refused = await browser.ask("POST", "/guide/policy", {"tenant": "acme"})
    assert refused.status_code == 403
