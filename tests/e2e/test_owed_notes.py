"""The big switch works while the audit service is dead, and the log gets its note once when it is back."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.control.access.rights import Role
from services.control.owed_told import HEADER
from services.control.owing import OWED
from tests.e2e.audit_process import AuditProcess
from tests.e2e.insiders import Browser, Inside, inside
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import World, credential, told

SALES = credential("sales-bot")
STOP = {"tenant": "acme", "what": "agent=sales-bot", "reason": "it drifts"}


@pytest.fixture
async def audit(world: World, tmp_path: Path) -> AsyncIterator[AuditProcess]:
    process = AuditProcess(tmp_path / "audit-process", redis_url=world.redis_url)
    process.start()
    await process.until_it_is("SERVING")
    yield process
    process.kill()


@pytest.fixture
async def house(world: World, audit: AuditProcess) -> AsyncIterator[Inside]:
    async with inside(world.redis, world.redis_url, audit=audit.address) as house:
        yield house


async def moderator(house: Inside) -> Browser:
    browser = await house.somebody("zoe", Role.MODERATOR, Role.AUDITOR)

    async def followed() -> bool | None:
        refused = await browser.ask("POST", "/v1/stops", {**STOP, "tenant": "none"})
        return "acme" in refused.json()["detail"] or None

    await eventually(followed, what="the control plane knows the tenants")
    return browser


async def owed(browser: Browser) -> dict[str, Any]:
    return dict((await browser.ask("GET", "/v1/integrity")).json()["owed"])


async def nothing_owed(world: World) -> None:
    async def look() -> bool | None:
        return await world.redis.xlen(OWED) == 0 or None

    await eventually(look, what="all notes are in the log")


async def test_a_stop_works_while_the_audit_service_is_dead_and_stands_in_the_log_when_it_is_back(
    house: Inside, world: World, audit: AuditProcess
) -> None:
    zoe = await moderator(house)
    audit.kill()
    before = dt.datetime.now(dt.UTC)
    stopped = await zoe.ask("POST", "/v1/stops", STOP)
    assert (stopped.status_code, stopped.json()["noteOwed"], stopped.headers[HEADER]) == (201, True, "true")
    assert (await told(world.agent().messages.SendMessage(send(), metadata=SALES))).reason == "STOPPED"
    standing = await owed(zoe)
    assert (standing["notes"], standing["refused"]) == (1, 0)
    assert before <= dt.datetime.fromisoformat(standing["sinceTime"]) <= dt.datetime.now(dt.UTC)

    lifted = await zoe.ask("POST", "/v1/stops:resume", STOP)
    assert (lifted.status_code, lifted.json()["reason"]) == (503, "STORE_UNAVAILABLE")

    audit.start()
    # Another control plane comes, and both bring to the log what is owed.
    async with inside(world.redis, world.redis_url, audit=audit.address):
        await nothing_owed(world)
    lifted = await zoe.ask("POST", "/v1/stops:resume", {**STOP, "reason": "it is mended"})
    assert (lifted.status_code, HEADER in lifted.headers) == (200, False)
    notes = (await zoe.ask("GET", "/v1/notes?kind=change&resource=stops/")).json()["notes"][::-1]
    assert [(each["person"], each["change"]["operation"], each["reason"]) for each in notes] == [
        ("zoe", "create", "it drifts"),
        ("zoe", "delete", "it is mended"),
    ]
    owing, direct = notes
    assert before <= dt.datetime.fromisoformat(owing["change"]["happenTime"])
    assert owing["change"]["happenTime"] < owing["noteTime"]
    assert "happenTime" not in direct["change"]


async def test_an_audit_service_that_hangs_keeps_a_stop_for_a_second_at_most(
    house: Inside, world: World, audit: AuditProcess
) -> None:
    zoe = await moderator(house)
    with audit.hanging():
        stopped = await zoe.ask("POST", "/v1/stops", STOP)
        assert (stopped.status_code, stopped.json().get("noteOwed")) == (201, True), stopped.text
        assert stopped.elapsed < dt.timedelta(seconds=8)
    await nothing_owed(world)
    notes = (await zoe.ask("GET", "/v1/notes?kind=change&resource=stops/")).json()["notes"]
    assert [each["change"]["operation"] for each in notes] == ["create"]


async def test_whoever_has_left_is_let_in_no_more_also_while_the_audit_service_is_dead(
    house: Inside, world: World, audit: AuditProcess
) -> None:
    boss, ada = await house.somebody("boss", Role.ADMIN), await house.somebody("ada", Role.MODERATOR)
    await ada.confirm()
    token = (await ada.ask("POST", "/v1/tokens", {"name": "ci", "scopes": ["see"], "tenants": ["*"]})).json()
    await boss.confirm()
    audit.kill()
    for ended in (
        await ada.ask("DELETE", f"/v1/tokens/{token['token']['id']}"),
        await boss.ask("DELETE", "/v1/accounts/ada/sessions"),
        await boss.ask("POST", "/v1/accounts/ada:disable", {"reason": "has left"}),
    ):
        assert (ended.ok, ended.headers[HEADER]) == (True, "true")
    assert (await ada.log_in("ada")).status_code == 401
    enabled = await boss.ask("POST", "/v1/accounts/ada:enable", {"reason": "is back"})
    assert (enabled.status_code, enabled.json()["reason"]) == (503, "STORE_UNAVAILABLE")

    audit.start()
    auditor = await house.somebody("mia", Role.AUDITOR)
    await nothing_owed(world)
    notes = (await auditor.ask("GET", "/v1/notes?kind=change&resource=accounts/ada")).json()["notes"][::-1]
    told_of = [(each["change"]["operation"], each["change"]["stage"].rpartition("_")[2]) for each in notes]
    assert told_of[-5:] == [
        ("delete", "BEGUN"),
        ("end-sessions", "BEGUN"),
        ("end-sessions", "DONE"),
        ("disable", "BEGUN"),
        ("disable", "DONE"),
    ]
