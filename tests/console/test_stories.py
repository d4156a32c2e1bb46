"""Stories of people who steer, each from logging in to what a real call through the gateway comes to."""

import pytest
from playwright.async_api import expect

from tests.console.stage import Stage, approves, submits
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.world import credential, told

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")


async def test_a_copilot_adds_a_cap_and_the_next_message_is_refused_with_its_name(stage: Stage) -> None:
    await stage.begins(policy(stage.work.upstream.address))
    agent = stage.work.world.agent()
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    carl = await stage.comes("carl", "/policy")
    page = carl.page
    await carl.snap("cap-1-policy")
    await page.get_by_role("button", name="New draft").click()
    await page.get_by_label("Title").fill("One mail a week")
    await carl.snap("cap-2-begin")
    await page.get_by_role("button", name="Begin").click()
    await page.get_by_role("link", name="Caps").click()
    await page.get_by_role("link", name="New cap").click()
    await page.get_by_label("Name").fill("gentle")
    await page.get_by_label("At most").fill("1")
    await page.get_by_label("Rolling window").fill("7d")
    await carl.snap("cap-3-form")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator(".cm-content")).to_contain_text("gentle")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await carl.snap("cap-4-draft")
    await page.get_by_role("link", name="Review and submit").click()
    await expect(page.locator(".changes")).to_contain_text("gentle")
    await carl.snap("cap-5-review")
    proposal = await submits(carl, "Customers complain.")
    await carl.snap("cap-6-proposal")
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    ora = await stage.comes("ora", "/policy", phone=True)
    await ora.page.get_by_role("link", name=proposal.rpartition("/")[2]).first.click()
    await approves(ora, proposal)
    await ora.snap("cap-7-active")
    await stage.runs()
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""
    refused = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert (refused.reason, "gentle" in refused.text) == ("CAP_EXCEEDED", True)


async def test_nobody_makes_a_policy_active_alone_and_the_page_says_so(stage: Stage) -> None:
    before = await stage.begins(policy(stage.work.upstream.address, description="as it was"))
    agent = stage.work.world.agent()
    ora = await stage.comes("ora", "/policy")
    page = ora.page
    await page.get_by_role("button", name="New draft").click()
    await page.get_by_label("Title").fill("Read only")
    await page.get_by_role("button", name="Begin").click()
    await page.get_by_role("link", name="New rule").click()
    await page.get_by_label("Name").fill("no-contacts")
    await page.get_by_label("Effect").select_option("deny")
    await page.get_by_role("group", name="Operations").get_by_label("contact").check()
    await ora.snap("two-1-rule")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator(".cm-content")).to_contain_text("no-contacts")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await page.get_by_role("link", name="Review and submit").click()
    proposal = await submits(ora, "The campaign is over.")
    number = proposal.rpartition("/")[2]
    await page.get_by_text("You wrote it, so somebody else must agree").wait_for()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await ora.snap("two-2-own")
    status, said = await ora.sent(f"{proposal}/approve", comment="I am sure")
    assert (status, "somebody else" in said) == (403, True)
    assert await stage.store.active() == before
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""

    zoe = await stage.comes("zoe", proposal)  # who may see it, and not approve
    await expect(zoe.page.get_by_role("button", name="Approve")).to_have_count(0)
    await zoe.snap("two-3-seen")
    carl = await stage.comes("carl", "/policy/proposals")
    await carl.snap("two-4-proposals")
    await carl.page.get_by_role("link", name=f"Proposal {number}").click()
    await approves(carl, proposal)
    await stage.runs(before + 1)
    refused = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert (refused.reason, "no-contacts" in str(refused.status)) == ("POLICY_DENIED", True)

    page = await ora.go(f"/policy/history/{before}")
    await page.get_by_role("button", name="Go back to this").click()
    await ora.snap("two-5-back")
    await page.get_by_label("Why").fill("The campaign goes on.")
    await page.locator("dialog[open] button[type=submit], dialog[open] button:not([type])").last.click()
    await page.get_by_role("status").get_by_text(f"revision {before} again").wait_for()
    await stage.runs(before + 2)
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""
