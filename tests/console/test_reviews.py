"""Decisions are judged in a browser: blind, by keys too and without scripts, and what that tells is shown."""

import msgspec
import pytest

from services.control.access.rights import Role
from services.reviews.item import Label, State, Why
from services.reviews.rules import OFF
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.world import credential, told
from tests.services.reviews.test_item import item, says

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
SALES = credential("sales-bot")


async def waiting(work: Workplace) -> str:
    """A stored decision that waits to be judged, by its id; another one waits behind it."""
    await work.publish(policy(work.upstream.address))
    ended = await told(work.world.agent().messages.SendMessage(send(), metadata=SALES))
    await work.auditor.decision(ended.decision)
    now_ms = work.world.clock()
    first = item(1, decision=ended.decision, verdict="ALLOW", created_ms=now_ms, due_ms=now_ms + 1, chance=1.0)
    second = item(2, verdict="DENY", created_ms=now_ms, due_ms=now_ms + 86_400_000)
    assert await ReviewStore(work.world.redis).add("acme", [first, second]) == "done"
    return ended.decision


@LOOKS
async def test_somebody_takes_the_next_judges_it_and_is_given_another(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    decision = await waiting(work)
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    page = await zoe.go("/reviews")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("reviews")
    await page.locator("form[action='/reviews/next'] button").click()
    await page.locator(f"a[href='/decisions/{decision}']").wait_for()
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("review")
    assert await page.locator("input[value='WRONG_SHOULD_ALLOW']").count() == 0
    await page.locator("input[value='WRONG_SHOULD_DENY']").check()
    await page.locator("#corrected").select_option("DEFER")
    await page.locator("#text").fill("too late in the evening")
    await page.locator("form[action$='/answer'] button").click()
    await page.get_by_role("status").first.wait_for()
    await page.locator("input[value='WRONG_SHOULD_ALLOW']").wait_for()
    (kept,) = [each for each in await ReviewStore(work.world.redis).open("acme") if each.answers]
    answer = kept.answers[0]
    assert (answer.by, answer.label, answer.corrected) == ("zoe", Label.WRONG_SHOULD_DENY, "DEFER")


async def test_without_scripts_two_agree_and_neither_sees_the_other_before(visit: Visit, work: Workplace) -> None:
    await waiting(work)
    store = ReviewStore(work.world.redis)
    (first, _) = await store.open("acme")
    half = msgspec.structs.replace(first, answers=(says("ada", Label.UNCLEAR),), version=2)
    assert await store.put(half)
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    page = await zoe.go("/reviews")
    await page.get_by_role("button", name="Take the next").click()
    assert await page.locator("ol.said").count() == 0
    await page.get_by_label("unclear").check()
    await page.get_by_role("button", name="Judge").click()
    page = await zoe.go(f"/reviews/acme/{first.id}")
    assert "ada" in await page.locator("ol.said").inner_text()
    done = await store.get("acme", first.id)
    assert done is not None
    assert (done.state, done.outcome) == (State.SETTLED, Label.UNCLEAR)


async def test_a_decision_is_flagged_from_its_page_and_whoever_did_is_not_given_it(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    ended = await told(work.world.agent().messages.SendMessage(send(), metadata=SALES))
    await work.auditor.decision(ended.decision)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/decisions/{ended.decision}")
    await page.get_by_role("heading", name="Have it reviewed").click()
    await page.locator("#flag-text").fill("a customer called")
    await page.locator("form[action='/reviews/flag'] button").click()
    await page.get_by_role("status").get_by_text("Somebody else will judge this decision.").wait_for()
    assert await zoe.axe() == []
    (flagged,) = await ReviewStore(work.world.redis).open("acme")
    assert (flagged.why, flagged.barred) == (Why.FLAGGED, ("zoe",))
    page = await zoe.go("/reviews")
    await page.get_by_role("button", name="Take the next").click()
    await page.get_by_role("status").get_by_text("There is nothing more").wait_for()


async def test_an_officer_sets_the_rules_and_sees_the_numbers(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    store, now_ms = ReviewStore(work.world.redis), work.world.clock()
    both = (says("ada", Label.RIGHT, at_ms=30_000), says("bob", Label.RIGHT, at_ms=40_000))
    settled = item(1, answers=both, settled_ms=now_ms, outcome=Label.RIGHT, why=Why.KNOWN, known=Label.RIGHT)
    assert await store.add("acme", [settled]) == "done"
    await work.world.redis.zadd("pilote:{acme/0}:reviews:settled", {settled.id: now_ms})
    otto = await work.enter(await visit(work.url), "otto", Role.OFFICER)
    otto.expected = {422}
    page = await otto.go("/reviews/numbers")
    assert await otto.axe() == []
    assert "ada" in await page.locator("main").inner_text()
    await otto.snap("review-numbers")
    page = await otto.go("/reviews/rules")
    assert await otto.axe() == []
    await page.locator("#random").fill("0.02")
    await page.locator("#dueHours").fill("48")
    await page.get_by_role("button", name="Save the rules").click()
    await page.get_by_role("status").get_by_text("The rules hold").wait_for()
    rules = await RuleBook(work.world.redis).read("acme")
    assert (rules.random, rules.due_hours, rules.risk) == (0.02, 48, OFF.risk)


async def test_who_may_only_look_can_judge_and_set_nothing(visit: Visit, work: Workplace) -> None:
    await waiting(work)
    vera = await work.enter(await visit(work.url), "vera", Role.AUDITOR)
    vera.expected = {403}
    page = await vera.go("/reviews")
    await page.get_by_text("You may see what waits, not judge it.").wait_for()
    assert await page.locator("form[action='/reviews/next']").count() == 0
    assert (await vera.sent("/reviews/next"))[0] == 403
    page = await vera.go("/reviews/rules")
    assert await page.locator("main form").count() == 0
