"""The frame of all pages, and what they are made of, as people meet them."""

import pytest

from tests.console.conftest import Visit

LOOKS = pytest.mark.parametrize(
    "look",
    [{}, {"dark": True}, {"phone": True}, {"phone": True, "dark": True, "locale": "fr-FR"}],
    ids=["desk", "dark", "phone", "dark-phone-french"],
)


@LOOKS
async def test_everything_that_pages_are_made_of_passes_axe_and_fits(
    visit: Visit, gallery: str, look: dict[str, object]
) -> None:
    visitor = await visit(gallery, **look)
    page = await visitor.go("/gallery")
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    if look.get("phone"):
        await page.get_by_role("button", name="Menu").click()
        assert await page.get_by_role("link", name="Stops").is_visible()
        assert await visitor.axe() == []
        await page.keyboard.press("Escape")
        assert not await page.get_by_role("link", name="Stops").is_visible()
    await page.get_by_role("button", name="Explain").first.click()
    assert await page.get_by_role("dialog", name="Explain this decision").is_visible()
    assert await visitor.axe() == []


@pytest.mark.parametrize(("locale", "code", "skip"), [("en-GB", "en", "Skip"), ("fr-CA", "fr", "Aller au contenu")])
async def test_a_page_speaks_the_browsers_language(
    visit: Visit, gallery: str, locale: str, code: str, skip: str
) -> None:
    page = await (await visit(gallery, locale=locale)).go("/gallery")
    assert await page.locator("html").get_attribute("lang") == code
    assert skip in await page.locator(".skip").inner_text()
    french = "1\u202f234\u202f567,5 1 min 30" if code == "fr" else "1,234,567.5 2 min"
    assert (await page.locator("#more").inner_text()).startswith(french[:9])


async def test_a_chosen_language_and_theme_stay_and_come_without_a_flash(visit: Visit, gallery: str) -> None:
    visitor = await visit(gallery, locale="en-US")
    page = await visitor.go("/gallery")
    await page.get_by_role("radio", name="Dark").check()
    await page.locator("html[data-theme=dark]").wait_for()
    async with page.expect_navigation():
        await page.get_by_role("radio", name="Français").check()
    assert await page.locator("html").get_attribute("lang") == "fr"
    # The server says so, before any script runs.
    html = await (await visitor.context.request.get(f"{gallery}/gallery")).text()
    assert '<html lang="fr" data-theme="dark">' in html
    assert await page.get_by_role("radio", name="Sombre").is_checked()


async def test_language_and_theme_can_be_chosen_without_scripts(visit: Visit, gallery: str) -> None:
    visitor = await visit(gallery, java_script_enabled=False)
    page = await visitor.go("/gallery")
    await page.get_by_role("radio", name="Français").check()
    await page.get_by_role("button", name="Set").click()
    assert page.url == f"{gallery}/gallery"
    assert await page.locator("html").get_attribute("lang") == "fr"


