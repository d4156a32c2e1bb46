"""Copilots see what agents are to achieve and how it stands, with intervals and what they rest on."""

from typing import get_args

import pytest

from gateway.adapters.progress import ObjectiveStore
from gateway.core.policy.objectives import Guarded, Kpi
from services.cockpit.alerting import WatchStore
from services.cockpit.watched import Watch, Watched
from services.control.access.rights import Role
from services.control.console.texts.objectives import TEXTS
from services.insights.pace.standing import Range, Stands
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.test_objectives import GUARDED, HALF, objective

MISSED = Watched(
    part="target",
    measure="conversion_rate",
    stands=Stands.AT_RISK,
    limit=0.05,
    end=Range(0.025, 0.02, 0.03),
    n=400,
    since_ms=5,
)
CROSSED = Watched(
    part="guardrail",
    measure="opt_out_rate",
    stands=Stands.AT_RISK,
    limit=0.01,
    now=Range(0.03, 0.02, 0.04),
    since_ms=5,
)
SPENT = Watched(part="budget", measure="contacts", stands=Stands.AT_RISK, limit=18, now=Range(18, 18, 18), since_ms=5)
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
    await WatchStore(work.world.redis).put("acme", {"spring": Watch(at_ms=5, watched=(MISSED, CROSSED, SPENT))})
    page = await zoe.go("/objectives")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("objectives")
    said = await page.locator("main").inner_text()
    french, nb = "locale" in look, "\N{NO-BREAK SPACE}"
    told = (f"2,5{nb}% (de 2{nb}% à 3{nb}%)", "Offre d’été", "franchi", "Désinscriptions", "menacé", "est épuisé")
    english = ("2.5% (2% to 3%)", "Summer offer", "broken", "Opt-outs", "at risk", "is used up")
    for each in told if french else english:
        assert each in said
    assert (f"conversion{nb}: de 2{nb}% à 3{nb}%" if french else "conversion comes to 2% to 3%") in said
    assert await page.locator("main a[href^='/findings/acme/']").count() == 3
    links = await page.locator("main a[href^='/decisions']").all()
    assert any(["spring" in str(await each.get_attribute("href")) for each in links])


def test_people_read_words_for_whatever_an_objective_may_be_about() -> None:
    assert {f"objectives-kpi-{name}" for name in (*get_args(Kpi), *get_args(Guarded))} <= TEXTS.keys()
