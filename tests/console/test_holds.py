"""Held calls are looked at by one person at a time, and what they decide happens to the agent's real call."""

from gateway.core import keys
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.visiting import LOOKS
from tests.console.workplace import Workplace
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, policy
from tests.fakes.upstream import answering


async def desk_of(work: Workplace) -> Desk:
    """Messages need a person."""
    work.upstream.behave = answering(SendMessageResponse().SerializeToString())
    await work.publish(policy(work.upstream.address, rules=[HOLD_CONTACTS, allow_all()]))
    return Desk(work.world)


async def test_a_moderator_reads_a_held_call_and_approves_it_and_it_is_made(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/holds")
    await page.get_by_role("heading", name="Nothing waits for you").wait_for()
    held = await desk.held()
    # It comes by itself.
    await page.get_by_role("link", name="SendMessage of sales-bot (acme)").click()
    await page.get_by_text("You have it").wait_for()
    body = page.locator(".fields > .sensitive", has_text="message.body")
    assert "Dear Ada Lovelace" in await body.inner_text()
    assert "Personal" in await body.inner_text()
    await page.get_by_label("Why").fill("she asked for it")
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("status").get_by_text("Approved.", exact=True).wait_for()

    assert (await desk.ended(held)).status == "OK"
    assert len(work.upstream.asked) == 1
    await page.locator("#desk").get_by_text("Made", exact=True).wait_for()
    assert "she asked for it" in await page.locator("#desk").inner_text()
    made = await page.get_by_role("link", name="The call as it was made").get_attribute("href")
    assert made == f"/decisions/{(await desk.read(held)).result}"


async def test_of_two_who_look_the_second_sees_who_has_it_and_cannot_decide_until_it_is_given_back(
    visit: Visit, work: Workplace
) -> None:
    desk = await desk_of(work)
    held = await desk.held()
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/holds/{held}")
    await page.get_by_text("You have it").wait_for()

    bob = await work.enter(await visit(work.url, locale="fr-FR"), "bob", Role.MODERATOR)
    bob.expected = {422}
    other = await bob.go(f"/holds/{held}")
    await other.get_by_text("zoe l’examine.").wait_for()
    assert await other.get_by_role("button", name="Refuser").count() == 0
    # Nor does it help to know how the page would ask.
    status, told = await bob.sent(f"/holds/{held}/decide", act="refuse", reason="mine")
    assert (status, "zoe l’examine" in told) == (422, True)
    assert (await desk.read(held)).state == "PENDING"
    await other.goto(f"{work.url}/holds")
    await other.get_by_role("cell", name="zoe").wait_for()

    # Whoever leaves the page gives it back.
    await zoe.go("/holds")
    await other.get_by_role("cell", name="personne").wait_for()
    await other.get_by_role("link", name="SendMessage de sales-bot (acme)").click()
    await other.get_by_label("Pourquoi").fill("trop tôt")
    await other.get_by_role("button", name="Refuser").click()
    await other.get_by_role("status").get_by_text("Refusé.", exact=True).wait_for()
    ended = await desk.read(held)
    assert (ended.state, ended.decider, ended.comment) == ("REFUSED", "bob", "trop tôt")
    assert work.upstream.asked == []


async def test_a_decision_needs_a_reason_also_without_scripts(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    held = await desk.held()
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    zoe.expected = {422}
    page = await zoe.go(f"/holds/{held}")
    await page.get_by_role("button", name="Take it").click()
    await page.get_by_role("button", name="Refuse").click()
    assert "Say why" in await page.locator("#reason-error").inner_text()
    await page.get_by_label("Why").fill("too soon")
    await page.get_by_role("button", name="Refuse").click()
    assert await page.get_by_text("Refused by a person").is_visible()
    assert (await desk.read(held)).state == "REFUSED"


async def test_what_the_policy_refuses_by_now_is_said_so(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    held = await desk.held()
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/holds/{held}")
    await page.get_by_label("Why").fill("why not")
    deny = {"name": "no-mail", "effect": "deny", "operations": ["CONTACT"]}
    await work.publish(policy(work.upstream.address, rules=[deny, allow_all()]))
    await page.get_by_role("button", name="Approve").click()
    await page.locator("#desk").get_by_text("Came to nothing").wait_for()
    assert "the policy does not allow it (POLICY_DENIED)" in await page.locator("#desk").inner_text()
    assert work.upstream.asked == []


async def test_a_call_that_somebody_has_changed_can_only_be_refused(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    held = await desk.held()
    await work.world.redis.hset(keys.hold(keys.cell("acme"), held), "request", "PLT1 nonsense")
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/holds/{held}")
    await page.get_by_role("button", name="Refuse").wait_for()
    assert await page.get_by_role("button", name="Approve").count() == 0
    assert await zoe.axe() == []


async def test_who_may_only_see_reads_nothing_personal_and_others_tenants_holds_are_not_there(
    visit: Visit, work: Workplace
) -> None:
    held = await (await desk_of(work)).held()
    sue = await work.enter(await visit(work.url), "sue", Role.SRE)
    page = await sue.go(f"/holds/{held}")
    assert "Lovelace" not in await page.content()
    assert await page.locator("#desk").get_by_role("button").count() == 0
    gia = await work.enter(await visit(work.url), "gia", Role.MODERATOR, tenant="globex")
    gia.expected = {404}
    page = await gia.go(f"/holds/{held}")
    assert "Lovelace" not in await page.content()
    await gia.go("/holds")
    assert await page.get_by_role("heading", name="Nothing waits for you").is_visible()


@LOOKS
async def test_the_pages_pass_axe_and_fit(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    held = await (await desk_of(work)).held()
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    for path in ("/holds", "/holds?wait=time", f"/holds/{held}"):
        page = await zoe.go(path)
        await page.get_by_role("heading", level=1).wait_for()
        assert await zoe.axe() == []
        assert await zoe.overflow() <= 0


async def test_a_hold_is_found_taken_and_refused_by_keyboard_alone(visit: Visit, work: Workplace) -> None:
    desk = await desk_of(work)
    held = await desk.held()
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/holds")
    await page.get_by_role("link", name="SendMessage of sales-bot (acme)").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Why").focus()
    await page.keyboard.type("no")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_text("Refused by a person").wait_for()
    assert (await desk.read(held)).comment == "no"
