"""Keys lead through lists, and two decisions of one are compared."""

from playwright.async_api import Page, expect

from tests.console.conftest import Visit
from tests.console.desk import Desk

_HERE = "document.activeElement.closest('tr')?.rowIndex ?? 0"


async def _row(page: Page) -> int:
    """The row that has the focus, from 1; 0 for none."""
    found: int = await page.evaluate(_HERE)
    return found


async def test_keys_lead_through_the_list_to_a_decision(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url)).go("/decisions")
    await page.keyboard.press("j")
    assert await _row(page) == 1
    assert await page.evaluate("getComputedStyle(document.activeElement).boxShadow !== 'none'")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    assert await _row(page) == 2
    wanted = await page.evaluate("document.activeElement.getAttribute('href')")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert page.url == f"{office.url}{wanted}"


async def test_no_key_acts_while_somebody_types(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url)).go("/decisions")
    await page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Filter")
    await expect(box).to_be_focused()
    await page.keyboard.type("jk?/x")
    await expect(box).to_have_value("jk?/x")
    assert not await page.locator("#keys").is_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    assert await _row(page) == 1
    await page.keyboard.press("Control+k")
    assert await _row(page) == 1


async def test_keys_are_shown_and_can_be_switched_off(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url, locale="fr-FR")
    page = await visitor.go("/decisions")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Raccourcis clavier")
    await dialog.wait_for()
    assert await visitor.axe() == []
    await dialog.get_by_role("checkbox", name="Raccourcis actifs").uncheck()
    await page.keyboard.press("Escape")
    await page.reload()
    await page.keyboard.press("j")
    await page.keyboard.press("?")
    assert await _row(page) == 0
    assert not await dialog.is_visible()
    await page.get_by_role("button", name="Raccourcis clavier").click()
    assert not await dialog.get_by_role("checkbox").is_checked()


async def test_two_decisions_that_are_ticked_are_compared_by_keyboard(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url)
    page = await visitor.go("/decisions?filter=agent+%3D+nurture")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    # The third one took the second one's place.
    assert await page.locator('input[form="comparing"]:checked').count() == 2
    async with page.expect_navigation():
        await page.get_by_role("button", name="Compare two").press("Enter")
    differs = page.get_by_role("region", name="What differs")
    same = page.get_by_role("region", name="What is the same")
    await expect(same.get_by_role("row", name="Agent", exact=False).first).to_contain_text("nurture")
    await expect(differs.get_by_role("row", name="Verdict")).to_be_visible()
    await expect(same.get_by_role("row", name="Time")).to_be_visible()
    assert await visitor.axe() == []
    await page.goto(f"{office.url}/decisions/compare?of=x")
    await page.get_by_role("status").get_by_text("Tick two decisions").wait_for()
