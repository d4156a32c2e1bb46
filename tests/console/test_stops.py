"""Stops are made and lifted in a browser, and real calls are refused meanwhile."""

import dataclasses

from services.control.access.rights import Role
from services.control.owing import REFUSED
from tests.console.conftest import Visit
from tests.console.visiting import LOOKS
from tests.console.workplace import Workplace
from tests.e2e.insiders import inside
from tests.e2e.policy import policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import credential, told

SALES = credential("sales-bot")


async def test_a_stop_made_in_a_browser_refuses_the_next_call_and_resuming_lets_it_through(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    agent = work.world.agent()
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/stops")
    await page.get_by_role("link", name="Stop sales-bot", exact=True).click()
    assert await page.get_by_role("heading", level=1).inner_text() == "Stop the agent sales-bot?"
    await page.get_by_label("Why").fill("it drifts")
    await page.get_by_role("button", name="Stop sales-bot").click()
    await page.get_by_role("status").get_by_text("The agent sales-bot is stopped.").wait_for()

    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == "STOPPED"
    assert (await told(agent.contacts.GetContact(get(), metadata=credential("marketing-bot")))).reason == ""
    # The number comes by itself.
    await page.get_by_text("1 call stopped").wait_for()
    active = page.get_by_role("region", name="Stopped now")
    assert "it drifts" in await active.inner_text()
    assert "by zoe" in await active.inner_text()

    await active.get_by_role("link", name="Resume sales-bot").click()
    await page.get_by_label("Why").fill("it is mended")
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_text("Nothing is stopped.").wait_for()
    assert (await told(agent.messages.SendMessage(send(), metadata=SALES))).reason == ""


@LOOKS
async def test_the_pages_pass_axe_and_fit(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    for path in ("/stops", "/stops/new?what=agent%3Dsales-bot&tenant=acme", "/stops/new?what=all&tenant=*"):
        await zoe.go(path)
        assert await zoe.axe() == []
        assert await zoe.overflow() <= 0


async def test_everything_is_stopped_only_by_who_says_that_they_mean_it(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    agent = work.world.agent()
    ada = await work.enter(await visit(work.url, locale="fr-FR"), "ada", Role.SRE)
    ada.expected = {422}
    page = await ada.go("/stops")
    await page.get_by_role("link", name="Tout arrêter").click()
    assert "lectures et inférences comprises" in await page.locator(".will").inner_text()
    await page.get_by_label("Pourquoi").fill("fuite de données")
    await page.get_by_role("button", name="Tout arrêter").click()
    await page.get_by_text("Confirmez qu’il s’agit bien de tout").wait_for()
    assert await ada.axe() == []
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""

    assert await page.get_by_label("Pourquoi").input_value() == "fuite de données"
    await page.get_by_label("Je veux que plus rien ne passe.").check()
    await page.get_by_role("button", name="Tout arrêter").click()
    await page.get_by_role("status").get_by_text("Tout est à l’arrêt.").wait_for()
    for name in ("sales-bot", "globex-bot"):
        assert (await told(agent.contacts.GetContact(get(), metadata=credential(name)))).reason == "STOPPED"
    await page.get_by_role("link", name="Tout reprendre").click()
    await page.get_by_label("Pourquoi").fill("fuite colmatée")
    await page.get_by_role("button", name="Reprendre").click()
    await page.get_by_role("status").get_by_text("Tout reprend.").wait_for()
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""


async def test_a_stop_needs_a_reason_and_says_so_beside_the_field_also_without_scripts(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR, tenant="acme")
    zoe.expected = {422}
    page = await zoe.go("/stops?q=SALES")
    assert await page.get_by_role("link", name="Stop marketing-bot").count() == 0
    await page.get_by_role("link", name="Stop sales-bot", exact=True).click()
    await page.get_by_role("button", name="Stop sales-bot").click()
    assert "Say why" in await page.locator("#reason-error").inner_text()
    assert await page.get_by_label("Why").get_attribute("aria-invalid") == "true"
    await page.get_by_label("Why").fill("it drifts")
    await page.get_by_role("button", name="Stop sales-bot").click()
    assert await page.get_by_text("it drifts").is_visible()


async def test_who_may_only_see_is_offered_no_switch_and_who_may_in_one_tenant_none_of_another(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    carl = await work.enter(await visit(work.url), "carl", Role.COPILOT)
    page = await carl.go("/stops")
    assert await page.get_by_text("globex-bot").is_visible()
    assert await page.get_by_role("main").get_by_role("link").count() == 0
    carl.expected = {403}
    await carl.go("/stops/new?what=all")
    assert await page.get_by_role("heading", level=1).inner_text() == "You may not see this"

    gia = await work.enter(await visit(work.url), "gia", Role.MODERATOR, tenant="globex")
    page = await gia.go("/stops")
    assert await page.get_by_text("sales-bot").count() == 0
    assert await page.get_by_role("link", name="Stop everything").count() == 0
    gia.expected = {403}
    await gia.go("/stops/new?what=agent%3Dsales-bot&tenant=acme")
    assert await page.get_by_role("heading", level=1).inner_text() == "You may not see this"


async def test_what_is_typed_narrows_the_choice_and_the_field_keeps_the_focus(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/stops")
    await page.get_by_label("Find what to stop").press_sequentially("research")
    await page.wait_for_url("**/stops?q=research")  # what is typed is looked for as it comes
    await page.get_by_role("link", name="Stop sales-bot", exact=True).wait_for(state="detached")
    assert await page.get_by_role("link", name="Stop research-bot").is_visible()
    assert await page.evaluate("document.activeElement.id") == "q"
    assert page.url.endswith("?q=research")


async def test_what_is_shown_anew_takes_no_focus_away(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    await work.stop("channel=email", "too many")
    page = await zoe.go("/stops")
    resume = page.get_by_role("region", name="Stopped now").get_by_role("link", name="Resume email")
    await resume.focus()
    await work.stop("channel=sms", "these too")
    await page.get_by_role("region", name="Stopped now").get_by_text("these too").wait_for()
    assert await resume.evaluate("element => element === document.activeElement")


async def test_what_cannot_be_stopped_is_refused_in_words(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    zoe.expected = {422, 404}
    await zoe.go("/stops")
    for what in ("", "agent", "agent=", "al l", "nonsense=1", "agent=a b", "agent=" + "x" * 129):
        status, told = await zoe.sent("/stops", what=what, tenant="acme", reason="x")
        assert (status, "Nothing can be stopped by this name" in told) == (422, True)
    _, told = await zoe.sent("/stops", what="agent=<b>", tenant="acme", reason="<i>")
    assert "&lt;b&gt;" in told
    assert "<i>" not in told
    assert (await zoe.sent("/stops", what="all", tenant="nowhere", reason="x", sure="yes"))[0] == 404


async def test_the_switch_works_while_no_audit_service_answers_and_the_log_gets_it_later(
    visit: Visit, work: Workplace
) -> None:
    await work.publish(policy(work.upstream.address))
    async with inside(work.world.redis, work.world.redis_url) as dark:
        blind = dataclasses.replace(work, url=dark.url)
        zoe = await work.enter(await visit(dark.url, locale="fr-FR"), "zoe", Role.MODERATOR)
        await blind.follows(1)
        page = await zoe.go("/stops/new?what=all&tenant=*")
        await page.get_by_label("Pourquoi").fill("fuite")
        await page.locator("#sure").check()
        await page.get_by_role("button", name="Tout arrêter").click()
        await page.locator("#messages").get_by_text("il y sera inscrit dès que le service d’audit répondra").wait_for()
        assert (await told(work.world.agent().messages.SendMessage(send(), metadata=SALES))).reason == "STOPPED"
    # The other control plane, which does reach it, brings it there.
    mia = await work.enter(await visit(work.url), "mia", Role.AUDITOR)
    page = await mia.go("/integrity/changes?resource=stops/")

    async def noted() -> bool | None:
        await page.reload()
        return await page.get_by_text("stops/acme/all").count() == 1 or None

    await eventually(noted, what="the stop is in the log")
    assert "noted" in await page.get_by_role("row").filter(has_text="stops/acme/all").inner_text()


async def test_integrity_says_what_is_owed_to_the_log(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    async with inside(work.world.redis, work.world.redis_url) as dark:
        blind = dataclasses.replace(work, url=dark.url)
        await work.world.redis.xadd(REFUSED, {b"note": b""})
        zoe = await blind.enter(await visit(dark.url), "zoe", Role.AUDITOR)
        page = await zoe.go("/integrity")
        await page.get_by_text("1 note of a change was refused by the log").wait_for()
        assert await zoe.axe() == []
