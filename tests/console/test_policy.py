"""Stories of people who change the policy on the console's pages."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from gateway.redis_clients import Client
from services.control.access.rights import Role
from services.control.drafts.rendering import block
from tests.console.conftest import Visit
from tests.console.visiting import Visitor
from tests.e2e.insiders import Browser, inside
from tests.e2e.policy import policy
from tests.e2e.waiting import eventually
from tests.e2e.world import REPLAY_KEY, auditing
from tests.stores import Store

expect.set_options(timeout=30_000)  # the machine may have other things to do


@dataclass
class Company:
    """A control plane whose first policy ann and ben have made active."""

    url: str
    ann: Browser
    ben: Browser


@pytest_asyncio.fixture(loop_scope="session")
async def company(redis: Client, redis_process: Store, tmp_path: Path) -> AsyncIterator[Company]:
    async with (
        auditing(redis_process.url, tmp_path / "audit") as auditor,
        inside(redis, redis_process.url, audit=auditor.address, replay_keys=(REPLAY_KEY,)) as house,
    ):
        ann = await house.somebody("ann", Role.OFFICER)
        ben = await house.somebody("ben", Role.COPILOT)
        for who in (ann, ben):
            assert (await who.confirm()).ok
        begun = await ann.ask("POST", "/v1/policy-drafts", {"title": "t", "text": block(policy("127.0.0.1:1"))})
        path, seen = begun.json()["name"], {"if-match": begun.headers["etag"]}
        made = await ann.ask("POST", f"/v1/{path}:submit", {"reason": "The first one"}, headers=seen)
        assert made.status_code == 201, made.text
        done = await ben.ask("POST", f"/v1/{made.json()['name']}:approve", {})
        assert done.json()["revision"] == 1, done.text

        async def follows() -> bool | None:
            return "1" in (await ann.ask("GET", "/v1/workers")).text or None

        await eventually(follows, what="the control plane follows")
        yield Company(house.url, ann, ben)


async def draft(visitor: Visitor, title: str) -> Page:
    """A new draft, begun on the overview."""
    page = await visitor.go("/policy")
    await page.locator(".page-head button.main").click()
    await page.locator("#title").fill(title)
    await page.locator("dialog[open] button.main").click()
    await expect(page.locator("h1")).to_have_text(title)
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    return page


async def test_ann_adds_a_cap_by_a_form_and_ben_approves_it_on_his_phone_in_french(
    company: Company, visit: Visit
) -> None:
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await draft(ann, "Fewer messages")
    begun = page.url.removeprefix(company.url)
    assert await ann.axe() == []
    await page.locator("#parts").get_by_role("link", name=re.compile("^Caps")).click()
    await page.get_by_role("link", name="New cap").click()
    await page.get_by_label("Name").fill("daily")
    await page.get_by_label("At most").fill("many")
    await page.get_by_label("Rolling window").fill("1d")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator("#f-max-error")).to_contain_text("expected a whole number, got a text")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "no")
    assert await ann.axe() == []
    await page.get_by_label("At most").fill("1")
    await page.get_by_role("button", name="Try").click()  # as the form says it, which is not saved yet
    await expect(page.locator("#tried")).to_contain_text("0 calls.", timeout=90_000)
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await expect(page.locator(".cm-content")).to_contain_text("{name: daily, max: 1, window: 1d}")
    await page.locator("#review").click()
    await expect(page.locator(".changes")).to_contain_text("daily")
    assert await ann.axe() == []
    await page.get_by_role("button", name="Plan").click()
    await expect(page.locator("#planned table")).to_contain_text("daily", timeout=60_000)
    await page.get_by_label("Why").fill("One message a day is enough.")
    await page.get_by_role("button", name="Sign and submit").click()
    await expect(page.locator("h1")).to_have_text("Proposal 2")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    ben = await visit(company.url, locale="fr-FR", phone=True, dark=True)
    await ben.continues(company.ben.session)
    page = await ben.go("/policy/proposals")
    assert await ben.overflow() <= 0
    await page.get_by_role("link", name="Proposition 2").click()
    await expect(page.locator(".page-head")).to_contain_text("One message a day is enough.")
    assert await ben.axe() == []
    assert await ben.overflow() <= 0
    await page.get_by_label("Commentaire").fill("D’accord")
    await page.get_by_role("button", name="Approuver").click()
    await expect(page.locator(".page-head .badge")).to_have_text("Active")
    page = await ben.go("/policy/history")
    assert await ben.axe() == []
    await page.get_by_role("link", name="Révision 2").click()
    await expect(page.locator(".changes")).to_contain_text("Ajoute le plafond daily")
    assert await ben.axe() == []
    for path in ("/policy", begun, f"{begun}?section=rules&name=allow-all", f"{begun}/review"):
        await ben.go(path)
        assert await ben.overflow() <= 0
        assert await ben.axe() == []


async def test_what_is_typed_is_checked_completed_and_saved_by_keyboard_alone(company: Company, visit: Visit) -> None:
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await draft(ann, "By keyboard")
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("\nlimits:\n- name: few\n", delay=5)
    await page.keyboard.type("by: [agent]\nrate: 1\non_store_error: clo", delay=5)
    await expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("closed")
    # The editor takes no key for its list in the first 75 ms that it is shown: nobody could mean it.
    await page.evaluate("() => new Promise((done) => setTimeout(done, 150))")
    await page.keyboard.press("Enter")
    await page.keyboard.type("\nmdoe: monitor", delay=5)
    await page.keyboard.press("Escape")
    remark = page.locator("#remarks li.error").first
    await expect(remark).to_contain_text("did you mean 'mode'?")
    await remark.get_by_role("button").press("Enter")
    await expect(page.locator(".cm-content")).to_be_focused()
    await page.keyboard.press("Control+End")
    for _ in "mdoe: monitor":
        await page.keyboard.press("Backspace")
    await page.keyboard.type("mode: monitor", delay=5)
    await page.keyboard.press("Escape")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await page.keyboard.press("Control+s")
    await expect(page.locator("#save")).to_be_disabled()
    saved = (await company.ann.ask("GET", f"/v1/policy-drafts/{page.url.rpartition('/')[2]}")).json()
    assert saved["text"].endswith("on_store_error: closed\n  mode: monitor")
    await page.keyboard.press("Tab")
    await expect(page.locator(".cm-content")).not_to_be_focused()


async def test_whoever_is_slower_sees_both_texts_and_chooses(company: Company, visit: Visit) -> None:
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await draft(ann, "Two at once")
    path = f"/v1/policy-drafts/{page.url.rpartition('/')[2]}"
    text = (await company.ben.ask("GET", path)).json()["text"]
    other = await company.ben.ask("PUT", path, {"text": text + "# ben\n"}, headers={"if-match": '"1"'})
    assert other.ok
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("# ann")
    ann.expected.add(412)
    await page.keyboard.press("Control+s")
    dialog = page.locator("dialog#changed")
    await expect(dialog).to_contain_text("ben has changed this draft meanwhile")
    await expect(dialog).to_contain_text("-# ben")
    assert await ann.axe() == []
    await dialog.get_by_role("button", name="Write mine over it").click()
    await expect(page.locator("#save")).to_be_disabled()
    assert (await company.ben.ask("GET", path)).json()["text"] == text + "# ann"


async def test_ann_bounds_an_agent_by_a_form_and_promises_what_a_route_does(company: Company, visit: Visit) -> None:
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await draft(ann, "Ask first")
    for section, part, label, value in (
        ("Agents", "sales-bot", "May contact", "approve"),
        ("Routes", "crm", "Objective: calls answered, in percent", "99.9"),
    ):
        await page.get_by_role("navigation", name="Parts of the policy").get_by_role("link", name=section).click()
        await page.locator("#parts").get_by_role("link", name=part, exact=True).click()
        field = page.get_by_label(label)
        if section == "Agents":
            await field.select_option(value)
        else:
            await field.fill(value)
        assert await ann.axe() == []
        await ann.snap(f"form-{section.lower()}")
        await page.get_by_role("button", name="Apply and save").click()
        await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
        await expect(page.locator(".cm-content")).to_contain_text(value)
    for section in ("Experiments", "Holdouts", "Tenants"):
        await page.get_by_role("navigation", name="Parts of the policy").get_by_role("link", name=section).click()
        await page.locator("#parts").get_by_role("link", name="New").click()
        await page.locator("#part-form").wait_for()
        assert await ann.axe() == []
        await ann.snap(f"form-{section.lower()}")


async def test_ann_states_an_objective_with_guardrails_by_a_form(company: Company, visit: Visit) -> None:
    ann = await visit(company.url)
    await ann.continues(company.ann.session)
    page = await draft(ann, "Spring")
    sections = page.get_by_role("navigation", name="Parts of the policy")
    await sections.get_by_role("link", name="Objectives").click()
    await page.locator("#parts").get_by_role("link", name="New").click()
    for label, value in (
        ("name", "spring-vip"), ("tenant", "acme"), ("campaign", "Spring"), ("target", "0.05"),
        ("period-first", "2026-03-01"), ("period-last", "2026-05-31"),
    ):  # fmt: skip
        await page.locator(f"#f-{label}").fill(value)
    guardrails = page.get_by_role("group", name="Guardrails")
    await guardrails.get_by_label("opt-outs").fill("2")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(guardrails.locator(".error")).to_be_visible()
    assert await ann.axe() == []
    await guardrails.get_by_label("opt-outs").fill("0.01")
    await guardrails.get_by_label("much too much").fill("0.2")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await expect(page.locator(".cm-content")).to_contain_text("opt_out_rate")
    await expect(guardrails.get_by_label("opt-outs")).to_have_value("0.01")
    assert await ann.axe() == []
    await ann.snap("form-objectives")
