"""The log is verified, two people erase a customer, and changes are found with what was before and after."""

import grpc
import pytest

from gateway.adapters.failures import failures
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.visiting import Visitor
from tests.console.workplace import Workplace
from tests.e2e.insiders import GOOD, Inside
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import credential, told
from tests.fakes.upstream import failing

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)


async def called(work: Workplace) -> str:
    """The id of a decision that is stored."""
    await work.publish(policy(work.upstream.address))
    call = work.world.agent().messages.SendMessage(send(), metadata=credential("sales-bot"))
    await call
    found = str(dict(await call.trailing_metadata())["pilote-decision-id"])
    await work.auditor.decision(found)
    return found


async def entered(visit: Visit, work: Workplace, name: str, *roles: Role, **look: object) -> Visitor:
    """Somebody with these roles and a password of their own, who has logged in."""
    browser = await Inside(work.url, work.access).somebody(name, *roles)
    visitor = await visit(work.url, **look)
    await visitor.continues(browser.session)
    return visitor


@LOOKS
async def test_the_log_is_verified_and_verified_again(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    await called(work)
    visitor = await work.enter(await visit(work.url, **look), "vera", Role.AUDITOR)
    page = await visitor.go("/integrity")
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    browser = await Inside(work.url, work.access).somebody("sam", Role.SRE)
    for finding in ("FIRST", "CONSISTENT"):
        await page.locator("form[action='/integrity/verify'] button").click()
        await page.get_by_role("status").first.wait_for()
        verified = (await browser.ask("GET", "/v1/integrity")).json()["verification"]
        assert (verified["result"], verified["by"]) == (finding, "vera")
        await called(work)
        page = await visitor.go("/integrity")


async def test_who_may_not_verify_sees_no_button_for_it(visit: Visit, work: Workplace) -> None:
    visitor = await work.enter(await visit(work.url), "carla", Role.COPILOT)
    page = await visitor.go("/integrity")
    assert await page.locator("form[action='/integrity/verify']").count() == 0
    await page.get_by_text("Nobody has verified it yet.").wait_for()


@LOOKS
async def test_one_asks_for_an_erasure_another_agrees_and_nobody_alone(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    decision = await called(work)
    asking = await work.enter(await visit(work.url, **look), "vera", Role.AUDITOR)
    page = await asking.go("/integrity/approvals")
    assert await asking.axe() == []
    await page.locator("[data-dialog=ask]").click()
    dialog = page.locator("dialog#ask")
    await dialog.locator("#subject").fill(ADA)
    await dialog.locator("#tenant").fill("acme")
    await dialog.locator("#reason").fill("request 17")
    await dialog.locator("button.main").click()
    await page.locator("article").wait_for()
    assert await page.locator("button[value=agree]").count() == 0
    assert await asking.overflow() <= 0

    agreeing = await entered(visit, work, "walt", Role.AUDITOR, **look)
    agreeing.expected = {403}  # until it is confirmed
    page = await agreeing.go("/integrity/approvals")
    assert await agreeing.axe() == []
    await page.locator("article input[name=reason]").fill("seen the letter")
    await page.locator("button[value=agree]").click()
    await page.locator("dialog#confirm input[type=password]").fill(GOOD)
    await page.locator("dialog#confirm button.main").click()
    await page.locator("article .badge.allow").wait_for()
    assert (await work.auditor.decision(decision)).HasField("erase_time")


@LOOKS
async def test_changes_are_found_with_what_was_before_and_after(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await called(work)
    browser = await Inside(work.url, work.access).somebody("mia", Role.MODERATOR)
    visitor = await visit(work.url, **look)
    await visitor.continues(browser.session)
    await visitor.go("/integrity/changes")
    assert await visitor.axe() == []
    made = await browser.ask("POST", "/v1/stops", {"tenant": "acme", "what": "all", "reason": "drifts"})
    assert made.status_code == 201
    page = await visitor.go("/integrity/changes?resource=stops/acme")
    assert await page.locator("tbody tr").count() >= 1
    row = page.locator("tbody tr").first
    assert "drifts" in await row.inner_text()
    await row.locator("summary").click()
    assert "drifts" in await row.locator("pre").last.inner_text()
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0


@LOOKS
async def test_systems_are_shown_with_their_health(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    visitor = await work.enter(await visit(work.url, **look), "sam", Role.SRE)
    page = await visitor.go("/integrations")
    assert await visitor.axe() == []
    await called(work)
    breaker = {"min_calls": 1, "open": "10m"}
    crm = {"name": "crm", "address": work.upstream.address, "breaker": breaker}
    budget = {
        "name": "tokens",
        "by": ["upstream"],
        "max": 1000,
        "window": "1d",
        "cost": {"estimate": "70", "unit": "t"},
    }
    await work.publish(policy(work.upstream.address, upstreams=[crm], limits=[budget]))
    page = await visitor.go("/integrations")

    async def well() -> bool | None:
        await page.reload()
        return await page.locator("table").first.locator("tbody .badge.allow").count() == 2 or None

    await eventually(well, what="a system that does well, with a breaker that is closed")
    work.upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)

    async def opened() -> bool | None:
        await told(work.world.agent().messages.SendMessage(send(), metadata=credential("sales-bot")))
        await page.reload()
        return await page.locator("#workers .badge.deny").count() == 1 or None

    await eventually(opened, what="an open breaker on the page")
    assert await page.locator("table").first.locator("tbody .badge.deny").count() >= 1
    assert await page.locator("#quotas progress").count() == 2  # of each tenant
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0


@LOOKS
async def test_rules_that_failed_are_shown_and_which_key_has_signed(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    rule = {"name": "asks-consent", "effect": "deny", "mode": "monitor", "when": '!facts.consents["email"]'}
    await work.publish(policy(work.upstream.address, rules=[allow_all(), rule]))
    call = work.world.agent().messages.SendMessage(send(), metadata=credential("sales-bot"))
    await call
    decision = str(dict(await call.trailing_metadata())["pilote-decision-id"])
    await work.auditor.decision(decision)

    async def failed() -> bool | None:
        return bool(await failures(work.world.redis, "acme")) or None

    await eventually(failed, what="the failure is kept")
    visitor = await work.enter(await visit(work.url, **look), "vera", Role.AUDITOR)
    page = await visitor.go("/integrity")
    await (
        page.get_by_role("button", name="Verify now")
        .or_(page.get_by_role("button", name="Vérifier maintenant"))
        .click()
    )
    await page.locator("#key").wait_for()
    assert (await page.locator("#key").inner_text()).startswith("pilote.dev/audit/")
    row = page.get_by_role("row").filter(has_text="asks-consent")
    assert await row.get_by_role("link").last.get_attribute("href") == f"/decisions/{decision}"
    assert (await row.get_by_role("link").first.get_attribute("href") or "").startswith("/findings/acme/")
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
