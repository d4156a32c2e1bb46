"""Stories of people who look at what agents do, and stop them, each from logging in to what real calls come to."""

import pytest
from playwright.async_api import expect

from pilote.audit.v1.personal_pb2 import ListNotesRequest
from tests.console.stage import Stage, confirms
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.world import credential, told

pytestmark = pytest.mark.one_store
SALES, MARKETING = credential("sales-bot"), credential("marketing-bot")
NO_SMS = {
    "name": "no-sms",
    "effect": "deny",
    "when": 'call.channel == "sms"',
    "message": {"en": "Nobody asked for SMS.", "fr": "Personne n’a demandé de SMS."},
}


async def test_a_moderator_finds_a_refused_call_reads_why_and_stops_the_agent(stage: Stage) -> None:
    await stage.begins(policy(stage.work.upstream.address, rules=[allow_all(), NO_SMS]))
    agent = stage.work.world.agent()
    refused = await told(agent.messages.SendMessage(send(channel="sms"), metadata=SALES))
    assert refused.reason == "POLICY_DENIED"
    await stage.work.auditor.decision(refused.decision)

    zoe = await stage.comes("zoe", "/decisions")
    page = zoe.page
    await zoe.snap("moderator-1-decisions")
    await page.get_by_label("Filter").fill("verdict = DENY")
    await page.get_by_role("button", name="Find").click()
    await page.wait_for_url("**/decisions?filter=verdict*")
    await zoe.snap("moderator-2-found")
    await page.locator("#list tbody a").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("sales-bot was refused")
    await expect(page.get_by_role("region", name="Why", exact=True)).to_contain_text("no-sms")
    await page.locator(".beside").get_by_text("Nobody asked for SMS.").wait_for()
    await zoe.snap("moderator-3-why")

    await page.get_by_role("link", name="Stop this agent").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Stop the agent sales-bot?")
    await zoe.snap("moderator-4-stop")
    await page.get_by_label("Why").fill("It writes to people who did not ask.")
    await page.get_by_role("button", name="Stop sales-bot").click()
    await page.get_by_role("status").get_by_text("The agent sales-bot is stopped.").wait_for()
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "STOPPED"
    assert (await told(agent.contacts.GetContact(get(), metadata=MARKETING))).reason == ""
    await page.get_by_text("1 call stopped").wait_for()
    await zoe.snap("moderator-5-stopped")

    await page.get_by_role("link", name="Resume sales-bot (acme)").click()
    await page.get_by_label("Why").fill("It asks first now.")
    await zoe.snap("moderator-6-resume")
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_text("Nothing is stopped.").wait_for()
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""


async def test_an_sre_looks_around_verifies_the_log_and_throws_the_big_switch(stage: Stage) -> None:
    await stage.begins(policy(stage.work.upstream.address))
    agent = stage.work.world.agent()
    passed = await told(agent.contacts.GetContact(get(), metadata=SALES))
    await stage.work.auditor.decision(passed.decision)

    sam = await stage.comes("sam", "/now")
    page = sam.page
    await expect(page.locator("#now-state")).to_contain_text("Live")
    await sam.snap("sre-1-now")
    await page.get_by_role("link", name="Integrations").click()
    await page.get_by_role("row", name="crm grpc").wait_for()
    await sam.snap("sre-2-integrations")
    await page.get_by_role("link", name="Integrity").click()
    await page.get_by_role("button", name="Verify now").click()
    await page.locator("#messages").get_by_text("Remembered as it is now").wait_for()
    await page.get_by_role("button", name="Verify now").click()
    await page.locator("#messages").get_by_text("the log has only grown").wait_for()
    await sam.snap("sre-3-integrity")

    await page.get_by_role("link", name="Stops").click()
    await sam.snap("sre-4-stops")
    await page.get_by_role("link", name="Stop everything").click()
    await page.get_by_label("Why").fill("A leak.")
    await page.locator("#sure").check()
    await sam.snap("sre-5-sure")
    await page.get_by_role("button", name="Stop everything").click()
    await page.get_by_role("status").get_by_text("Everything is stopped.").wait_for()
    for who in ("sales-bot", "marketing-bot"):
        stopped = await told(agent.contacts.GetContact(get(), metadata=credential(who)))
        assert stopped.reason == "STOPPED"
    await page.get_by_text("2 calls stopped").wait_for()
    await sam.snap("sre-6-stopped")
    await page.get_by_role("link", name="Resume everything").click()
    await page.get_by_label("Why").fill("It is closed.")
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_text("Nothing is stopped.").wait_for()
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""


async def test_an_auditor_reads_and_takes_along_everything_and_can_change_nothing(stage: Stage) -> None:
    await stage.begins(policy(stage.work.upstream.address))
    agent = stage.work.world.agent()
    sent = await told(agent.messages.SendMessage(send(), metadata=SALES))
    await stage.work.auditor.decision(sent.decision)

    aud = await stage.comes("aud", "/decisions")
    page = aud.page
    await page.get_by_text("Export", exact=True).click()
    await aud.snap("auditor-1-export")
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Write the file").click()
    assert (await (await downloading.value).path()).stat().st_size > 0
    for path, forbidden in NOT_FOR_AUDITORS.items():
        page = await aud.go(path)
        for name in forbidden:
            for role in ("button", "link"):
                await expect(page.get_by_role("main").get_by_role(role, name=name)).to_have_count(0)
        await aud.snap(f"auditor-2{path.replace('/', '-')}")

    page = await aud.go("/integrity/approvals")
    await page.get_by_role("button", name="Ask for something").click()
    await page.get_by_label("What for").select_option("personal-export")
    await page.get_by_label("Customer").fill(ADA)
    await page.get_by_label("Tenant").fill("acme")
    await page.get_by_label("Why").last.fill("Request of 12 May.")
    await aud.snap("auditor-3-ask")
    await page.get_by_role("dialog").get_by_role("button", name="Ask for something").click()
    await page.locator("#messages").get_by_text("another person must agree now").wait_for()
    await expect(page.get_by_role("button", name="Agree")).to_have_count(0)
    dora = await stage.comes("dora", "/integrity/approvals", phone=True)
    await dora.snap("auditor-4-agree")
    await dora.page.get_by_role("textbox", name="Why").fill("He is who he says.")
    dora.expected.add(403)  # she retypes her password
    await dora.page.get_by_role("button", name="Agree").click()
    await confirms(dora)
    await dora.page.locator("#messages").get_by_text("It is noted.").wait_for()
    page = await aud.go("/integrity/approvals")
    await aud.snap("auditor-5-agreed")
    await page.locator("article").get_by_label("Customer").fill(ADA)
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Fetch as JSON").click()
    assert sent.decision in (await (await downloading.value).path()).read_text(encoding="utf-8")
    notes = (await stage.work.auditor.stub.ListNotes(ListNotesRequest())).notes
    assert {each.person for each in notes} >= {"aud", "dora"}


NOT_FOR_AUDITORS = {
    "/policy": ("New draft",),
    "/models": ("Change the weights of crm",),
    "/agents": ("New key", "Stop"),
    "/stops": ("Stop", "Stop everything"),
    "/holds": ("Approve", "Refuse"),
}
"""By page, what only others may do there."""
