"""Moderators see how customers are solicited, each number with its interval, and what cannot be said."""

import pytest

from services.control.access.rights import Role
from services.findings.pressure import PressureStore
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.services.findings.test_pressure import pressure

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


@LOOKS
async def test_pressure_is_shown_with_intervals_and_says_where_there_are_too_few(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    page = await zoe.go("/pressure")
    await page.locator(".empty").wait_for()
    assert await zoe.axe() == []
    await PressureStore(work.world.redis).keep(pressure())
    page = await zoe.go("/pressure")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("pressure")
    said = await page.locator("main").inner_text()
    french = "locale" in look
    for each in ("12,5\N{NO-BREAK SPACE}%", "effectif trop faible") if french else ("12.5% (6.25% to 25%)", "too few"):
        assert each in said
    assert "loud-bot" in said
    for each in ("gold", "25\N{NO-BREAK SPACE}% à 89\N{NO-BREAK SPACE}%" if french else "25% to 89%"):
        assert each in said
