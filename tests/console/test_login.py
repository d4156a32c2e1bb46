"""Logging in, choosing a password, confirming, logging out: in a real browser, on a real control plane."""

import asyncio

import pytest

from gateway.clock import clock_ms
from services.control.access.accounts import Account
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.e2e.insiders import GOOD, Inside

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


async def invited(house: Inside, name: str = "ada", language: str = "") -> str:
    """A new officer's one-time password."""
    account = Account(name=name, grants={"*": (Role.OFFICER,)}, created_ms=clock_ms(), language=language)  # type: ignore[arg-type]
    return (await house.access.administration.add(account, now_ms=clock_ms()))[1]


@LOOKS
async def test_somebody_new_comes_in_chooses_a_password_and_is_where_they_wanted_to_be(
    visit: Visit, house: Inside, look: dict[str, object]
) -> None:
    once, visitor = await invited(house), await visit(house.url, **look)
    visitor.expected = {503}  # no audit service answers here, and Now asks it
    page = await visitor.go("/now?x=1")
    assert page.url == f"{house.url}/login?next=/now%3Fx%3D1"
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    await visitor.log_in("Ada ", once)
    await page.wait_for_url("**/password?next=**")
    assert await visitor.axe() == []
    await page.locator("#old").fill(once)
    await page.locator("#new").fill(GOOD)
    await page.locator("main form button.main").click()
    await page.wait_for_url("**/now?x=1")
    assert await page.locator("#messages").inner_text() in {
        "Your password is changed.",
        "Votre mot de passe est changé.",
    }
    assert await visitor.axe() == []


async def test_nobody_gets_by_the_password_that_must_be_chosen(visit: Visit, house: Inside) -> None:
    once, visitor = await invited(house), await visit(house.url)
    page = await visitor.go("/login")
    await visitor.log_in("ada", once)
    await page.wait_for_url("**/password?next=**")
    await visitor.go("/now")
    await page.wait_for_url("**/password?next=/now")
    visitor.expected = {422}
    for new, said in ((once, "This is the password that you have."), ("ada ada ada ada", "must not contain your name")):
        await page.locator("#old").fill(once)
        await page.locator("#new").fill(new)
        await page.get_by_role("button", name="Set password").click()
        await page.get_by_text(said).wait_for()
        assert await page.locator("#new").get_attribute("aria-invalid") == "true"
    await page.locator("#old").fill("not this one")
    await page.locator("#new").fill(GOOD)
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_text("That is not your password.").wait_for()
    assert await page.locator("#old").get_attribute("aria-invalid") == "true"
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url("**/login")


@pytest.mark.parametrize(("locale", "said"), [("en-US", "do not belong together"), ("fr-FR", "ne correspondent pas")])
async def test_a_wrong_password_is_said_aloud_and_the_name_stays(
    visit: Visit, house: Inside, locale: str, said: str
) -> None:
    visitor = await visit(house.url, locale=locale)
    visitor.expected = {401}
    page = await visitor.go("/login")
    await visitor.log_in("grace", "whatever it is")
    assert said in await page.get_by_role("alert").filter(has_text=said).inner_text()
    assert await page.locator("#name").input_value() == "grace"
    assert await page.locator("#password").input_value() == ""
    assert await page.evaluate("document.activeElement.id") == "password"
    assert await visitor.axe() == []


async def test_after_logging_in_nobody_is_sent_to_another_site(visit: Visit, house: Inside) -> None:
    browser = await house.somebody("ada", Role.OFFICER)
    del browser
    visitor = await visit(house.url)
    visitor.expected = {503}  # no audit service answers here, and Now asks it
    page = await visitor.go("/login?next=//evil.example/x")
    await visitor.log_in("ada")
    await page.wait_for_url(f"{house.url}/now")


async def test_a_page_of_another_site_cannot_log_somebody_in(house: Inside) -> None:
    await house.somebody("ada", Role.OFFICER)
    form = {"name": "ada", "password": GOOD}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        browser = house.browser()
        told = await asyncio.to_thread(
            lambda: browser.session.post(f"{house.url}/login", data=form, headers=headers, allow_redirects=False)  # noqa: B023
        )
        assert told.status_code == 401
        assert not browser.session.cookies


async def test_logging_out_ends_the_session_also_for_a_copy_of_its_cookie(visit: Visit, house: Inside) -> None:
    browser = await house.somebody("ada", Role.OFFICER)
    visitor = await visit(house.url)
    await visitor.continues(browser.session)
    page = await visitor.go("/now")
    assert await page.get_by_text("ada", exact=True).is_visible()
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url("**/login")
    visitor.expected = {401}
    await visitor.go("/now")
    assert "/login?next=/now" in page.url
    assert (await browser.ask("GET", "/v1/session")).status_code == 401


async def test_the_language_of_an_account_comes_with_it(visit: Visit, house: Inside) -> None:
    once = await invited(house, language="fr")
    visitor = await visit(house.url, locale="en-US")
    page = await visitor.go("/login")
    assert await page.locator("html").get_attribute("lang") == "en"
    await visitor.log_in("ada", once)
    await page.wait_for_url("**/password?next=**")
    assert await page.locator("html").get_attribute("lang") == "fr"


async def test_a_password_can_be_looked_at_while_it_is_typed(visit: Visit, house: Inside) -> None:
    page = await (await visit(house.url)).go("/login")
    await page.locator("#password").fill("abc")
    await page.get_by_role("button", name="Show what is typed").click()
    assert await page.locator("#password").get_attribute("type") == "text"
    await page.get_by_role("button", name="Show what is typed").click()
    assert await page.locator("#password").get_attribute("type") == "password"


async def test_one_can_log_in_by_keyboard_alone_and_without_scripts(visit: Visit, house: Inside) -> None:
    await house.somebody("ada", Role.OFFICER)
    page = await (await visit(house.url, java_script_enabled=False)).go("/login")
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type(GOOD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/now")
