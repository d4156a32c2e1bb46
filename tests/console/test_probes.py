"""Suites of probes in a browser: begun, edited with every mistake shown, run with progress, and without scripts too."""

from typing import Any

import msgspec
import pytest
from playwright.async_api import expect

from services.control.access.rights import Role
from services.findings.store import FindingStore
from services.probes.store import SuiteStore
from services.reviews.item import Item, Label, answered
from services.reviews.store import ReviewStore
from tests.console.conftest import Visit
from tests.console.languages import english_in
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.test_probes_over_http import ALLOWS, DENIES, text
from tests.e2e.world import credential, told
from tests.services.findings.test_finding import seen
from tests.services.reviews.test_item import item, says

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
GIVEN = ("zoe", "contacts", "is-allowed", "is-refused")


async def kept(work: Workplace, *probes: Any) -> None:
    await work.publish(policy(work.upstream.address))
    await SuiteStore(work.world.redis).save("acme", text(*probes), by="zoe", now_ms=work.world.clock())


@LOOKS
async def test_a_suite_is_run_with_progress_and_what_fails_is_shown_small(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await kept(work, ALLOWS, DENIES)
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    page = await zoe.go("/probes")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("probes")
    await page.locator("tbody a").first.click()
    await page.locator("#run button.main").click()
    await expect(page.locator("#ran pre")).to_contain_text("verdict: DENY", timeout=120_000)
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("probes-ran")
    page = await zoe.go("/probes/acme/contacts")
    await expect(page.locator("section[aria-labelledby='runs'] pre")).to_contain_text("is-refused-example")
    await expect(page.locator("section[aria-labelledby='stands'] .badge.deny")).to_be_visible()
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes", timeout=60_000)
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("probes-suite")
    if look.get("locale"):
        assert await english_in(page, given=GIVEN) == []


async def test_a_suite_is_begun_and_every_mistake_is_shown_while_it_is_typed(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/probes/new")
    assert await zoe.axe() == []
    zoe.expected |= {422}
    await page.locator("#name").fill("Contacts")
    await page.locator("form[action='/probes/new'] button").click()
    await expect(page.locator("#name-error")).to_be_visible(timeout=60_000)
    await page.locator("#name").fill("contacts")
    await page.locator("form[action='/probes/new'] button").click()
    await page.wait_for_url("**/probes/acme/contacts", timeout=60_000)
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes", timeout=60_000)
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("nothing: 1\n")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "no", timeout=60_000)
    await expect(page.locator("#remarks li").first).to_contain_text("nothing")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Shift+ArrowDown")
    await page.keyboard.press("Delete")  # what is typed over lines, Chromium itself joins, with a style of its own
    await page.keyboard.type("# what must hold\n")
    await expect(page.locator("#check-status")).to_have_attribute("data-good", "yes", timeout=60_000)
    await page.locator("#save").click()
    await expect(page.locator("#save")).to_be_disabled(timeout=60_000)
    there = await SuiteStore(work.world.redis).get("acme/contacts")
    assert there is not None
    assert there.text.startswith("# what must hold\nsuite: contacts")
    assert (there.version, there.updated_by) == (2, "zoe")


async def test_a_draft_that_is_gone_is_still_what_is_chosen_and_nothing_else_is_run(
    visit: Visit, work: Workplace
) -> None:
    await kept(work, ALLOWS)
    zoe = await work.enter(await visit(work.url), "zoe", Role.OFFICER)
    page = await zoe.go("/probes/acme/contacts?draft=0123456789abcdef&version=lead-score/2")
    await expect(page.locator("#target")).to_have_value("draft 0123456789abcdef version lead-score/2")
    await page.locator("#run button.main").click()
    await expect(page.locator("#ran")).to_contain_text("There is no draft")
    page = await zoe.go("/probes/acme/contacts?version=lead-score/9")
    await expect(page.locator("#target")).to_have_value("version lead-score/9")


async def test_all_of_it_works_without_scripts(visit: Visit, work: Workplace) -> None:
    await kept(work, ALLOWS)
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    zoe.expected |= {422}
    page = await zoe.go("/probes/acme/contacts")
    await page.locator("#text").fill("suite: others\n")
    await page.locator("#text-form button").click()
    await expect(page.locator(".callout.error li").first).to_be_visible()
    assert await page.locator("#text").input_value() == "suite: others\n"
    await page.locator("#text").fill(text(ALLOWS, DENIES))
    await page.locator("#text-form button").click()
    await expect(page.locator(".callout.error")).to_have_count(0)
    there = await SuiteStore(work.world.redis).get("acme/contacts")
    assert there is not None
    assert (there.version, there.text) == (2, text(ALLOWS, DENIES))
    await page.locator("#run button.main").click()
    for _ in range(600):
        if not await page.locator("a[href^='/probes/-/jobs/']").count():
            break
        await page.locator("a[href^='/probes/-/jobs/']").click()
    await expect(page.locator(".job pre")).to_contain_text("verdict: DENY")


async def test_a_finding_and_a_review_become_probes_by_one_button(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    ended = await told(work.world.agent().messages.SendMessage(send(), metadata=credential("sales-bot")))
    await work.auditor.decision(ended.decision)
    (finding,) = await FindingStore(work.world.redis).see(
        [seen(decisions=(ended.decision,))], now_ms=work.world.clock()
    )
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/findings/acme/{finding.id}")
    await page.locator("form[action$='/probe'] button").click()
    await page.wait_for_url("**/probes/acme/finding-drift-*", timeout=60_000)
    back = page.locator(f"a[href='/findings/acme/{finding.id}']")
    await back.click()
    await page.locator("a[href^='/probes/acme/finding-drift-']").wait_for()
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("finding-with-probe")

    one = wrong(ended.decision)
    assert await ReviewStore(work.world.redis).put(one)
    page = await zoe.go(f"/reviews/acme/{one.id}")
    assert await zoe.axe() == []
    await page.locator("form[action$='/probe'] button").click()
    await page.wait_for_url("**/probes/acme/reviews", timeout=60_000)
    there = await SuiteStore(work.world.redis).get("acme/reviews")
    assert there is not None
    assert f"review-{one.id}" in there.text


def wrong(decision: str) -> Item:
    """A decision that zoe and bob have found wrong."""
    first = answered(item(decision=decision, verdict="ALLOW"), says("zoe", Label.WRONG_SHOULD_DENY, corrected="HOLD"))
    return msgspec.structs.replace(answered(first, says("bob", Label.WRONG_SHOULD_DENY, corrected="HOLD")), version=1)
