"""The copilot's whole way: customers have no room left, a sentence lowers a cap, what-if shows it, and it holds."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import expect

from gateway.clock import clock_ms
from gateway.core.record import BucketAsk, BucketLook, Outcome
from services.audit.sqlite.store import SqliteStore
from services.commands.policies import aimed
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure_contacts import WEEK_MS, week_of
from services.workbench.looks.saturation import SaturationLook
from services.workbench.looks.spans import DAY_MS
from services.workbench.server import looking
from tests.console.conftest import Visit
from tests.console.stage import Stage, approves, staged, submits
from tests.console.visiting import Visitor
from tests.e2e.policy import cap, policy
from tests.e2e.requests import ADA, send
from tests.e2e.world import credential, told
from tests.services.workbench.calls import Read, as_stored
from tests.services.workbench.campaigns import contact
from tests.stores import Store

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")
NAME = "five-a-week"
PEOPLE, FULL = 100, 75
"""Customers of last week, and how many of them had no room left under their cap."""


def last_week() -> Iterator[Read]:
    """One contact each, the last of five for most of them."""
    draw = np.random.default_rng(1)
    start_ms = week_of(clock_ms()) - WEEK_MS
    for whom in range(PEOPLE):
        used = 5 if whom < FULL else 1
        granted = msgspec.json.encode(Outcome(granted=True, looks=(BucketLook(used, 0),)))
        asked = (BucketAsk(NAME, "cap", 5, WEEK_MS),)
        yield contact(draw, at_ms=start_ms + whom % 7 * DAY_MS, person=whom, granted=granted, buckets=asked)


@pytest_asyncio.fixture(loop_scope="session")
async def pressed(redis_process: Store, tmp_path: Path, visit: Visit) -> AsyncIterator[Stage]:
    """A stage with that week."""
    store = SqliteStore(tmp_path / "audit")
    await store.write(as_stored(last_week()))
    await store.close()
    async with staged(redis_process.url, tmp_path) as opened:
        yield Stage(*opened, visit)


async def look(stage: Stage, folder: Path) -> None:
    """A round of the workbench: read the log, look for saturated channels, keep what is found."""
    columns = Columns(folder)
    try:
        async with looking(
            columns,
            stage.work.world.redis_url,
            stage.work.auditor.address,
            looks=[SaturationLook()],
            clock_ms=clock_ms,
            aiming=aimed,
        ) as (bench, _):
            made = await bench.round()
    finally:
        columns.close()
    assert (made.failed, len(made.news)) == ((), 1)


async def lowers(carl: Visitor) -> None:
    """From the alert to a draft in which a sentence says two in place of five, seen on recorded calls at once."""
    page = carl.page
    await carl.snap("pressure-1-findings")
    await page.get_by_role("link", name="Saturated: channel email").click()
    await expect(page.locator("main")).to_contain_text("no room left under their caps")
    await carl.snap("pressure-2-alert")
    page = await carl.go("/policy")
    await page.get_by_role("button", name="New draft").click()
    await page.get_by_label("Title").fill("Two a week")
    await page.get_by_role("button", name="Begin").click()
    await page.locator("#parts").get_by_role("link", name="Sentences").click()
    await page.locator("#parts").get_by_role("link", name="Never more than 5 messages").click()
    examples = page.locator("#examples")
    await expect(examples).to_contain_text("3 let through", timeout=120_000)
    await page.get_by_label("How many").fill("2")
    await page.get_by_role("button", name="Apply and save").click()
    await expect(page.locator(".said")).to_contain_text("Never more than 2 messages")
    await expect(examples).to_contain_text("1 stopped, 2 let through", timeout=120_000)
    await expect(examples.locator("a[href^='/decisions/']")).to_have_count(3)
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes")
    assert await carl.axe() == []
    await carl.snap("pressure-3-sentence")


async def tries(carl: Visitor) -> None:
    """What it would have changed for people, of the calls that were recorded."""
    page, draft = carl.page, carl.page.url
    await page.get_by_role("link", name="What if").last.click()
    await page.wait_for_url("**/what-if?draft=**")
    await expect(page.get_by_label(f"{NAME}: at most", exact=True)).to_have_value("2")
    await page.get_by_role("button", name="See what it changes").click()
    # Three calls of this minute are no week to count with: it says so, and what would be decided of each of them.
    found = page.locator("#found")
    await expect(found).to_contain_text("nothing can be said of people yet", timeout=120_000)
    await expect(found).to_contain_text(f"allowed, would be refused\tCAP_EXCEEDED {NAME}\t1", use_inner_text=True)
    assert await carl.axe() == []
    await carl.snap("pressure-4-what-if")
    await page.goto(draft)


async def checks(carl: Visitor) -> str:
    """What it changes and would have decided, and the proposal that it becomes; gives its path."""
    page = carl.page
    await page.get_by_role("link", name="Review and submit").click()
    await expect(page.locator(".changes")).to_contain_text(NAME)
    await page.get_by_role("button", name="Backtest").click()
    await expect(page.locator(".job table").first).to_contain_text(NAME, timeout=120_000)
    await carl.snap("pressure-5-review")
    return await submits(carl, "Customers have no room left.")


async def test_from_an_alert_about_pressure_to_a_cap_that_a_sentence_has_lowered_and_that_holds(
    pressed: Stage, tmp_path: Path
) -> None:
    stage = pressed
    data = policy(stage.work.upstream.address, caps=[cap(5, name=NAME, by=[])], replay={"share": 10_000})
    await stage.begins(data)
    await look(stage, tmp_path / "columns")
    agent = stage.work.world.agent()
    sent = [await told(agent.messages.SendMessage(send(), metadata=SALES)) for _ in range(3)]
    assert [each.reason for each in sent] == ["", "", ""]
    await stage.work.auditor.decision(sent[-1].decision)

    carl = await stage.comes("carl", "/findings")
    await lowers(carl)
    await tries(carl)
    proposal = await checks(carl)
    assert await stage.store.active() == 1

    ora = await stage.comes("ora", proposal, phone=True)
    await approves(ora, proposal)
    await ora.snap("pressure-6-active")
    await stage.runs()
    refused = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
    assert (refused.reason, NAME in refused.text) == ("CAP_EXCEEDED", True)
    assert (await told(agent.messages.SendMessage(send("contacts/bob"), metadata=SALES))).reason == ""
    await stage.work.auditor.decision(refused.decision)
    page = await carl.go(f"/decisions/{refused.decision}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("sales-bot was refused")
    await expect(page.get_by_role("region", name="Why", exact=True)).to_contain_text(NAME)
    await carl.snap("pressure-7-decision")
