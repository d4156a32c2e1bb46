"""What a contact or deal was after each change can be read back, as long as it exists."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import (
    DeleteContactRequest,
    ListContactChangesRequest,
    UpdateContactRequest,
)
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_WON, Deal
from pilote.crm.v1.deal_service_pb2 import CreateDealRequest, ListDealChangesRequest, UpdateDealRequest
from services.crm import changes
from services.crm.server import FILE_NAME
from tests.services.crm.conftest import Crm
from tests.services.refusals import refused


async def test_each_change_says_when_what_and_what_came_of_it(crm: Crm) -> None:
    first = await crm.contact(email="ada@example.org")
    crm.clock.now_ms += 1_000
    wanted = Contact(name=first.name, company="Acme", email="ada@acme.example", attributes={"a": "b"})
    second = (await crm.contacts.UpdateContact(UpdateContactRequest(contact=wanted))).contact
    crm.clock.now_ms += 1_000
    await crm.contacts.UpdateContact(UpdateContactRequest(contact=second))  # changes nothing
    listed = (await crm.contacts.ListContactChanges(ListContactChangesRequest(contact=first.name))).changes
    assert [(each.change_time.ToMilliseconds(), list(each.fields), each.contact) for each in listed] == [
        (crm.clock.now_ms - 1_000, ["email", "company", "attributes"], second),
        (crm.clock.now_ms - 2_000, ["display_name", "email"], first),
    ]


async def test_changes_come_page_by_page_newest_first(crm: Crm) -> None:
    ada = await crm.contact()
    for number in range(4):
        wanted = Contact(name=ada.name, company=f"Company {number}")
        await crm.contacts.UpdateContact(UpdateContactRequest(contact=wanted))
    request, seen = ListContactChangesRequest(contact=ada.name, page_size=2), list[str]()
    while True:
        page = await crm.contacts.ListContactChanges(request)
        assert len(page.changes) <= 2
        seen += [each.contact.company for each in page.changes]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == ["Company 3", "Company 2", "Company 1", "Company 0", ""]
    bob = await crm.contact("bob")
    with refused() as refusal:
        token = await crm.contacts.ListContactChanges(ListContactChangesRequest(contact=ada.name, page_size=1))
        request = ListContactChangesRequest(contact=bob.name, page_token=token.next_page_token)
        await crm.contacts.ListContactChanges(request)
    assert refusal.reason == "ARGUMENT_INVALID"


async def test_a_deals_way_is_seen_and_goes_with_its_contact(crm: Crm, home: Path) -> None:
    ada = await crm.contact()
    wanted = Deal(contact=ada.name, title="Licences")
    deal = (await crm.deals.CreateDeal(CreateDealRequest(deal=wanted))).deal
    await crm.deals.UpdateDeal(UpdateDealRequest(deal=Deal(name=deal.name, stage=DEAL_STAGE_WON)))
    listed = (await crm.deals.ListDealChanges(ListDealChangesRequest(deal=deal.name))).changes
    assert [list(each.fields) for each in listed] == [["stage", "close_time"], ["contact", "title"]]
    await crm.contacts.DeleteContact(DeleteContactRequest(name=ada.name))
    with refused() as refusal:
        await crm.deals.ListDealChanges(ListDealChangesRequest(deal=deal.name))
    assert refusal.reason == "NOT_FOUND"
    with closing(sqlite3.connect(home / FILE_NAME)) as file:
        assert file.execute("SELECT * FROM contacts_changes").fetchall() == []
        assert file.execute("SELECT * FROM deals_changes").fetchall() == []


def test_the_oldest_changes_go_once_there_are_very_many() -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("CREATE TABLE contacts (place INTEGER PRIMARY KEY, name TEXT)")
        for statement in changes.schema("contacts"):
            file.execute(statement)
        before: Contact | None = None
        for number in range(changes.KEPT + 3):
            after = Contact(name="contacts/ada", company=str(number))
            changes.note(file, "contacts", "contacts/ada", before=before, after=after, at_ms=number)
            before = after
        kept = changes.of(file, "contacts", "contacts/ada", before=0, most=5_000)
    assert [each.at_ms for each in kept] == list(range(changes.KEPT + 2, 2, -1))
