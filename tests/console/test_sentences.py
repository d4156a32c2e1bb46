"""A copilot writes rules as sentences in a draft's page: typed, filled in, read back from what others wrote by hand."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import expect

from gateway.redis_clients import Client
from services.control.access.rights import Role
from services.control.drafts.rendering import block
from tests.console.conftest import Visit
from tests.console.test_policy import Company
from tests.e2e.insiders import inside
from tests.e2e.policy import policy
from tests.e2e.world import REPLAY_KEY, auditing
from tests.stores import Store

expect.set_options(timeout=30_000)  # the machine may have other things to do
HAND = {
    "name": "by-hand",
    "operations": ["CONTACT"],
    "when": 'call.channel == "phone" && ("gold" in facts.segments || "vip" in facts.segments)',
    "effect": "deny",
    "message": {"en": "Not these.", "fr": "Pas ceux-là."},
}
ODD = {"name": "odd", "operations": ["CONTACT"], "when": "now.getHours() < 9", "effect": "deny"}


@pytest_asyncio.fixture(loop_scope="session")
async def company(redis: Client, redis_process: Store, tmp_path: Path) -> AsyncIterator[Company]:
    async with (
        auditing(redis_process.url, tmp_path / "audit") as auditor,
        inside(redis, redis_process.url, audit=auditor.address, replay_keys=(REPLAY_KEY,)) as house,
    ):
        ann = await house.somebody("ann", Role.COPILOT)
        ben = await house.somebody("ben", Role.OFFICER)
        yield Company(house.url, ann, ben)


async def _draft(company: Company) -> str:
    data: dict[str, Any] = policy("127.0.0.1:1")
    data["rules"] = [*data["rules"], HAND, ODD]
    made = await company.ann.ask("POST", "/v1/policy-drafts", {"title": "By sentences", "text": block(data)})
    assert made.status_code == 201, made.text
    return str(made.json()["name"])


async def test_a_rule_is_typed_seen_in_yaml_added_and_changed_in_its_blanks(company: Company, visit: Visit) -> None:
    path = await _draft(company)
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await ann.go(f"/policy/{path.replace('policy-drafts', 'drafts')}")
    await page.locator("#parts").get_by_role("link", name="Sentences").click()
    parts = page.locator("#parts")
    await expect(parts).to_contain_text("Never contact gold or vip customers by phone.")
    await expect(parts).to_contain_text("Its condition says more than a sentence can: now.getHours() < 9")
    assert await ann.axe() == []
    box = page.get_by_label("Say a rule")
    await box.press_sequentially("never more than two marketing messages to vip", delay=2)
    await expect(page.locator("#heard")).to_contain_text("customers")
    await expect(page.locator("#heard mark")).to_be_visible()
    await box.press_sequentially(" customers in 7 days", delay=2)
    await expect(page.locator("#heard .writes")).to_contain_text("segments: [vip]")
    await expect(page.locator("#heard .job")).to_contain_text("No call is kept to try it on", timeout=90_000)
    assert await ann.axe() == []
    await page.get_by_role("button", name="Add the sentence").click()
    await expect(page.locator(".cm-content")).to_contain_text("cap-vip-marketing")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await expect(page.locator("#sentence-form")).to_be_visible()
    await page.get_by_label("How many").fill("3")
    await page.get_by_label("In what time").fill("a fortnight")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator("#wrong-period")).to_contain_text("7 days")
    assert await ann.axe() == []
    await page.get_by_label("In what time").fill("a calendar week")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator(".cm-content")).to_contain_text("calendar: {unit: week}")
    await expect(parts.locator(".said")).to_have_text(
        "Never more than 3 marketing messages by any channel in a calendar week to vip customers."
    )
    await ann.snap("sentence")
    await page.get_by_role("button", name="Try").click()
    await expect(page.locator("#tried")).to_contain_text("0 calls.", timeout=90_000)


async def test_a_sentence_is_chosen_and_filled_in_by_keyboard_on_a_phone_in_french(
    company: Company, visit: Visit
) -> None:
    path = await _draft(company)
    ann = await visit(company.url, locale="fr-FR", phone=True, dark=True)
    await ann.continues(company.ann.session)
    page = await ann.go(f"/policy/{path.replace('policy-drafts', 'drafts')}?section=sentences&name=%2Bnever")
    assert await ann.axe() == []
    assert await ann.overflow() <= 0
    await page.locator("#sentence-form summary").filter(has_text="téléphone").press("Enter")
    await page.get_by_label("téléphone").uncheck()
    await page.get_by_label("e-mail").check()
    await page.get_by_label("SMS").check()
    await page.get_by_text("En dire plus").press("Enter")
    await page.get_by_label("Traits du client").fill("tier vaut gold")
    await page.get_by_role("button", name="Appliquer et enregistrer").press("Enter")
    await expect(page.locator(".said")).to_have_text(
        re.compile("Ne jamais solliciter tout client dont tier vaut «\\sgold\\s» par e-mail ou SMS.")
    )
    shown = (await company.ann.ask("GET", f"/v1/{path}")).json()["text"]
    assert 'when: call.channel in ["email", "sms"] && "tier" in facts.traits && facts.traits["tier"] == "gold"' in shown
    assert await ann.axe() == []
    await page.get_by_role("link", name="Phrases", exact=True).first.click()
    await page.get_by_role("link", name="Ne jamais solliciter les clients gold ou vip par téléphone.").click()
    await expect(page.locator("#parts")).to_contain_text("Elle a en outre message")
    await page.get_by_role("button", name="Supprimer", exact=True).click()
    await expect(page.locator("#parts")).not_to_contain_text("les clients gold ou vip")
    assert "by-hand" not in (await company.ann.ask("GET", f"/v1/{path}")).json()["text"]
    assert await ann.overflow() <= 0


async def test_without_scripts_a_sentence_is_added_and_what_is_wrong_is_said(company: Company, visit: Visit) -> None:
    path = await _draft(company)
    ann = await visit(company.url, java_script_enabled=False)
    await ann.continues(company.ann.session)
    page = await ann.go(f"/policy/{path.replace('policy-drafts', 'drafts')}?section=sentences")
    await page.get_by_label("Say a rule").fill("Only sales-bot may contact vip customers")
    await page.get_by_role("button", name="Add the sentence").click()
    await expect(page.locator("#sentence-form")).to_be_visible()
    await page.locator("#sentence-form summary").filter(has_text="sales-bot").click()
    await page.get_by_label("marketing-bot").check()
    await page.locator("#sentence-form summary").filter(has_text="vip customers").click()
    await page.get_by_label("Customers: others").fill("or")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator("#wrong-segments")).to_be_visible()
    await expect(page.get_by_label("marketing-bot")).to_be_checked()
    await page.get_by_label("Customers: others").fill("“or” customers")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator(".said")).to_have_text(
        "Only sales-bot or marketing-bot may contact vip or “or” customers."
    )
    await page.get_by_role("button", name="Show it on recorded calls").click()
    for _ in range(60):
        if await page.get_by_text("No call is kept to try it on").is_visible():
            break
        await page.get_by_role("link", name="See how far it is").click()
    await expect(page.locator(".job")).to_contain_text("No call is kept to try it on")