async def test_a_page_is_walked_by_keyboard(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip unseen"
    seen = await page.locator(".skip").bounding_box()
    assert seen is not None
    assert seen["width"] > 50
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "page"
    reached = []
    for _ in range(80):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.outerHTML"))
        # Whatever has the focus shows it.
        assert await page.evaluate("getComputedStyle(document.activeElement).boxShadow !== 'none'"), reached[-1]
        if "Read how" in reached[-1]:
            break
    assert "Read how" in reached[-1]
    for name in ('name="most"', 'name="channel"', 'name="reason"', 'type="checkbox"', "data-dialog", "data-copy"):
        assert any(name in html for html in reached), name


async def test_a_dialog_opens_and_closes_by_keyboard_and_gives_the_focus_back(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    opener = page.get_by_role("button", name="Explain").first
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Explain this decision")
    await dialog.wait_for()
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
    assert await opener.evaluate("element => element === document.activeElement")


async def test_htmx_gets_only_the_part_that_changes(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    async with page.expect_response("**/gallery") as awaited:
        await page.get_by_role("button", name="More").click()
    body = await (await awaited.value).text()
    assert body.startswith('<span id="more">')
    await page.locator("p > #more").wait_for()


async def test_a_change_is_said_once_on_the_page_that_follows(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    await page.get_by_label("Name").fill("énergie <b>&")
    await page.get_by_role("button", name="Save").click()
    said = page.get_by_role("status").get_by_text("Saved: énergie <b>&")
    await said.wait_for()
    await page.get_by_role("status").get_by_role("button", name="Dismiss").click()
    await said.wait_for(state="detached")
    await page.reload()
    assert await page.get_by_text("Saved:").count() == 0


async def test_a_request_that_fails_is_said_aloud_and_changes_nothing(visit: Visit, gallery: str) -> None:
    visitor = await visit(gallery)
    visitor.expected = {500}
    page = await visitor.go("/gallery")
    await page.get_by_role("button", name="Fail").click()
    await page.get_by_role("alert").get_by_role("paragraph").wait_for()
    assert await page.locator("#more").count() == 1


async def test_times_are_shown_in_the_readers_zone_and_in_utc_beside(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery, locale="fr-FR")).go("/gallery")
    first = page.locator("time").first
    assert await first.inner_text() == "21 sept. 2026, 16:13:20"
    assert await first.get_attribute("title") == "21/09/2026 à 14:13:20 UTC"


async def test_text_is_copied_to_the_clipboard(visit: Visit, gallery: str) -> None:
    visitor = await visit(gallery, permissions=["clipboard-read", "clipboard-write"])
    page = await visitor.go("/gallery")
    await page.get_by_role("button", name="Copy").click()
    await page.locator("[data-copy][data-done]").wait_for()
    assert (await page.evaluate("navigator.clipboard.readText()")).startswith("rules:\n- name: no-night-calls")


@pytest.mark.parametrize(
    ("locale", "path", "title"),
    [
        ("en-US", "/nowhere", "There is no such page"),
        ("fr-FR", "/nowhere", "Cette page n’existe pas"),
        ("en-US", "/gallery/forbidden", "You may not see this"),
        ("fr-FR", "/gallery/fails", "Nous avons fait une erreur"),
    ],
)
async def test_a_page_that_cannot_be_shown_says_why_in_words(
    visit: Visit, gallery: str, locale: str, path: str, title: str
) -> None:
    visitor = await visit(gallery, locale=locale)
    visitor.expected = {403, 404, 500}
    page = await visitor.go(path)
    assert await page.get_by_role("heading", level=1).inner_text() == title
    assert "secret" not in await page.content()
    assert await visitor.axe() == []


@pytest.mark.parametrize(
    "text", ['<img src=x onerror="alert(1)">', "\"'><script>alert(1)</script>", "{{7*7}}${x}\u202e"]
)
async def test_what_comes_from_elsewhere_is_shown_as_it_is_and_nothing_of_it_runs(
    visit: Visit, gallery: str, text: str
) -> None:
    visitor = await visit(gallery)
    opened = []
    visitor.page.on("dialog", lambda dialog: opened.append(dialog.message))
    response = await visitor.context.request.get(f"{gallery}/gallery/evil", params={"text": text})
    await visitor.page.goto(response.url)
    assert await visitor.page.get_by_role("heading", level=1).inner_text() == text
    assert await visitor.page.locator("main img, main script, [onerror]").count() == 0
    assert await visitor.page.locator("#area").input_value() == text
    assert opened == []


async def test_an_editor_checks_while_one_types_and_a_form_gets_its_text(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    editor = page.get_by_role("textbox", name="Policy")
    await page.locator(".cm-lintRange-error").get_by_text("night").wait_for()
    await editor.focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+F")
    await page.get_by_role("textbox", name="Find").fill("night")
    await page.keyboard.press("Escape")
    await editor.press("Control+End")
    await page.keyboard.type("# end")
    assert (await page.locator("textarea[name=policy]").input_value()).endswith("# end")
    # Tab moves on, so that nobody is caught in it.
    await page.keyboard.press("Tab")
    assert not await editor.evaluate("element => element === document.activeElement")


async def test_an_editor_is_a_text_area_without_scripts(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery, java_script_enabled=False)).go("/gallery")
    assert (await page.get_by_label("Policy").input_value()).startswith("rules:\n- name: night")


async def test_a_part_of_a_chart_is_drawn_over_to_look_at_it(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    over = page.locator(".u-over").first
    await over.scroll_into_view_if_needed()
    box = await over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    async with page.expect_navigation():
        await page.mouse.up()
    at = {name: float(await page.evaluate(f"new URL(location).searchParams.get('{name}')")) for name in ("from", "to")}
    assert 1_790_000_000_000 < at["from"] < at["to"] < 1_790_003_600_000
    assert (at["to"] - at["from"]) / 60_000 == pytest.approx(15, abs=1.5)


async def test_a_chart_takes_the_colours_of_the_theme(visit: Visit, gallery: str) -> None:
    page = await (await visit(gallery)).go("/gallery")
    pixels = "document.querySelector('.uplot canvas').toDataURL()"
    light = await page.evaluate(pixels)
    await page.get_by_role("radio", name="Dark").check()
    await page.wait_for_function(f"light => {pixels} !== light", arg=light)
