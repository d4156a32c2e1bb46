"""Findings are looked after in a browser: with how sure they are, the decisions that show them, and what people say."""

import pytest

from gateway.adapters.webhooks import Endpoint, Webhooks
from services.control.access.rights import Role
from services.findings.finding import Finding, State
from services.findings.store import FindingStore
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.world import credential, told
from tests.services.findings.test_finding import seen

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
SALES = credential("sales-bot")


async def drifted(work: Workplace) -> tuple[Finding, str]:
    """A drift, found in a decision that is stored; its id too."""
    await work.publish(policy(work.upstream.address))
    ended = await told(work.world.agent().messages.SendMessage(send(), metadata=SALES))
    await work.auditor.decision(ended.decision)
    ours = 'agent = "sales-bot" AND operation = CONTACT'
    store = FindingStore(work.world.redis)
    (finding,) = await store.see([seen(decisions=(ended.decision,), filter=ours)], now_ms=work.world.clock())
    await store.see([seen(kind="novelty", size=0.1, about=(("field", "utm_source"),))], now_ms=0)
    return finding, ended.decision


async def there(work: Workplace, finding: Finding) -> Finding:
    found = await FindingStore(work.world.redis).get("acme", finding.id)
    assert found is not None
    return found


@LOOKS
async def test_a_finding_says_how_sure_it_is_and_opens_the_very_decisions(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    finding, decision = await drifted(work)
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    page = await zoe.go("/findings")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("findings")
    # The gravest is first.
    await page.locator("tbody a").first.click()
    await page.wait_for_url(f"**/findings/acme/{finding.id}")
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("finding")
    said = (await page.locator(".certain").inner_text()).strip()
    assert said.startswith(("In 20 weeks in which nothing is wrong", "Sur 20 semaines où rien ne va mal"))
    figures = await page.locator(".figures").inner_text()
    assert "0.31" in figures or "0,31" in figures
    link = page.get_by_role("link", name="Open the decisions").or_(
        page.get_by_role("link", name="Ouvrir les décisions")
    )
    await link.click()
    await page.locator(f"a[href^='/decisions/{decision}']").first.wait_for()


@LOOKS
async def test_pictures_show_what_was_seen(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    await work.publish(policy(work.upstream.address))
    bins = [
        {"from": None, "to": 12_000.0, "before": 0.5, "now": 0.1},
        {"from": 12_000.0, "to": 40_000.0, "before": 0.4, "now": 0.3},
        {"from": 40_000.0, "to": None, "before": 0.1, "now": 0.6},
    ]
    counts = [at % 3 for at in range(20)] + [17, 21, 19, 20, 16] + [at % 2 for at in range(35)]
    rate = {"value": 4.2, "low": 2.1, "high": 6.3}
    pressure = {
        "groups": [{"from": 0, "to": 0, "per_1000": rate}, {"from": 1, "to": 9, "per_1000": rate | {"high": 12.5}}],
        "holdout": rate,
        "agents": [{"agent": "loud-bot", "contacts": 900, "beyond": 120.0}],
    }
    fairness = {"reference": "m", "rate": 0.2, "reference_rate": 0.4, "share": True, "comparisons": 9, "naive": 4}
    pair = {"refused": "0190a1b2" * 4, "done": "0190a1b3" * 4, "after_ms": 1_500}
    store = FindingStore(work.world.redis)
    found = await store.see(
        [
            seen(shown={"against": "", "bins": bins}),
            seen(20, kind="burst", about=(("reason", "CAP_EXCEEDED"),), shown={"minutes": 5, "counts": counts}),
            seen(kind="pressure", about=(("channel", "email"),), shown=pressure),
            seen(kind="around", about=(("agent", "a"), ("other-agent", "b")), shown={"pairs": [pair]}),
            seen(kind="fairness", about=(("agent", "a"), ("group", "w")), shown=fairness),
            seen(kind="novelty", about=(("agent", "a"),), shown={"field": "channel", "values": ["fax", "minitel"]}),
        ],
        now_ms=work.world.clock(),
    )
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    for each in found:
        page = await zoe.go(f"/findings/acme/{each.id}")
        assert await page.locator("section[aria-labelledby^='picture-']").count() == (
            2 if each.seen.kind in ("pressure", "fairness") else 1
        )
        assert await zoe.axe() == []
        assert await zoe.overflow() <= 0
        await zoe.snap(f"finding-{each.seen.kind}")


async def test_somebody_takes_it_on_says_something_and_closes_it(visit: Visit, work: Workplace) -> None:
    finding, _ = await drifted(work)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go(f"/findings/acme/{finding.id}")
    await page.get_by_role("button", name="Take it on").click()
    await page.get_by_role("status").get_by_text("You look after it now.").wait_for()
    await page.get_by_label("Comment", exact=False).first.fill("began with version 2")
    await page.get_by_role("button", name="Comment only").click()
    await page.get_by_text("began with version 2").wait_for()
    await zoe.go("/findings?tab=mine")
    await page.locator("tbody a").click()
    await page.get_by_label("Comment", exact=False).first.fill("rolled back")
    await page.get_by_role("button", name="Resolved").click()
    await page.get_by_role("button", name="Open again").wait_for()
    assert "state: resolved" in await page.locator(".said").inner_text()
    assert await zoe.axe() == []
    await zoe.snap("finding-resolved")
    closed = await there(work, finding)
    assert (closed.state, closed.owner, len(closed.comments)) == (State.RESOLVED, "zoe", 3)
    page = await zoe.go("/findings?tab=closed")
    assert await page.locator("tbody tr").count() == 1
    assert await zoe.axe() == []


async def test_without_scripts_it_is_given_to_somebody_and_what_is_wrong_is_said_where_it_is(
    visit: Visit, work: Workplace
) -> None:
    finding, _ = await drifted(work)
    await work.enter(await visit(work.url), "maud", Role.MODERATOR)
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    zoe.expected = {422}
    page = await zoe.go(f"/findings/acme/{finding.id}")
    await page.get_by_text("Who and by when").click()
    await page.locator("#owner").fill("nobody at all")
    await page.get_by_role("button", name="Save").click()
    assert "Nobody here is called nobody at all" in await page.locator("#owner-error").inner_text()
    await page.locator("#owner").fill("maud")
    await page.locator("#due").fill("2001-01-01")
    await page.get_by_role("button", name="Save").click()
    assert "from now on" in await page.locator("#due-error").inner_text()
    await page.locator("#owner").fill("maud")
    await page.locator("#due").fill("2030-01-31")
    # Somebody else is faster.
    store = FindingStore(work.world.redis)
    await store.see([seen(9)], now_ms=work.world.clock())
    await page.get_by_role("button", name="Save").click()
    kept = await there(work, finding)
    assert (kept.owner, kept.due_ms) == ("maud", 1_896_134_399_000)
    taken, _ = await zoe.page.locator("h1").inner_text(), await zoe.go(f"/findings/acme/{finding.id}")
    assert taken == "Drift: agent sales-bot, measure latency"
    assert "due: 2030-01-31" in await page.locator(".said").inner_text()


async def test_it_becomes_a_stop_with_its_reason_and_a_draft_and_both_stay_linked(
    visit: Visit, work: Workplace
) -> None:
    finding, _ = await drifted(work)
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR, Role.OFFICER)
    page = await zoe.go(f"/findings/acme/{finding.id}")
    await page.get_by_role("link", name="Stop sales-bot").click()
    assert await page.locator("#reason").input_value() == "Drift: agent sales-bot, measure latency"
    await page.get_by_role("button", name="Stop sales-bot").click()
    await page.get_by_role("status").get_by_text("The agent sales-bot is stopped.").wait_for()
    page = await zoe.go(f"/findings/acme/{finding.id}")
    await page.get_by_role("button", name="Draft a rule").click()
    await page.wait_for_url("**/policy/drafts/*/review")
    await page.get_by_text(f"finding-drift-{finding.id[:8]}").first.wait_for()
    page = await zoe.go(f"/findings/acme/{finding.id}")
    zoe.expected = {422}
    await page.get_by_role("button", name="Send it on").click()
    await page.get_by_text("No other system is told of findings of acme").wait_for()
    wants = Endpoint(id="tasks", url="https://x", tenant="acme", events=(), secret=b"", created_ms=1)
    await Webhooks(work.world.redis).keep(wants)
    await page.get_by_role("button", name="Send it on").click()
    await page.get_by_role("status").get_by_text("It is on its way").wait_for()
    page = await zoe.go(f"/findings/acme/{finding.id}")
    links = page.locator("#desk dd a")
    assert await links.first.inner_text() == "stops/acme/agent=sales-bot"
    assert [each.kind for each in (await there(work, finding)).links] == ["stop", "draft", "event"]
    assert await zoe.axe() == []
    await zoe.snap("finding-linked")


async def test_who_may_only_look_sees_no_way_to_change_it(visit: Visit, work: Workplace) -> None:
    finding, _ = await drifted(work)
    vera = await work.enter(await visit(work.url), "vera", Role.AUDITOR)
    vera.expected = {403, 404}
    page = await vera.go(f"/findings/acme/{finding.id}")
    await page.get_by_text("You may look at findings, not look after them.").wait_for()
    assert await page.locator("#desk form").count() == 0
    status, _ = await vera.sent(f"/findings/acme/{finding.id}/change", act="resolve", state="OPEN")
    assert status == 403
    await vera.go("/findings/acme/0123456789abcdef")
    assert await page.locator("h1").count() == 1
    assert (await there(work, finding)).state is State.OPEN
