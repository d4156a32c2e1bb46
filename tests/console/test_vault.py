"""Sensitive attributes are loaded and deleted in a browser: whole or not at all, each time noted, and never shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import Workplace, working
from tests.e2e.policy import policy
from tests.services.vault.running import vault_running
from tests.stores import Store

GOOD = b"customer,value\ncontacts/1,female\ncontacts/2,male\n"
WRONG = b"customer,value\ncontacts/1,female\ncontacts/2,Frau\ncontacts/1,male\n,male\n"
LOOKS = pytest.mark.parametrize(
    "look",
    [{}, {"phone": True, "dark": True, "locale": "fr-FR", "java_script_enabled": False}],
    ids=["desk", "dark-phone-french-without-scripts"],
)


@pytest_asyncio.fixture(loop_scope="session")
async def house(redis_process: Store, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with (
        vault_running(tmp_path) as address,
        working(redis_process.url, tmp_path, options={"insights": address}) as work,
    ):
        await work.publish(policy(work.upstream.address))
        yield work


async def load(page: Page, content: bytes, *, days: str = "30") -> None:
    await page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": content})
    await page.locator("#purpose").fill("to see whether offers are fair")
    await page.locator("#basis").fill("consent")
    await page.locator("#days").fill(days)
    await page.locator("form[enctype] button.main").click()


@LOOKS
async def test_a_file_is_loaded_listed_with_when_it_goes_and_deleted_again(
    visit: Visit, house: Workplace, look: dict[str, object]
) -> None:
    ada = await house.enter(await visit(house.url, **look), "ada", Role.AUDITOR)
    page = await ada.go("/findings/fairness")
    await page.locator(".tabs a[href='/findings/vault']").click()
    await page.locator("#file").wait_for()
    assert await ada.overflow() <= 0
    if "phone" not in look:
        assert await ada.axe() == []
    await load(page, GOOD)
    row = page.locator("tbody tr")
    await row.wait_for()
    text = await row.inner_text()
    for part in ("2", "consent", "to see whether offers are fair"):
        assert part in text
    assert "gender" in text or "genre" in text
    assert "contacts/1" not in await page.content()
    assert await ada.overflow() <= 0
    await ada.snap("vault")
    page = await ada.go("/findings/vault")
    await page.locator("#customer").fill("contacts/1")
    await page.locator("#reason").fill("she withdrew")
    await page.locator("form[action$='forget'] button.danger").click()
    await page.get_by_text("Values deleted: 1.").or_(page.get_by_text("Valeurs supprimées")).wait_for()
    await page.context.close()


@LOOKS
async def test_wrong_lines_are_all_said_and_nothing_of_the_file_is_taken(
    visit: Visit, house: Workplace, look: dict[str, object]
) -> None:
    ada = await house.enter(await visit(house.url, **look), "ada", Role.AUDITOR)
    ada.expected = {422}
    page = await ada.go("/findings/vault")
    await load(page, WRONG)
    await page.locator(".callout").wait_for()
    lines = await page.locator("main section li").all_inner_texts()
    said = [each.split("\N{NO-BREAK SPACE}:")[0].split(":")[0].split()[-1] for each in lines[:3]]
    assert said == ["3", "4", "5"]
    assert "Frau" not in await page.content()
    assert await page.locator("#purpose").input_value() == "to see whether offers are fair"
    assert await page.locator("tbody tr").count() == 0
    await ada.snap("vault-wrong")
    await page.context.close()


async def test_who_has_not_the_right_sees_no_tab_and_no_page(visit: Visit, house: Workplace) -> None:
    zoe = await house.enter(await visit(house.url), "zoe", Role.COPILOT)
    page = await zoe.go("/findings/fairness")
    assert await page.locator(".tabs a[href='/findings/vault']").count() == 0
    zoe.expected = {403}
    await page.goto(f"{house.url}/findings/vault")
    assert await page.locator("#file").count() == 0
    await page.context.close()
