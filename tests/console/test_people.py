"""People and their accounts: an administrator lets somebody in, who then makes a token; the log says who did what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import requests

from gateway.redis_clients import Client
from pilote.audit.v1 import personal_pb2
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.visiting import Visitor
from tests.e2e.insiders import GOOD, Inside, inside
from tests.e2e.world import Auditor, auditing
from tests.stores import Store


@pytest_asyncio.fixture(loop_scope="session")
async def auditor(redis: Client, redis_process: Store, tmp_path: Path) -> AsyncIterator[Auditor]:
    async with auditing(redis_process.url, tmp_path / "audit") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def home(redis: Client, redis_process: Store, auditor: Auditor) -> AsyncIterator[Inside]:
    async with inside(redis, redis_process.url, audit=auditor.address) as house:
        yield house


async def entered(visit: Visit, home: Inside, name: str, *roles: Role, **look: object) -> Visitor:
    """Somebody with these roles, who has logged in."""
    browser = await home.somebody(name, *roles)
    visitor = await visit(home.url, **look)
    await visitor.continues(browser.session)
    return visitor


async def confirmed(visitor: Visitor) -> None:
    """Retype the password in the dialog that opens."""
    dialog = visitor.page.locator("dialog#confirm")
    await dialog.locator("input[type=password]").fill(GOOD)
    await dialog.locator("button.main").click()


async def noted(auditor: Auditor, resource: str) -> list[tuple[str, str]]:
    """Who did what about it, as the log says."""
    answer = await auditor.stub.ListNotes(personal_pb2.ListNotesRequest(kind="change", resource=resource))
    return [(note.person, note.change.operation) for note in answer.notes]


async def test_an_administrator_lets_somebody_in_and_says_what_they_may(
    visit: Visit, home: Inside, auditor: Auditor
) -> None:
    visitor = await entered(visit, home, "root", Role.ADMIN)
    visitor.expected = {403}  # until it is confirmed
    page = await visitor.go("/people")
    assert await visitor.axe() == []
    await page.get_by_role("button", name="Add somebody").first.click()
    dialog = page.locator("dialog#add")
    await dialog.get_by_label("Name", exact=True).fill("carla")
    await dialog.get_by_label("Copilot").check()
    await dialog.get_by_role("button", name="Add somebody").click()
    await confirmed(visitor)
    once = await page.locator("#one-time").inner_text()
    assert await visitor.axe() == []

    browser = home.browser()
    assert (await browser.log_in("carla", once)).ok
    assert (await browser.change_password(once)).ok
    assert (await browser.ask("GET", "/v1/stops")).status_code == 200
    assert (await browser.ask("GET", "/v1/accounts")).status_code == 403

    page = await visitor.go("/people/carla")
    await page.get_by_label("Moderator").first.check()
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/people")
    assert (await home.access.accounts.known("carla")).grants == {"*": (Role.COPILOT, Role.MODERATOR)}
    assert ("root", "create") in await noted(auditor, "accounts/carla")
    assert ("root", "update") in await noted(auditor, "accounts/carla")


async def test_nobody_changes_their_own_roles_nor_takes_the_last_administrator_away(visit: Visit, home: Inside) -> None:
    visitor = await entered(visit, home, "root", Role.ADMIN)
    page = await visitor.go("/people/root")
    await page.get_by_text("This is your own account").wait_for()
    assert await page.get_by_label("Moderator").count() == 0
    assert await page.get_by_role("button", name="Disable the account").count() == 0


async def test_who_is_no_administrator_does_not_see_accounts(visit: Visit, home: Inside) -> None:
    visitor = await entered(visit, home, "ada", Role.OFFICER)
    visitor.expected = {403}
    page = await visitor.go("/people")
    assert await page.get_by_role("link", name="People").count() == 0
    assert "people.manage" in await page.locator("main").inner_text()


LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


@LOOKS
async def test_a_token_is_shown_once_and_asks_in_its_owners_name_until_it_is_revoked(
    visit: Visit, home: Inside, auditor: Auditor, look: dict[str, object]
) -> None:
    visitor = await entered(visit, home, "ada", Role.OFFICER, **look)
    visitor.expected = {403}
    page = await visitor.go("/account")
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    await page.locator("details summary").click()
    await page.locator("#name").fill("nightly report")
    await page.locator("input[name=scope][value=see]").check()
    await page.locator("main details form button.main").click()
    await confirmed(visitor)
    token = await page.locator("#token").inner_text()
    assert await visitor.axe() == []
    assert await _asked(home, token) == 200

    page = await visitor.go("/account")
    await page.locator("form[action$=revoke] button").click()
    await page.get_by_role("status").first.wait_for()
    assert await _asked(home, token) == 401
    operations = [operation for _, operation in await noted(auditor, "accounts/ada/tokens")]
    assert {"create", "delete"} <= set(operations)


async def test_other_sessions_can_be_ended(visit: Visit, home: Inside) -> None:
    visitor = await entered(visit, home, "ada", Role.OFFICER)
    elsewhere = home.browser()
    assert (await elsewhere.log_in("ada")).ok
    page = await visitor.go("/account")
    await page.get_by_role("button", name="End all others").click()
    await page.get_by_role("status").first.wait_for()
    assert (await elsewhere.ask("GET", "/v1/session")).status_code == 401


async def _asked(home: Inside, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    told = await asyncio.to_thread(requests.get, f"{home.url}/v1/stops", headers=headers, timeout=20)
    return told.status_code
