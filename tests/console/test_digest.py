"""Copilots read the digest of a week, look at it as it will be mailed, and take it along."""

import pytest

from gateway.clock import clock_ms
from services.control.access.rights import Role
from services.digest.week import last_over
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.test_objectives import objective
from tests.services.cockpit.kept import keep

pytestmark = pytest.mark.timeout(300)  # matplotlib looks for all fonts of a machine the first time
LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


@LOOKS
async def test_the_digest_is_found_from_the_cockpit_and_downloaded(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address, objectives=[objective("spring")]))
    carl = await work.enter(await visit(work.url, **look), "carl", Role.COPILOT)
    await keep(work.world.redis, last_day=clock_ms() // 86_400_000 - 1, days=60)
    french, week = "locale" in look, last_over(clock_ms()).name
    page = await carl.go("/cockpit")
    await page.get_by_role("link", name="Le bilan de la semaine" if french else "The weekly digest").click()
    await page.wait_for_url("**/digest**")
    await page.locator("#digest-title").wait_for()
    assert await carl.axe() == []
    assert await carl.overflow() <= 0
    await carl.snap("digest")
    said = await page.locator("main").inner_text()
    for each in ("Ce que les règles ont bloqué", "Que faire") if french else ("What rules blocked", "What to do next"):
        assert each in said
    assert week in said
    async with page.expect_download() as loading:
        await page.get_by_role("link", name="Message (.eml)").click()
    assert (await loading.value).suggested_filename == f"digest-{week}.eml"
    path = await page.get_by_role("link", name="Voir le courriel" if french else "Look at the mail").get_attribute(
        "href"
    )
    await page.goto(f"{work.url}{path}")
    assert await page.locator("img").count() >= 1
    assert await carl.overflow() <= 0
    shown = await page.locator("body").inner_text()
    assert ("Objectifs" if french else "Objectives") in shown
    mail = await page.content()  # there no script runs, so axe is shown it elsewhere
    await page.goto("about:blank")
    await page.set_content(mail)
    assert await carl.axe() == []


async def test_a_week_that_is_none_is_told_and_the_last_one_shown(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    carl = await work.enter(await visit(work.url), "carl", Role.COPILOT)
    carl.expected |= {422}
    page = await carl.go("/digest?week=monday&tenant=nobody&language=de")
    await page.locator("#digest-title").wait_for()
    said = await page.locator("main").inner_text()
    assert "write it as 2026-W47" in said
    assert last_over(clock_ms()).name in said
