"""Agents are seen with what they did, and get new keys: shown once, and good once the policy has their hash."""

import hashlib
from typing import Any

import pytest

from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import agent, allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import credential, told

SALES = credential("sales-bot")


def crew(work: Workplace, *keys: dict[str, str]) -> dict[str, Any]:
    """Two agents; one may not contact anybody by itself."""
    sales = agent("sales-bot", version="3.1", team="sales") | {"autonomy": {"CONTACT": "approve"}}
    sales["keys"] += keys
    deny = {"name": "no-email", "effect": "deny", "operations": ["CONTACT"], "when": 'agent.name == "nurture"'}
    limit = {"name": "per-agent", "by": ["agent"], "rate": 1000}
    agents = [sales, agent("nurture"), agent("globex-bot", tenant="globex")]
    return policy(work.upstream.address, agents=agents, rules=[deny, allow_all()], limits=[limit], caps=[cap(3)])


async def test_what_an_agent_did_is_seen_with_the_rules_that_decided_it(visit: Visit, work: Workplace) -> None:
    await work.publish(crew(work))
    caller = work.world.agent()
    for _ in range(3):
        await told(caller.contacts.GetContact(get(), metadata=credential("nurture")))
    refused = await told(caller.messages.SendMessage(send(), metadata=credential("nurture")))
    await work.auditor.decision(refused.decision)
    ora = await work.enter(await visit(work.url), "ora", Role.OFFICER)
    page = await ora.go("/agents")
    row = page.get_by_role("row", name="nurture")
    await row.get_by_role("img").wait_for()
    assert [await row.get_by_role("cell").nth(each).inner_text() for each in (4, 5, 6)] == ["4", "1", "0"]
    assert "Needs approval" in await page.get_by_role("row", name="sales-bot").inner_text()
    await page.get_by_role("link", name="nurture").click()
    assert await page.get_by_role("heading", level=1).inner_text() == "nurture"
    assert "no-email" in await page.get_by_role("region", name="Rules that applied to its calls").inner_text()
    assert "per-agent" in await page.get_by_role("region", name="Limits and budgets").inner_text()
    last = page.get_by_role("region", name="What it did last").get_by_role("row").nth(1)
    assert await last.get_by_text("Denied", exact=True).is_visible()
    assert await last.get_by_role("link").get_attribute("href") == f"/decisions/{refused.decision}"
    await page.get_by_role("link", name="Stop", exact=True).click()
    assert await page.get_by_role("heading", level=1).inner_text() == "Stop the agent nurture?"


async def test_a_new_key_is_shown_once_and_counts_beside_the_old_one_with_the_policy_that_has_its_hash(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(crew(work))
    ora = await work.enter(
        await visit(work.url, permissions=["clipboard-read", "clipboard-write"]), "ora", Role.OFFICER
    )
    page = await ora.go("/agents/sales-bot")
    await page.get_by_role("button", name="Make a new key").click()
    key = await page.locator("#key").inner_text()
    assert await ora.axe() == []
    await page.get_by_role("button", name="Copy").click()
    await page.locator("[data-copy][data-done]").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    digest = hashlib.sha256(key.encode()).hexdigest()
    draft = await page.get_by_role("link", name="Open the draft").get_attribute("href")
    assert draft is not None
    await ora.go("/agents/sales-bot")
    assert key not in await page.content()
    await ora.go(draft)
    assert digest in await page.content()

    caller = work.world.agent()
    fresh = (("x-api-key", key),)
    assert (await told(caller.contacts.GetContact(get(), metadata=fresh))).reason == "AGENT_UNAUTHENTICATED"
    await work.publish(crew(work, {"id": "new", "sha256": digest}))
    for metadata in (SALES, fresh):
        assert (await told(caller.contacts.GetContact(get(), metadata=metadata))).reason == ""

    await ora.go("/agents/sales-bot")
    await page.get_by_role("button", name="Take out the key e2e").click()
    await page.get_by_text("That the key is gone stands in this draft.").wait_for()
    assert digest in await page.content() or "e2e" in await page.content()


async def test_who_may_make_keys_but_not_write_the_policy_gets_lines_for_it(visit: Visit, work: Workplace) -> None:
    await work.publish(crew(work))
    adam = await work.enter(await visit(work.url, java_script_enabled=False), "adam", Role.ADMIN)
    page = await adam.go("/agents/nurture")
    await page.get_by_role("button", name="Make a new key").click()
    lines = await page.locator("#lines").inner_text()
    assert "name: nurture" in lines
    assert hashlib.sha256((await page.locator("#key").inner_text()).encode()).hexdigest() in lines
    carl = await work.enter(await visit(work.url), "carl", Role.COPILOT)
    carl.expected = {403, 404}
    page = await carl.go("/agents/nurture")
    assert await page.get_by_role("button", name="Make a new key").count() == 0
    assert (await carl.sent("/agents/nurture/keys"))[0] == 403
    gia = await work.enter(await visit(work.url), "gia", Role.MODERATOR, tenant="globex")
    gia.expected = {404}
    await gia.go("/agents/nurture")
    assert await gia.page.get_by_role("heading", level=1).inner_text() == "There is no such page"


@pytest.mark.parametrize(
    "look", [{}, {"dark": True}, {"phone": True, "locale": "fr-FR"}], ids=["desk", "dark", "phone-french"]
)
async def test_the_pages_pass_axe_and_fit(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    ora = await work.enter(await visit(work.url, **look), "ora", Role.OFFICER)
    page = await ora.go("/agents")
    assert await page.get_by_role("heading", level=2).count() == 1
    assert await ora.axe() == []
    await work.publish(crew(work))
    await told(work.world.agent().contacts.GetContact(get(), metadata=SALES))
    for path in ("/agents", "/agents/sales-bot"):
        await ora.go(path)
        assert await ora.axe() == [], path
        assert await ora.overflow() <= 0, path
