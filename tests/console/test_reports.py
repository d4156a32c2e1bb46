"""Whoever sees decisions has a report made on a page, follows it, takes it along, and reads what proves it."""

import datetime as dt
from pathlib import Path

import pytest

from services.control.access.rights import Role
from services.control.console.pages.reports import last_month
from services.control.reports.store import Files, Kept, ReportStore, Written
from services.report_making import Wanted
from tests.console.conftest import Visit
from tests.console.workplace import Workplace
from tests.e2e.policy import policy

pytestmark = pytest.mark.timeout(600)  # matplotlib looks for fonts the first time
MADE_MS = 300_000
DAY_MS = 86_400_000
LOOKS = pytest.mark.parametrize(
    "look", [{}, {"phone": True, "dark": True, "locale": "fr-FR"}], ids=["desk", "dark-phone-french"]
)
MODELS = {
    "name": "lead-score",
    "versions": [{"version": "2.1", "upstream": "crm"}, {"version": "2.2", "upstream": "crm"}],
}


async def keep(work: Workplace, owner: str, number: int, *, written: Written | None = None) -> Kept:
    """A report that somebody has asked for, made by nobody or as if it were."""
    now_ms, store = work.world.clock(), ReportStore(work.world.redis)
    wanted = Wanted(
        kind="version", start_ms=0, end_ms=DAY_MS, language="en", model="<b>m</b>", version="2.1", tenant="acme"
    )
    kept = Kept(id=f"{number:016x}", owner=owner, wanted=wanted, tenants=None, created_ms=now_ms + number)
    await store.begin(kept)
    if written is not None:
        await store.write(kept, written, Files(b"<!doctype html>", b"%PDF-1.7"), now_ms=now_ms)
    return kept


@LOOKS
async def test_the_page_shows_what_was_made_what_was_not_and_what_proves_it(
    visit: Visit, work: Workplace, look: dict[str, object]
) -> None:
    await work.publish(policy(work.upstream.address, models=[MODELS]))
    zoe = await work.enter(await visit(work.url, **look), "zoe", Role.MODERATOR)
    page = await zoe.go("/reports")
    await page.locator(".empty").wait_for()
    assert await zoe.axe() == []
    await zoe.snap("reports-empty")
    written = Written(
        title="T",
        sha256="ab" * 32,
        made_ms=1,
        tree_size=54_321,
        root="cd" * 32,
        signed_ms=1,
        note="note\n",
        key="k+1+A",
    )
    await keep(work, "zoe", 1, written=written)
    await keep(work, "zoe", 2, written=Written(title="T", sha256="ab" * 32, made_ms=1))
    await keep(work, "zoe", 3)
    await keep(work, "bob", 4, written=written)
    page = await zoe.go("/reports")
    assert await page.locator("article").count() == 3
    for details in await page.locator("details summary").all():
        await details.click()
    assert await zoe.axe() == []
    assert await zoe.overflow() <= 0
    await zoe.snap("reports")
    said = await page.locator("main").inner_text()
    french = "locale" in look
    for each in ("pilote verify log.jsonl --key 'k+1+A' --previous checkpoint.txt", "ab" * 32) + (
        ("54\N{NARROW NO-BREAK SPACE}321", "relancez-le") if french else ("54,321", "start it again")
    ):
        assert each in said, each
    assert (await zoe.sent(f"/reports/{3:016x}/cancel"))[0] == 200
    zoe.expected.add(404)
    assert (await zoe.sent(f"/reports/{4:016x}/cancel"))[0] == 404
    assert (await page.request.get(f"{work.url}/reports/{4:016x}/pdf")).status == 404


async def test_a_report_is_made_and_taken_along(visit: Visit, work: Workplace, tmp_path: Path) -> None:
    await work.publish(policy(work.upstream.address, models=[MODELS]))
    zoe = await work.enter(await visit(work.url), "zoe", Role.MODERATOR)
    page = await zoe.go("/reports")
    first, last = last_month(work.world.clock())
    assert await page.get_by_label("First day").input_value() == first.isoformat()
    assert await page.get_by_label("Last day").input_value() == last.isoformat()
    await page.get_by_label("What about").select_option(label="Model lead-score, version 2.1")
    await page.get_by_label("Language of the report").select_option("fr")
    await page.get_by_role("button", name="Make the report").click()
    await page.get_by_text("It is being made.", exact=True).wait_for()
    assert await page.locator(".callout").count() == 0
    taking = page.get_by_role("link", name="PDF of")
    await taking.wait_for(timeout=MADE_MS)
    async with page.expect_download() as downloaded:
        await taking.click()
    file = await downloaded.value
    assert file.suggested_filename == f"version-{first.isoformat()}.pdf"
    await file.save_as(tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-1.7")


async def test_without_scripts_it_is_asked_for_and_what_is_wrong_is_said(visit: Visit, work: Workplace) -> None:
    await work.publish(policy(work.upstream.address))
    zoe = await work.enter(await visit(work.url, java_script_enabled=False), "zoe", Role.MODERATOR)
    page = await zoe.go("/reports")
    zoe.expected.add(422)
    await page.get_by_label("Last day").fill("2020-01-31")
    await page.get_by_role("button", name="Make the report").click()
    assert "must end after its start" in await page.locator(".callout").inner_text()
    assert await page.get_by_label("Last day").input_value() == "2020-01-31"
    page = await zoe.go("/reports")
    await page.get_by_role("button", name="Make the report").click()
    await page.locator("article").wait_for()
    assert await page.locator("article").count() == 1


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        ("2026-01-01T00:00:00", "2025-12-01", "2025-12-31"),
        ("2024-03-31T23:59:59", "2024-02-01", "2024-02-29"),
        ("2026-11-29T16:00:00", "2026-10-01", "2026-10-31"),
    ],
)
def test_the_month_before_is_what_is_offered(now: str, first: str, last: str) -> None:
    at = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    assert [each.isoformat() for each in last_month(round(at.timestamp() * 1000))] == [first, last]
