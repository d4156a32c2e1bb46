"""Decisions are judged in a browser: blind, by keys too and without scripts, and what that tells is shown."""

import msgspec
import pytest

from gateway.core import keys
from services.control.access.rights import Role
from services.findings.store import FindingStore
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import Label, State, Why
from services.reviews.rules import OFF
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import Data, policy
from tests.e2e.requests import send
from tests.e2e.world import credential, told
from tests.services.findings.test_finding import seen
from tests.services.reviews.test_item import item, says

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
SALES = credential("sales-bot")


async def stored(work: Workplace) -> str:
    """A stored decision, by its id."""
    await work.publish(policy(work.upstream.address))
    ended = await told(work.world.agent().messages.SendMessage(send(), metadata=SALES))
    await work.auditor.decision(ended.decision)
    return ended.decision


async def waiting(work: Workplace) -> str:
    """A stored decision that waits to be judged, by its id; another one waits behind it."""
    decision, now_ms = await stored(work), work.world.clock()
    first = item(1, decision=decision, verdict="ALLOW", created_ms=now_ms, due_ms=now_ms + 1, chance=1.0)
    second = item(2, verdict="DENY", created_ms=now_ms, due_ms=now_ms + 86_400_000)
    assert await ReviewStore(work.world.redis).add("acme", [first, second]) == "done"
    return decision


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
    decision = await stored(work)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/decisions/{decision}")
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


async def judged_by_all(work: Workplace) -> None:
    """Eleven of 22 decisions that version 2 of a model led to, of which one was wrong, and two with known answers."""
    store, now_ms = ReviewStore(work.world.redis), work.world.clock()
    hour = now_ms // HOUR_MS - 1
    settled = []
    for number in range(1, 14):
        label = Label.WRONG_SHOULD_DENY if number in {1, 12} else Label.RIGHT
        both = (says("ada", label, at_ms=30_000), says("bob", label, at_ms=40_000))
        plain: dict[str, object] = {"model": "lead-score", "model_version": "2", "verdict": "ALLOW", "answers": both}
        plain |= {"received_ms": hour * HOUR_MS, "settled_ms": now_ms, "outcome": label}
        plain |= {"chance": 0.5} if number < 12 else {"known": label, "why": Why.KNOWN}
        settled.append(item(number, **plain))
    there = msgspec.json.encode(Drawn(11, (("sales-bot", "lead-score", "2", 22),)))
    assert await store.add("acme", settled, hour=hour, drawn=there) == "done"
    await work.world.redis.zadd(keys.reviews("acme", "settled"), {each.id: now_ms for each in settled})


def candidate(work: Workplace) -> Data:
    """A rollout of version 2 of a model."""
    versions = [{"version": each, "upstream": "crm"} for each in ("1", "2")]
    arms = [{"name": "old", "version": "1", "weight": 10_000}, {"name": "new", "version": "2", "weight": 0}]
    route = {"name": "scores", "methods": ["/pilote.inference.v1.*"], "models": ["lead-score"]}
    rollout: Data = {"name": "up", "route": "scores", "arm": "new", "against": "old"}
    rollout |= {"steps": [{"share": 10_000, "hold": "1h"}], "success": [{"measure": "error_rate", "margin": 0.3}]}
    return policy(
        work.upstream.address,
        models=[{"name": "lead-score", "versions": versions}],
        routes=[route | {"arms": arms}],
        rollouts=[rollout | {"guardrails": [{"measure": "error_rate"}]}],
    )


@LOOKS
async def test_what_reviewers_say_of_a_version_stands_beside_it_and_beside_its_rollout(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(candidate(work))
    await judged_by_all(work)
    otto = await work.enter(await visit(work.url, **look), "otto", Role.OFFICER)
    for path in ("/models/versions", "/models/rollouts/up"):
        page = await otto.go(path)
        assert await otto.axe() == []
        assert await otto.overflow() <= 0
        await otto.snap(f"reviewed-{path.rpartition('/')[2]}")
        said = page.locator("a[href^='/reviews/versions']")
        assert await said.count() == 1
        assert (await said.inner_text()).strip().startswith(("9.1%", "9,1"))
    await said.click()
    await page.wait_for_url("**/reviews/versions?model=lead-score&version=2")
    assert await otto.axe() == []
    assert await otto.overflow() <= 0
    await otto.snap("reviewed-version")
    assert await page.locator("section:has(#items) tbody tr").count() == 11


async def test_who_judges_sees_how_many_were_wrong_and_not_which(visit: Visit, work: Workplace) -> None:
    await work.publish(candidate(work))
    await judged_by_all(work)
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    page = await zoe.go("/reviews/versions?model=lead-score&version=2")
    assert "9.1%" in await page.locator(".figures").inner_text()
    assert await page.locator("main a[href^='/reviews/acme/']").count() == 0


async def test_the_decisions_of_a_finding_join_the_queue_from_its_page(visit: Visit, work: Workplace) -> None:
    decision = await stored(work)
    found = await FindingStore(work.world.redis).see([seen(decisions=(decision,))], now_ms=work.world.clock())
    about = (("reviewer", "zoe"), ("measure", "haste"))
    await FindingStore(work.world.redis).see([seen(kind="review", about=about)], now_ms=work.world.clock())
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/findings/acme/{found[0].id}")
    await page.get_by_role("button", name="Have its decisions reviewed").click()
    await page.get_by_role("status").get_by_text("Others will judge the decisions that it names.").wait_for()
    assert await zoe.axe() == []
    await zoe.snap("finding-reviewed")
    (flagged,) = await ReviewStore(work.world.redis).open("acme")
    assert (flagged.decision, flagged.flags[0].finding) == (decision, f"findings/acme/{found[0].id}")
    assert await page.locator(f"a[href='/reviews/acme/{flagged.id}']").count() == 1
    # How she reviews is hers to read and to explain, not to close.
    page = await zoe.go("/findings")
    await page.get_by_role("link", name="reviewer zoe").click()
    await page.get_by_text("It is about how you review").wait_for()
    assert await page.locator("button[value='resolve']").count() == 0
    await page.locator("#text").fill("I was on the train")
    await page.locator("button[value='comment']").click()
    await page.get_by_role("status").get_by_text("Said.").wait_for()
