"""The French console is French: every page, empty and full, and what it says where something is wrong."""

from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.clock import clock_ms
from pilote.crm.v1.contact_pb2 import Contact
from services.control.console.console import Console
from services.control.console.page import Parts
from services.control.console.pages.finding_shown import path_of
from services.control.console.policy.fields import FORMS
from services.findings.changing import Wanted, changed
from services.findings.finding import State
from services.findings.pressure import PressureStore
from services.findings.store import FindingStore
from services.findings.targeting import TargetingStore
from tests.console.languages import english_in
from tests.console.stage import Stage, confirms
from tests.console.test_stories_of_models import ramp
from tests.console.test_webhooks import lost
from tests.console.visiting import Visitor
from tests.console.workplace import Workplace
from tests.e2e.policy import allow_all, cap
from tests.e2e.requests import get, send
from tests.e2e.world import credential, told
from tests.fakes.upstream import FakeUpstream, answering
from tests.services.cockpit.kept import keep as keep_kpis
from tests.services.findings.targetings import targeting
from tests.services.findings.test_finding import seen
from tests.services.findings.test_pressure import pressure

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(300)]  # dozens of pages each
SALES = credential("sales-bot")
SECTIONS: Final = (
    "/now",
    "/guide",
    "/decisions",
    "/decisions/views",
    "/decisions/counts",
    "/decisions/compare",
    "/findings",
    "/findings?tab=mine",
    "/findings?tab=closed",
    "/findings/fairness",
    "/findings/vault",
    "/pressure",
    "/objectives",
    "/cockpit",
    "/cockpit?by=rule",
    "/cockpit?from=demain",
    "/what-if",
    "/what-if?draft=none",
    "/what-if?own-segment=or&own-most=2&against=active",
    "/targeting",
    "/digest",
    "/digest?week=2026-W99",
    "/reviews",
    "/reviews/numbers",
    "/reviews/rules",
    "/reviews/versions?model=lead-score&version=1",
    "/probes",
    "/probes/new",
    "/policy",
    "/policy/proposals",
    "/policy/history",
    "/models",
    "/models/versions",
    "/models/rollouts",
    "/models/experiments",
    "/models/holdouts",
    "/models/shadows",
    "/holds",
    "/agents",
    "/stops",
    "/stops/new?what=all&tenant=*",
    "/integrity",
    "/integrity/approvals",
    "/integrity/changes",
    "/reports",
    "/integrations",
    "/people",
    "/account",
    "/password",
    "/confirm",
)
NO_PAGES: Final = {
    "/",
    "/now/live",
    "/decisions/fields",
    "/decisions/facets",
    "/decisions/chart",
    "/decisions/values",
    "/decisions/tail",
    "/decisions/export",
    "/models/traffic",
    "/stops/active",
    "/guide/state",
    "/session/left",
    "/waiting/live",
    "/oidc/login",
    "/oidc/confirm",
    "/oidc/callback",
}
"""What is fetched for pages, or leads elsewhere."""
ELSEWHERE: Final = {"/login", "/stops/resume"}
"""Pages that the stories visit by themselves."""
MINE: Final = ("rien que moi", "sales-bot", "why")
"""What people of these tests have written."""


class Anything:
    """Stands for the parts of a control plane, of which only the paths are wanted."""

    def __getattr__(self, name: str) -> "Anything":
        return self

    def __call__(self, *_: Any, **__: Any) -> "Anything":
        return self


def test_all_pages_are_visited() -> None:
    parts: Any = dict.fromkeys(Parts.__struct_fields__, Anything())
    handlers = Console(Parts(**parts)).handlers()
    paths = {path for each in handlers if "GET" in each.http_methods for path in each.paths if "{" not in path}
    assert paths - NO_PAGES == {path.partition("?")[0] for path in SECTIONS} | ELSEWHERE


async def reads(visitor: Visitor, *paths: str) -> dict[str, list[str]]:
    """What pages say in English, by path."""
    found = {}
    for path in paths:
        await visitor.go(path)
        found[path] = await english_in(visitor.page, given=MINE)
    return {path: texts for path, texts in found.items() if texts}


async def test_where_there_is_nothing_yet_every_page_says_so_in_french(stage: Stage) -> None:
    visitor = await stage.visit(stage.work.url, locale="fr-FR")
    page = await visitor.go("/people")
    assert await english_in(page) == []
    visitor.expected |= {401, 404, 422, 503}
    await visitor.log_in("fleur", "not her password")
    await page.get_by_role("alert").first.wait_for()
    assert await english_in(page) == []
    await visitor.log_in("fleur")
    await page.wait_for_url("**/people")
    assert await reads(visitor, *(path for path in SECTIONS if path != "/stops/new?what=all&tenant=*")) == {}
    wrong = ("/nowhere", "/decisions/none", "/decisions?filter=agent+%3D", "/policy/drafts/none", "/policy/history/7")
    assert await reads(visitor, *wrong, "/holds/none", "/models/rollouts/up", "/agents/none", "/people/none") == {}


