"""A moderator looks for decisions and reads why they came about."""

import pytest
from playwright.async_api import Page, expect

from services.control.times import iso
from tests.console.conftest import Visit
from tests.console.desk import CUSTOMER, SUBJECT, Desk
from tests.console.visiting import LOOKS, Visitor


async def _listed(visitor: Visitor, path: str = "/decisions") -> Page:
    """The list, with everything that comes after it."""
    page = await visitor.go(path)
    await page.locator(".plot canvas").wait_for()
    return page


async def test_a_moderator_finds_a_refused_call_and_reads_why(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    await page.locator("#facets").get_by_title("DENY", exact=True).click()
    await expect(page.get_by_label("Filter", exact=True)).to_have_value("verdict = DENY")
    await page.locator("#facets").get_by_role("link", name="CAP_EXCEEDED").click()
    await expect(page.get_by_role("list", name="What is asked for").get_by_role("link")).to_have_count(2)
    await expect(page.locator("#list tbody tr")).to_have_count(15)
    await page.locator("#list tbody a").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("was refused SendMessage")
    why = page.get_by_role("region", name="Why")
    await expect(why).to_contain_text("3 of 3 within 7 d")
    await expect(why).to_contain_text("must have room")
    limits = page.get_by_role("region", name="Limits and caps").get_by_role("row", name="weekly-email")
    await expect(limits).to_contain_text("used up")
    await expect(limits).to_contain_text("room again")
    assert await limits.get_by_role("meter").get_attribute("value") == "1.0"


async def test_the_address_says_everything_and_leads_there_again(visit: Visit, office: Desk) -> None:
    first = await visit(office.url)
    page = await _listed(first)
    await page.locator("#facets").get_by_title("HOLD", exact=True).click()
    await page.wait_for_url("**filter=**")
    await page.get_by_role("combobox", name="Order").select_option("latency desc")
    await page.wait_for_url("**order=**")
    await page.get_by_role("link", name="7 days").click()
    await page.wait_for_url("**since=7d**")
    other = await _listed(await visit(office.url), page.url.removeprefix(office.url))
    assert await other.get_by_label("Filter", exact=True).input_value() == "verdict = HOLD"
    assert await other.get_by_role("combobox", name="Order").input_value() == "latency desc"
    await expect(other.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    await expect(other.locator("#list tbody tr")).to_have_count(15)


async def test_names_values_and_words_are_completed_by_keyboard(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    box = page.get_by_role("combobox", name="Filter")
    await box.focus()
    await page.keyboard.type("age")
    await expect(page.locator("#filter-options [role=option]").first).to_contain_text("agent")
    assert await box.get_attribute("aria-expanded") == "true"
    await page.keyboard.press("ArrowDown")
    active = await box.get_attribute("aria-activedescendant")
    assert await page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("agent ")
    await expect(page.locator("#filter-options [role=option]")).to_have_text(["=", "!=", ":"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.type("nur")
    await expect(page.locator("#filter-options [role=option]")).to_contain_text(["nurture"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#filter-options [role=option]")).to_have_text(["AND", "OR"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.type("verdict = D")
    await expect(page.locator("#filter-options [role=option]")).to_have_text(["DENY", "HOLD", "DEFER"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(box).to_have_value('agent = "nurture" AND verdict = DENY ')
    await page.keyboard.press("Escape")
    assert await box.get_attribute("aria-expanded") == "false"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="What is asked for").get_by_role("link")).to_have_count(2)


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en-US", "There is no field agnt. Did you mean agent?"), ("fr-FR", "Vouliez-vous dire agent")],
)
async def test_a_mistake_is_shown_where_it_is_with_what_to_write(
    visit: Visit, office: Desk, locale: str, text: str
) -> None:
    visitor = await visit(office.url, locale=locale)
    visitor.expected = {422}
    page = await visitor.go("/decisions?filter=verdict+%3D+DENY+AND+agnt+%3D+x&since=1h")
    box = page.locator("#filter")
    assert await box.get_attribute("aria-invalid") == "true"
    error = page.locator("#filter-error")
    await expect(error).to_contain_text(text)
    await expect(error).to_contain_text("20")
    await expect(error.locator("mark")).to_have_text("agnt")
    assert await box.evaluate("input => [document.activeElement === input, input.selectionStart]") == [True, 19]
    assert await visitor.axe() == []


async def test_a_part_of_the_chart_that_is_drawn_over_is_looked_at(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    over = await page.locator(".u-over").bounding_box()
    assert over is not None
    middle = over["y"] + over["height"] / 2
    await page.mouse.move(over["x"] + over["width"] * 0.85, middle)
    await page.mouse.down()
    await page.mouse.move(over["x"] + over["width"] * 0.95, middle, steps=4)
    await page.mouse.up()
    await page.wait_for_url("**from=**")
    start, end = [await page.get_by_label(f"{name} (UTC)").input_value() for name in ("From", "To")]
    assert start < end
    shown = await page.locator("#list tbody time").evaluate_all("all => all.map((each) => each.dateTime)")
    assert shown
    assert all(start <= at < end for at in shown)


async def test_times_are_bounded_by_keyboard_too(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    await page.get_by_text("Between", exact=True).press("Enter")
    for name, number in (("From", 10), ("To", 20)):
        await page.get_by_label(f"{name} (UTC)").fill(iso(office.at_ms(number))[:19])
    await page.get_by_role("button", name="Apply").press("Enter")
    await page.wait_for_url("**from=**to=**")
    await expect(page.locator("#list tbody tr")).to_have_count(10)


async def test_pages_follow_each_other_and_lead_back(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url), "/decisions?filter=agent:*")
    seen = await page.locator("#list tbody tr").evaluate_all("rows => rows.map((row) => row.id)")
    for count in (50, 20):
        await page.get_by_role("link", name="Next page").click()
        await expect(page.locator("#list tbody tr")).to_have_count(count)
        await page.wait_for_url("**page=**")
        seen += await page.locator("#list tbody tr").evaluate_all("rows => rows.map((row) => row.id)")
    assert len(set(seen)) == len(seen) == 120
    await page.get_by_role("link", name="First page").click()
    await expect(page.locator("#list tbody tr").first).to_have_id(seen[0])


async def test_what_is_pressed_keeps_the_focus(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    link = page.locator("#facets").get_by_title("DENY", exact=True)
    await link.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**filter=**")
    await expect(page.locator("#facets").get_by_title("DENY", exact=True)).to_be_focused()


async def test_without_scripts_it_is_a_form_and_a_page_of_counts(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url, java_script_enabled=False)).go("/decisions")
    await page.get_by_label("Filter", exact=True).fill("verdict = HOLD")
    await page.get_by_role("button", name="Find").click()
    await page.wait_for_url("**/decisions?filter=verdict*")
    assert await page.locator("#list tbody tr").count() == 15
    await page.get_by_role("link", name="Show the counts").click()
    assert await page.get_by_text("15 decisions match").is_visible()
    await page.goto(f"{office.url}/decisions/{office.id(0)}")
    await page.get_by_role("link", name="Prove it").click()
    assert await page.get_by_text("The proof leads to the root").count() == 2


async def test_steps_and_tries_stand_in_the_order_of_time(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url)).go(f"/decisions/{office.id(0)}")
    rows = page.get_by_role("region", name="Step by step").get_by_role("row")
    names = [text.split()[0] for text in (await rows.get_by_role("rowheader").all_inner_texts())]
    assert names == ["Wait", "Identify", "Describe", "Facts", "Decide", "Admit", "Upstream", "First", "Tried", "Settle"]
    starts = await rows.locator("rect.part").evaluate_all("all => all.map((each) => each.getBBox().x)")
    assert starts[:7] == sorted(starts[:7])
    assert max(starts) <= 1000
    trace = page.get_by_role("link", name="Trace")
    assert await trace.get_attribute("href") == f"https://traces.example/{1:032x}"


async def test_a_decision_leads_to_its_inference_and_that_back(visit: Visit, office: Desk) -> None:
    page = await (await visit(office.url)).go(f"/decisions/{office.id(8)}")
    await page.get_by_role("link", name="The inference that led to it").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("ModelInfer")
    followed = page.locator(f'.plain a[href="/decisions/{office.id(8)}"]')
    await followed.wait_for()
    await page.goto(f"{office.url}/decisions/{office.id(0)}")
    await page.get_by_role("link", name="All decisions about this person").click()
    await expect(page.get_by_label("Filter", exact=True)).to_have_value(f'subject_ref = "{CUSTOMER}"')


async def test_why_a_decision_cannot_be_replayed_is_said_and_a_proof_is_looked_at(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url, accept_downloads=True)
    page = await visitor.go(f"/decisions/{office.id(0)}")
    await page.get_by_role("button", name="Replay it").click()
    await expect(page.locator("#replay-place")).to_contain_text("It cannot be replayed")
    await page.get_by_role("link", name="Prove it").click()
    await expect(page.get_by_text("The proof leads to the root")).to_have_count(2)
    async with page.expect_download() as awaited:
        await page.get_by_role("link", name="Download the proof").click()
    assert (await awaited.value).suggested_filename == f"proof-{office.id(0)}.json"


@LOOKS
async def test_list_and_decision_pass_axe_and_fit(visit: Visit, office: Desk, look: dict[str, object]) -> None:
    visitor = await visit(office.url, **look)
    page = await _listed(visitor)
    assert await visitor.axe() == []
    assert await visitor.overflow() <= 0
    for number in (0, 2, 4, 5, 6):
        await visitor.go(f"/decisions/{office.id(number)}")
        await page.locator(".sentences li").first.wait_for()
        assert await visitor.axe() == []
        assert await visitor.overflow() <= 0


async def test_french_pages_are_french(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url, locale="fr-FR"))
    await page.get_by_text("120 décisions correspondent").wait_for()  # counts come after the list
    text = await page.inner_text("main")
    for word in ("Décisions", "Filtre", "24 heures", "Refusé", "Motif", "Méthode", "120 décisions correspondent"):
        assert word in text
    await page.goto(f"{office.url}/decisions/{office.id(2)}")
    text = await page.inner_text("main")
    for word in ("SendMessage a été refusé à", "Ce qui devrait changer", "3 sur 3", "épuisé", "Étape par étape"):
        assert word in text
    assert not any(word in text for word in ("Rules", "Why", "Denied", "Limits", "Step"))


async def test_a_decision_that_there_is_not_is_no_page(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url)
    visitor.expected = {404}
    for path in ("/decisions/xyz", f"/decisions/{'0' * 32}", f"/decisions/{'0' * 32}/proof"):
        page = await visitor.go(path)
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


async def test_new_decisions_come_on_top_and_how_many_there_are_is_said(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url), "/decisions?filter=agent+%3D+%22late-bot%22+OR+agent+%3D+nurture")
    await page.get_by_role("button", name="Live").click()
    await expect(page.get_by_text("New decisions appear on top.")).to_have_count(1)
    made = await office.call(118, id=f"{office.id(118)[:20]}{'f' * 12}", agent="late-bot")
    row = page.locator(f"#decision-{made}")
    await row.wait_for()
    assert await page.locator("#list tbody tr").first.get_attribute("id") == f"decision-{made}"
    await expect(page.get_by_text("1 new decision", exact=True)).to_have_count(1)
    await page.get_by_role("button", name="Live").click()
    await expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")


async def test_what_is_looked_for_is_saved_opened_changed_and_deleted(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url), "/decisions?filter=verdict+%3D+DENY&order=latency+desc")
    await page.get_by_text("Saved views").click()
    await page.get_by_label("What it shows").fill("Refusées du jour")
    await page.get_by_role("button", name="Save as a view").click()
    await page.wait_for_url("**view=refusees-du-jour**")
    await expect(page.get_by_text("“Refusées du jour” is saved.")).to_be_visible()
    # Somebody else opens it, and puts something else in its place.
    other = await _listed(await visit(office.url))
    await other.get_by_text("Saved views").click()
    await other.get_by_role("link", name="Refusées du jour").click()
    await other.wait_for_url("**order=latency+desc**")
    await expect(other.get_by_label("Filter", exact=True)).to_have_value("verdict = DENY")
    await other.locator("#facets").get_by_title("CAP_EXCEEDED").click()
    await other.wait_for_url("**CAP_EXCEEDED**")
    await other.get_by_text("Saved views").click()
    await other.get_by_role("button", name="Put what is shown in the place of").click()
    await expect(other.get_by_text("“Refusées du jour” is saved.")).to_be_visible()
    await page.reload()
    await page.get_by_text("Saved views").click()
    await page.get_by_role("button", name="Delete “Refusées du jour”").click()
    await expect(page.get_by_text("“Refusées du jour” is deleted.")).to_be_visible()


async def test_somebody_who_was_slower_does_not_change_a_view_unseen(visit: Visit, office: Desk) -> None:
    visitor = await visit(office.url)
    visitor.expected = {409}
    page = await _listed(visitor, "/decisions?filter=verdict+%3D+HOLD")
    await page.get_by_text("Saved views").click()
    await page.get_by_label("What it shows").fill("Held")
    await page.get_by_role("button", name="Save as a view").click()
    await page.wait_for_url("**view=held**")
    menus = [page, await _listed(await visit(office.url), page.url.removeprefix(office.url))]
    for each in menus:
        await each.get_by_text("Saved views").click()
        await each.get_by_role("button", name="Put what is shown in the place of").wait_for()
    await menus[1].get_by_role("button", name="Put what is shown in the place of").click()
    await expect(menus[1].get_by_text("“Held” is saved.")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("alert").get_by_role("paragraph").wait_for()
    await menus[1].get_by_text("Saved views").click()
    await menus[1].get_by_role("button", name="Delete").click()
    await expect(menus[1].get_by_text("“Held” is deleted.")).to_be_visible()


@pytest.mark.parametrize(
    ("form", "name"),
    [("jsonl", "decisions.jsonl"), ("csv", "decisions.csv.zip"), ("parquet", "decisions.parquet")],
)
async def test_what_is_found_is_written_into_a_file_and_how_far_it_is_is_said(
    visit: Visit, office: Desk, form: str, name: str
) -> None:
    visitor = await visit(office.url, accept_downloads=True)
    page = await _listed(visitor, "/decisions?filter=verdict+%3D+HOLD")
    await page.get_by_text("Export", exact=True).click()
    await page.get_by_label("Format").select_option(form)
    async with page.expect_download() as awaited:
        await page.get_by_role("button", name="Write the file").click()
    file = await awaited.value
    assert file.suggested_filename == name
    assert (await file.path()).stat().st_size > 1_000
    await expect(page.get_by_text("15 decisions are in the file.")).to_be_visible()


async def test_menus_close_by_escape_and_give_the_focus_back(visit: Visit, office: Desk) -> None:
    page = await _listed(await visit(office.url))
    opener = page.locator("#export summary")
    await opener.press("Enter")
    await page.get_by_label("Format").focus()
    await page.keyboard.press("Escape")
    assert not await page.get_by_label("Format").is_visible()
    await expect(opener).to_be_focused()


@pytest.mark.timeout(600)  # matplotlib looks for fonts the first time
async def test_a_report_about_a_person_needs_somebody_else_to_agree_to_it(visit: Visit, office: Desk) -> None:
    path = f"/decisions/{office.id(0)}"
    first = await visit(office.url, accept_downloads=True)
    page = await first.go(path)
    await page.get_by_text("Ask for a report").click()
    await page.get_by_label("Customer", exact=True).fill(SUBJECT)
    await page.get_by_label("Why you need it").fill("complaint 17")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.get_by_text("Another person must agree now.")).to_be_visible()
    await expect(page.locator("#person")).to_contain_text("waits for somebody’s agreement")
    assert await page.get_by_role("button", name="Agree").count() == 0
    second = await visit(office.url)
    await second.context.add_cookies([{"name": "who", "value": "mia", "url": office.url}])
    other = await second.go(path)
    await expect(other.locator("#person")).to_contain_text("complaint 17")
    await other.get_by_label("Why you agree or refuse").fill("the complaint is there")
    assert await second.axe() == []
    await other.get_by_role("button", name="Agree").click()
    await expect(other.locator("#person .badge")).to_have_text("agreed")
    await page.reload()
    await page.get_by_label("Customer", exact=True).first.fill(SUBJECT)
    async with page.expect_download() as awaited:
        await page.get_by_role("button", name="Fetch as JSON").click()
    report = (await (await awaited.value).path()).read_text(encoding="utf-8")
    assert CUSTOMER in report
    assert office.id(0) in report
    async with page.expect_download(timeout=300_000) as awaited:
        await page.get_by_role("button", name="Fetch as PDF").click()
    file = await awaited.value
    assert file.suggested_filename == "person.pdf"
    assert (await file.path()).read_bytes().startswith(b"%PDF")
