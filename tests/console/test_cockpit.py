"""Copilots see what they are judged by, with intervals, what is insufficient, what was revised, and what opens it."""

import pytest
from playwright.async_api import expect

from gateway.clock import clock_ms
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.services.cockpit.kept import keep

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
NARROW = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"


@LOOKS
async def test_kpis_are_shown_with_intervals_and_open_their_decisions(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address))
    carl = await work.enter(await visit(work.url, **look), "carl", Role.COPILOT)
    page = await carl.go("/cockpit")
    await page.locator(".empty").wait_for()
    assert await carl.axe() == []
    await keep(work.world.redis, last_day=clock_ms() // 86_400_000 - 1)
    page = await carl.go("/cockpit")
    await page.locator(".chart canvas").first.wait_for()
    assert await carl.axe() == []
    assert await carl.overflow() <= 0
    await carl.snap("cockpit")
    said = await page.locator("main").inner_text()
    french = "locale" in look
    wanted = (
        (f"11{NARROW}200,00{SPACE}EUR", "insuffisant (n = 0)", f"+200,00{SPACE}EUR", "1 USD = 0.92", "faute de taux")
        if french
        else (f"11,200.00{SPACE}EUR", "insufficient (n = 0)", f"+200.00{SPACE}EUR", "1 USD = 0.92", "has no rate")
    )
    for each in (*wanted, "agent-one"):
        assert each in said
    assert await page.locator(".chart").count() >= 12
    await page.get_by_label("Par" if french else "By", exact=True).select_option("channel")
    await page.get_by_role("button", name="Afficher" if french else "Show").click()
    await page.get_by_role("rowheader", name="channel-one").wait_for()
    assert "by=channel" in page.url
    assert await carl.axe() == []
    link = page.get_by_role("link", name=f"11{NARROW}200,00{SPACE}EUR" if french else f"11,200.00{SPACE}EUR").first
    await link.click()
    await page.wait_for_url("**/decisions?**")
    assert "operation" in page.url
    # Not only those of the last day: the page has no time to go back beside that of the number.
    assert "since=all" in page.url
    everything = page.get_by_role("link", name="Tout" if french else "All", exact=True)
    await expect(everything).to_have_attribute("aria-current", "true")


async def test_a_time_that_cannot_be_is_told_and_the_usual_one_is_shown(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    await keep(work.world.redis, last_day=clock_ms() // 86_400_000 - 1)
    carl = await work.enter(await visit(work.url), "carl", Role.COPILOT)
    page = await carl.go("/cockpit?from=2026-01-01&to=2026-12-01&by=nonsense&tenant=nobody")
    assert "At most 92 days" in await page.locator("main").inner_text()
    await page.get_by_role("rowheader", name="agent-one").wait_for()


async def test_without_scripts_numbers_intervals_and_the_parts_that_are_chosen_are_all_there(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    await keep(work.world.redis, last_day=clock_ms() // 86_400_000 - 1)
    carl = await work.enter(await visit(work.url, java_script_enabled=False), "carl", Role.COPILOT)
    page = await carl.go("/cockpit")
    said = await page.locator("main").inner_text()
    for each in (f"11,200.00{SPACE}EUR", "insufficient (n = 0)", f"+200.00{SPACE}EUR"):
        assert each in said
    await page.get_by_label("By", exact=True).select_option("segment")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("rowheader", name="segment-one").wait_for()
    assert "by=segment" in page.url
    await page.get_by_role("link", name=f"11,200.00{SPACE}EUR").first.click()
    await page.wait_for_url("**/decisions?**")
    await page.get_by_label("Filter").wait_for()