HELD: Final = {"name": "offres", "effect": "hold", "when": 'call.channel == "sms"'}
TRIAL: Final = {
    "name": "ton",
    "route": "crm",
    "arms": [{"name": "a", "weight": 5_000}, {"name": "b", "weight": 5_000}],
    "measures": ["error_rate", "latency_ms"],
    "min_sample": 1,
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def calls(theatre: tuple[Workplace, FakeUpstream]) -> list[str]:
    """The ids of calls that passed, were refused, and wait for a person; the policy has all that pages show."""

    async def nobody() -> Visitor:
        raise AssertionError

    stage = Stage(*theatre, nobody)
    more = {"caps": [cap(1)], "experiments": [TRIAL], "holdouts": [{"name": "temoins", "share": 1}]}
    await stage.begins(ramp(stage) | {"rules": [allow_all(), HELD]} | more)
    stage.work.upstream.behave = answering(Contact().SerializeToString())
    agent = stage.work.world.agent()
    ended = [await told(agent.contacts.GetContact(get(), metadata=SALES))]
    sends = (send(), send(), send(channel="sms"))
    ended += [await told(agent.messages.SendMessage(each, metadata=SALES)) for each in sends]
    assert [each.reason for each in ended] == ["", "", "CAP_EXCEEDED", "APPROVAL_REQUIRED"]
    for each in ended:
        await stage.work.auditor.decision(each.decision)
    await stage.work.stop("agent=marketing-bot", "rien que moi")
    found = await FindingStore(stage.work.world.redis).see([seen(), seen(kind="around", of="people")], now_ms=1)
    await FindingStore(stage.work.world.redis).write(
        changed(found[1], Wanted(state=State.RESOLVED, text="rien que moi"), by="ora", now_ms=2)
    )
    await PressureStore(stage.work.world.redis).keep(pressure())
    await TargetingStore(stage.work.world.redis).keep(targeting())
    await keep_kpis(stage.work.world.redis, last_day=clock_ms() // 86_400_000 - 1)
    await lost(stage.work)
    return [each.decision for each in ended]


async def test_where_much_has_happened_every_section_tells_it_in_french(stage: Stage, calls: list[str]) -> None:
    fleur = await stage.comes("fleur", "/now", locale="fr-FR")
    assert calls
    fleur.expected |= {422}  # the address of a week that there is not
    assert await reads(fleur, *SECTIONS) == {}


async def test_what_is_shown_of_one_thing_is_told_in_french(stage: Stage, calls: list[str]) -> None:
    fleur = await stage.comes("fleur", "/holds", locale="fr-FR")
    hold = await fleur.page.locator("main a[href^='/holds/']").first.get_attribute("href")
    findings = [path_of(each) for each in await FindingStore(stage.work.world.redis).all("acme")]
    assert len(findings) == 2
    things = ("/models/routes/crm", "/models/rollouts/up", "/models/experiments/ton", "/policy/history/1")
    others = (
        "/policy?q=crm",
        "/people/ora",
        "/agents/sales-bot",
        "/integrations/webhooks/e1",
        "/stops/resume?what=agent%3Dmarketing-bot&tenant=acme",
    )
    decisions = [f"/decisions/{each}" for each in calls]
    assert await reads(fleur, *things, *others, *decisions, *findings, hold or "") == {}


async def test_a_draft_is_made_and_proposed_in_french(stage: Stage, calls: list[str]) -> None:
    fleur = await stage.comes("fleur", "/policy", locale="fr-FR")
    fleur.expected.add(403)
    page, wrong = fleur.page, []
    assert calls
    await page.get_by_role("button", name="Nouveau brouillon").click()
    await page.get_by_label("Titre").fill("rien que moi")
    await page.get_by_role("button", name="Commencer").click()
    await page.get_by_role("link", name="Plafonds").click()
    await page.get_by_role("link", name="pressure").click()
    await page.get_by_label("Au plus").fill("2")
    await page.get_by_role("button", name="Appliquer et enregistrer").click()
    await expect(page.locator(".cm-content")).to_contain_text("max: 2")
    await page.locator("#check-status[data-good=yes]").wait_for()
    draft = page.url.removeprefix(fleur.url).partition("?")[0]
    forms = [f"{draft}?section={each}&name=%2B" for each in FORMS]
    assert await reads(fleur, draft, *forms, f"{draft}/review") == {}
    for button, place in (("Planifier", "#planned"), ("Rejouer", "#backtested")):
        await page.get_by_role("button", name=button).click()
        await page.locator(f"{place} p").first.wait_for(timeout=90_000)
        wrong += await english_in(page, given=MINE)
    await page.get_by_label("Pourquoi").fill("rien que moi")
    await page.get_by_role("button", name="Signer et soumettre").click()
    await page.locator("dialog#confirm[open]").wait_for()
    wrong += await english_in(page, given=MINE)
    await confirms(fleur)
    await page.wait_for_url("**/policy/proposals/*")
    assert wrong + await english_in(page, given=MINE) == []
