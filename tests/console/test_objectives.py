"""Copilots see what agents are to achieve and how it stands, with intervals and what they rest on."""

import pytest

from gateway.adapters.progress import ObjectiveStore
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.test_objectives import GUARDED, HALF, objective

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


@LOOKS
async def test_objectives_are_shown_with_progress_interval_and_guardrails(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.COPILOT)
    page = await zoe.go("/objectives")
    await page.locator(".empty").wait_for()
    assert await zoe.axe() == []
    stated = [objective("spring", **GUARDED), objective("quiet", campaign="other", kpi="nps", target=40)]
    await work.publish(policy(work.upstream.address, objectives=stated))
    await ObjectiveStore(work.world.redis).put("acme", {"spring": HALF})
    page = await zoe.go("/objectives")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("objectives")
    said = await page.locator("main").inner_text()
    french, nb = "locale" in look, "\N{NO-BREAK SPACE}"
    told = (f"2,5{nb}% (de 2{nb}% à 3{nb}%)", "Offre d’été", "franchi")
    for each in told if french else ("2.5% (2% to 3%)", "Summer offer", "broken"):
        assert each in said
    links = await page.locator("main a[href^='/decisions']").all()
    assert any(["spring" in str(await each.get_attribute("href")) for each in links])
