"""People see how webhooks do and why events did not arrive, and send them again."""

from typing import Any

import msgspec
import pytest

from gateway.adapters.webhooks import Endpoint, Webhooks
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy

LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
WHY = ("503", "timeout", "unreachable", "not-taken", "not-allowed", "secret")


async def lost(work: Workplace) -> Webhooks:
    """The endpoint e1, which got none of six events, and of which a seventh was left out."""
    store, now_ms = Webhooks(work.world.redis), work.world.clock()
    endpoint = Endpoint(
        id="e1",
        url="https://hooks.example.com/secret-path",
        tenant="acme",
        events=("decision.refused",),
        secret=b"",
        created_ms=now_ms,
    )
    await store.keep(endpoint)
    time = "2026-01-31T08:00:00.000Z"
    for number, why in enumerate(WHY):
        queued: dict[str, Any] = {"kind": "decision.refused", "body": b"{}", "time": time, "now_ms": now_ms}
        await store.enqueue(f"d{number}.refused", [endpoint], **queued)
        (taken,) = await store.claim("e1", now_ms=now_ms, count=1)
        tried = msgspec.structs.replace(taken, attempts=12, status=why)
        await store.failed(tried, now_ms=now_ms)
        await store.bury(tried, now_ms=now_ms + number)
    full = Webhooks(work.world.redis, most=0)
    await full.enqueue("d9.refused", [endpoint], kind="decision.refused", body=b"{}", time=time, now_ms=now_ms)
    return store


@LOOKS
async def test_what_did_not_arrive_is_seen_with_why_and_sent_again(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address))
    visitor = await work.enter(await visit(work.url, **look), "sam", Role.SRE)
    page = await visitor.go("/integrations")
    assert await page.locator("#webhooks table").count() == 0
    store = await lost(work)
    page = await visitor.go("/integrations")
    assert await page.locator("#webhooks .badge.deny").count() == 1
    assert "secret-path" not in await page.content()
    await page.locator("#webhooks a").click()
    await page.locator("#dead tbody tr").first.wait_for()
    assert await page.locator("#dead tbody tr").count() == len(WHY)
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    await page.locator("#dead tbody tr").first.locator("button").click()
    await page.get_by_role("status").first.wait_for()
    assert (await store.standing("e1", now_ms=work.world.clock())).dead == len(WHY) - 1
    await page.locator("#dead form.row > button").first.click()
    await page.locator("#dead table").wait_for(state="detached")
    assert (await store.standing("e1", now_ms=work.world.clock())).waiting == len(WHY)
    assert await visitor.axe() == []


async def test_who_may_not_send_again_sees_no_button_for_it(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    await lost(work)
    visitor = await work.enter(await visit(work.url), "carla", Role.COPILOT)
    page = await visitor.go("/integrations/webhooks/e1")
    assert await page.locator("#dead tbody tr").count() == len(WHY)
    assert await page.locator("#dead button").count() == 0
