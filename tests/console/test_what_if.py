"""Copilots drag a cap and see what it would have changed, compare it, and keep it as a draft, also without scripts."""

import re
from collections.abc import AsyncIterator

import argon2.profiles
import pytest
import pytest_asyncio
import yaml
from playwright.async_api import expect

from services.control.access.rights import Role
from services.findings.targeting import TargetingStore
from tests.console.conftest import Visit
from tests.console.workplace import Workplace, working
from tests.e2e.insiders import Inside
from tests.e2e.quarters import AS_IT_IS, quarter_filled, quarter_policy
from tests.e2e.world import REPLAY_KEY
from tests.services.findings.targetings import targeting
from tests.stores import Store

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(400)]  # some days of decisions, each decided once more
expect.set_options(timeout=120_000)  # the machine may have other things to do
CAP = "marketing-pressure"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place(redis_process: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    """A workplace over some days of decisions."""
    home = tmp_path_factory.mktemp("days")
    await quarter_filled(home / "audit", quarter_policy(), customers=120, decisions=1_400, days=8)
    options = {"replay_keys": (REPLAY_KEY,), "hashing": argon2.profiles.CHEAPEST}
    async with working(redis_process.url, home, options=options, keeping=AS_IT_IS) as work:
        assert await work.publish(quarter_policy()) == 1
        yield work


async def test_carl_drags_a_cap_sees_what_changes_compares_and_keeps_it(place: Workplace, visit: Visit) -> None:
    carl = await place.enter(await visit(place.url), "carl", Role.COPILOT)
    page = await carl.go("/what-if")
    slider = page.get_by_role("slider", name=f"{CAP}, as a slider")
    assert await slider.input_value() == "3"
    assert await carl.axe() == []
    await slider.press("ArrowLeft")
    await slider.press("ArrowLeft")
    found = page.locator("#found")
    await expect(found.get_by_role("rowheader", name="Contacts avoided")).to_be_visible()
    await expect(page.get_by_label(f"{CAP}: at most", exact=True)).to_have_value("1")
    assert f"caps.{CAP}=1" in page.url
    said = await found.inner_text()
    for each in ("People affected", "Revenue blocked", "insufficient", "What this assumes", "Version "):
        assert each in said, said
    assert re.search(r"\d+\s+\d+ to \d+, n = \d+", said), said
    assert await carl.axe() == []
    assert await carl.overflow() <= 0
    await carl.snap("what-if")

    await page.get_by_label("Compare with").select_option("active")
    number = page.get_by_label(f"{CAP}: at most", exact=True)
    await number.fill("2")
    await expect(page.locator("#found").get_by_role("columnheader", name="Difference")).to_be_visible()
    assert await carl.axe() == []
    await carl.snap("what-if-two")

    await page.get_by_label("Title of the draft").fill("Two a week")
    await page.get_by_role("button", name="Keep it as a draft").click()
    await page.wait_for_url("**/policy/drafts/**")
    await expect(page.locator("h1")).to_have_text("Two a week")
    text = await page.locator("#text").input_value()
    assert yaml.safe_load(text)["caps"][0]["max"] == 2
    await page.get_by_role("link", name="What if").last.click(no_wait_after=True)
    await page.wait_for_url("**/what-if?draft=**")
    await expect(page.get_by_label(f"{CAP}: at most", exact=True)).to_have_value("2")


async def test_the_page_works_without_scripts_in_french_and_says_what_is_wrong(place: Workplace, visit: Visit) -> None:
    carine = await place.enter(
        await visit(place.url, java_script_enabled=False, locale="fr-FR"), "carine", Role.COPILOT
    )
    page = await carine.go("/what-if?days=7")
    number = page.get_by_label(f"{CAP} : au plus", exact=True)
    assert await number.input_value() == "3"
    await number.fill("1")
    await page.get_by_role("button", name="Voir ce que cela change").click()
    await page.wait_for_url("**job=**")
    table = page.locator("#found").get_by_role("rowheader", name="Sollicitations évitées")
    for _ in range(600):
        if await table.count():
            break
        await page.reload()
    await expect(table).to_be_visible()
    assert await page.get_by_label(f"{CAP} : au plus", exact=True).input_value() == "1"
    await page.get_by_label("Segment").fill("vip")
    await page.get_by_role("button", name="Voir ce que cela change").click()
    await expect(page.get_by_text("Un plafond propre demande un segment")).to_be_visible()
    page = await carine.go(f"/what-if?caps.{CAP}=3")
    await page.get_by_role("button", name="Conserver en brouillon").click()
    await expect(page.get_by_text("Rien n’a été modifié")).to_be_visible()


async def test_what_is_proven_leads_to_what_if_with_just_that_change(place: Workplace, visit: Visit) -> None:
    carl = await place.enter(await visit(place.url), "claire", Role.COPILOT)
    page = await carl.go("/targeting")
    await page.locator(".empty").wait_for()
    assert await carl.axe() == []
    await TargetingStore(place.world.redis).keep(targeting())
    page = await carl.go("/targeting")
    assert await carl.axe() == []
    assert await carl.overflow() <= 0
    await carl.snap("targeting")
    said = await page.locator("main").inner_text()
    for each in (
        "Agent loud-bot, above all campaign spring: 80 of 100 contacts beyond that (60% to 90%)",
        "pressure (CAP_EXCEEDED) refused most: 16 of 20 customers (too few for an interval)",
        "2.0 (1.2 to 3.5)",
        "none by the policy",
    ):
        assert each in said, said
    await page.get_by_role("link", name="Try it in what-if").first.click()
    await page.wait_for_url("**/what-if?**own-segment=gold**")
    assert await page.get_by_label("Contacts at most").input_value() == "4"
    assert await carl.axe() == []


async def test_where_no_policy_is_active_the_page_says_so(house: Inside, visit: Visit) -> None:
    carl = await visit(house.url)
    await carl.continues((await house.somebody("carl", Role.COPILOT)).session)
    page = await carl.go("/what-if")
    await expect(page.locator(".empty")).to_contain_text("No policy is active yet")
    page = await carl.go("/what-if?draft=none")
    await expect(page.locator("main")).to_contain_text("There is no draft none")
