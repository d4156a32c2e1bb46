"""Retyping one's password: over the page where one wants to change much, without losing what one has typed there."""

from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.e2e.insiders import GOOD, Inside


async def test_the_password_is_asked_for_and_what_one_wanted_is_then_done(
    visit: Visit, house: Inside, guarded_gallery: str
) -> None:
    visitor = await visit(guarded_gallery)
    await visitor.continues((await house.somebody("ada", Role.OFFICER)).session)
    visitor.expected = {403, 422}
    page = await visitor.go("/gallery")
    await page.get_by_label("Why all of it").fill("émeute & <b>")
    await page.get_by_role("button", name="Stop everything").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    await dialog.wait_for()
    assert await page.evaluate("document.activeElement.id") == "confirm-password"
    assert await visitor.axe() == []
    assert await page.locator("#much").inner_text() == ""
    await page.keyboard.type("not this one")
    await page.keyboard.press("Enter")
    await dialog.get_by_text("That is not your password.").wait_for()
    await dialog.get_by_label("Your password").fill(GOOD)
    await page.keyboard.press("Enter")
    await dialog.wait_for(state="hidden")
    await page.locator("#much").get_by_text("ada: émeute & <b>").wait_for()
    # For five minutes it is not asked for again, and no password is left in the page.
    await page.get_by_label("Why all of it").fill("again")
    await page.get_by_role("button", name="Stop everything").click()
    await page.locator("#much").get_by_text("ada: again").wait_for()
    assert await page.locator("input[type=password]").count() == 0


async def test_whoever_thinks_better_of_it_has_changed_nothing(
    visit: Visit, house: Inside, guarded_gallery: str
) -> None:
    visitor = await visit(guarded_gallery)
    await visitor.continues((await house.somebody("ada", Role.OFFICER)).session)
    visitor.expected = {403}
    page = await visitor.go("/gallery")
    await page.get_by_label("Why all of it").fill("perhaps")
    await page.get_by_role("button", name="Stop everything").click()
    await page.get_by_role("dialog", name="Confirm that it is you").wait_for()
    await page.keyboard.press("Escape")
    assert await page.locator("#much").inner_text() == ""
    assert await page.get_by_label("Why all of it").input_value() == "perhaps"


async def test_without_scripts_it_is_asked_for_on_a_page_of_its_own(
    visit: Visit, house: Inside, guarded_gallery: str
) -> None:
    visitor = await visit(guarded_gallery, java_script_enabled=False, locale="fr-FR")
    await visitor.continues((await house.somebody("ada", Role.OFFICER)).session)
    page = await visitor.go("/gallery")
    await page.get_by_label("Why all of it").fill("x")
    await page.get_by_role("button", name="Stop everything").click()
    await page.wait_for_url("**/confirm?next=/gallery")
    await page.get_by_label("Votre mot de passe").fill(GOOD)
    await page.get_by_role("button", name="Confirmer").click()
    await page.wait_for_url("**/gallery")
    assert "Refaites" in await page.locator("#messages").inner_text()


async def test_whose_session_has_ended_logs_in_and_is_back_on_the_page(
    visit: Visit, house: Inside, guarded_gallery: str
) -> None:
    visitor = await visit(guarded_gallery)
    await visitor.continues((await house.somebody("ada", Role.OFFICER)).session)
    async with visitor.page.expect_response("**/gallery/check"):  # which the page asks for by itself
        page = await visitor.go("/gallery?x=1")
    await house.access.sessions.end("ada")
    await page.get_by_role("button", name="More").click()
    await page.wait_for_url("**/login?next=/gallery%3Fx%3D1")
    await visitor.log_in("ada")
    await page.wait_for_url("**/gallery?x=1")
