"""Somebody puts the list of decisions in the order that they like, and gives others what they see."""

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, expect

from services.control.decisions.columns import USUAL
from tests.console.conftest import Visit
from tests.console.desk import Desk

_NAMES = "heads => heads.map((head) => head.textContent.trim()).filter((name) => name)"


async def _heads(page: Page) -> list[str]:
    """What the columns are called, in their order, but for that of the ticks."""
    found: list[str] = await page.locator("#list thead th").evaluate_all(_NAMES)
    return [name for name in found if name != "Compare"]


async def _open(page: Page) -> None:
    await page.locator("#columns > summary").press("Enter")
    await page.get_by_role("checkbox", name="Time", exact=True).wait_for()


async def test_columns_are_chosen_and_put_in_order_by_keyboard_and_stay_for_their_owner_alone(
    visit: Visit, office: Desk
) -> None:
    visitor = await visit(office.url)
    await visitor.context.add_cookies([{"name": "who", "value": "ines", "url": office.url}])
    page = await visitor.go("/decisions")
    assert await _heads(page) == ["Time", "Verdict", "Agent", "Method", "Reason", "Rule", "Duration"]
    await _open(page)
    assert await visitor.axe() == []
    await page.get_by_role("checkbox", name="Rule", exact=True).uncheck()
    await page.get_by_role("checkbox", name="Tenant", exact=True).check()
    up = page.get_by_role("button", name="Move Verdict up")
    await up.press("Enter")
    assert await up.evaluate("element => element === document.activeElement")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Show from now on").press("Enter")
    wanted = ["Verdict", "Time", "Agent", "Method", "Reason", "Duration", "Tenant"]
    assert await _heads(page) == wanted
    await visitor.go("/decisions")
    assert await _heads(page) == wanted
    assert await page.locator("#list tbody tr:first-child th a").count() == 1
    other = await (await visit(office.url)).go("/decisions")
    assert (await _heads(other))[0] == "Time"
    await _open(page)
    async with page.expect_navigation():
        await page.get_by_role("button", name="The usual ones").click()
    assert (await _heads(page))[0] == "Time"


async def test_columns_for_once_stand_in_the_address_and_change_nothing_else(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url)).go("/decisions?filter=verdict+%3D+DENY")
    await _open(page)
    await page.get_by_role("checkbox", name="Agent", exact=True).uncheck()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Show only here").click()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {
        "filter": ["verdict = DENY"],
        "columns": [",".join(name for name in USUAL if name != "agent")],
    }
    await page.goto(f"{office.url}/decisions")
    assert "Agent" in await _heads(page)


async def test_a_link_shows_others_the_same_whatever_columns_they_have_chosen(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url, permissions=["clipboard-read", "clipboard-write"])
    page = await visitor.go("/decisions?filter=verdict+%3D+DENY&since=7d")
    await page.get_by_role("button", name="Copy the link").click()
    await page.get_by_role("status").get_by_text("The link shows others the same").wait_for()
    copied = urlsplit(await page.evaluate("navigator.clipboard.readText()"))
    assert f"{copied.scheme}://{copied.netloc}" == office.url
    assert parse_qs(copied.query) == {
        "filter": ["verdict = DENY"],
        "since": ["7d"],
        "columns": [",".join(USUAL)],
    }


async def test_times_are_said_as_long_ago_where_somebody_wants_it(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url, locale="fr-FR")
    page = await visitor.go("/decisions")
    await page.locator("#columns > summary").click()
    await page.get_by_role("radio", name="Il y a…").check()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Afficher désormais").click()
    first = page.locator("#list tbody time").first
    await expect(first).to_contain_text("il y a")
    assert "UTC" in (await first.get_attribute("title") or "")
