"""What the connectors that ship send, and what they make of answers as their vendors' documentation shows them."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pilote.crm.v1.activity_service_pb2 import ListActivitiesRequest
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.contact_pb2 import LIFECYCLE_STAGE_CUSTOMER, Contact
from pilote.crm.v1.contact_service_pb2 import (
    CreateContactRequest,
    GetContactRequest,
    ListContactsRequest,
    UpdateContactRequest,
)
from pilote.crm.v1.deal_pb2 import DEAL_STAGE_QUALIFICATION, DEAL_STAGE_WON, Deal
from pilote.crm.v1.deal_service_pb2 import CreateDealRequest
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from pilote.crm.v1.message_pb2 import SEND_STATE_QUEUED, SEND_STATE_SENT, Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.crm.connectors.exchange import Answer
from services.crm.connectors.expressions import template
from services.crm.connectors.reading import load, shipped
from tests.services.crm.connectors.documented import documented, ok
from tests.services.refusals import refused


async def test_hubspot_contacts_are_created_found_and_changed(tmp_path: Path) -> None:
    person = {
        "id": "512",
        "properties": {
            "firstname": "Ada",
            "lastname": "King Lovelace",
            "email": "a@b.org",
            "lifecyclestage": "customer",
        },
        "createdAt": "2026-01-31T08:00:00.123Z",
        "updatedAt": "2026-02-01T08:00:00Z",
    }
    answers = (ok(person), ok({"results": [person], "paging": {"next": {"after": "513"}}}), ok({}), ok(person))
    async with documented("hubspot", tmp_path, *answers) as (system, vendor):
        wanted = Contact(display_name="Ada King Lovelace", email="a@b.org", lifecycle_stage=LIFECYCLE_STAGE_CUSTOMER)
        made = (await system.contacts.CreateContact(CreateContactRequest(contact=wanted))).contact
        assert (made.name, made.display_name, made.etag) == ("contacts/512", "Ada King Lovelace", person["updatedAt"])
        assert made.create_time.ToMilliseconds() == 1_769_846_400_123
        assert vendor.body(0) == {
            "properties": {
                "firstname": "Ada", "lastname": "King Lovelace", "email": "a@b.org", "lifecyclestage": "customer",
            },
            "associations": [],
        }  # fmt: skip
        found = await system.contacts.ListContacts(ListContactsRequest(email="a@b.org", page_size=1))
        assert found.next_page_token
        assert vendor.body(1)["filterGroups"] == [
            {"filters": [{"propertyName": "email", "operator": "EQ", "value": "a@b.org"}]}
        ]
        request = UpdateContactRequest(contact=Contact(name=made.name))
        request.update_mask.paths.append("company")
        await system.contacts.UpdateContact(request)
        assert vendor.body(2) == {"properties": {"company": ""}}, "an emptied field is emptied there"
    assert {outgoing.headers["Authorization"] for outgoing in vendor.sent} == {"Bearer key"}


async def test_an_address_that_hubspot_has_already_is_told_so(tmp_path: Path) -> None:
    async with documented("hubspot", tmp_path, Answer(409, {}, {"category": "CONFLICT"})) as (system, _):
        with refused() as refusal:
            await system.contacts.CreateContact(CreateContactRequest(contact=Contact(display_name="Ada")))
    assert refusal.reason == "ALREADY_EXISTS"


async def test_pipedrive_deals_carry_numbers_and_hundredths(tmp_path: Path) -> None:
    deal = {"id": 7, "title": "Renewal", "person_id": 512, "status": "won", "value": 19.99, "currency": "EUR"}
    async with documented("pipedrive", tmp_path, ok({"success": True, "data": deal})) as (system, vendor):
        wanted = Deal(
            contact="contacts/512", title="Renewal", stage=DEAL_STAGE_WON, amount_cents=1999, currency_code="EUR"
        )
        made = (await DealServiceStub(system.channel).CreateDeal(CreateDealRequest(deal=wanted))).deal
    assert vendor.body(0) == {key: value for key, value in deal.items() if key != "id"}
    assert (made.name, made.contact, made.amount_cents, made.stage) == ("deals/7", "contacts/512", 1999, DEAL_STAGE_WON)


async def test_a_success_of_pipedrive_that_says_it_is_none_is_none(tmp_path: Path) -> None:
    async with documented("pipedrive", tmp_path, ok({"success": False})) as (system, _):
        with refused() as refusal:
            await system.contacts.CreateContact(CreateContactRequest(contact=Contact(display_name="Ada")))
    assert refusal.reason == "UPSTREAM_IN_DOUBT"


async def test_odoo_is_asked_by_number_and_what_is_false_is_empty(tmp_path: Path) -> None:
    partner = {
        "id": 25,
        "name": "Ada",
        "email": False,
        "lang": "fr_FR",
        "tz": False,
        "write_date": "2026-01-31 08:00:00",
    }
    async with documented("odoo", tmp_path, ok([25]), ok([partner]), ok([])) as (system, vendor):
        made = (
            await system.contacts.CreateContact(
                CreateContactRequest(contact=Contact(display_name="Ada", language="fr-FR"))
            )
        ).contact
        with refused() as refusal:
            await system.contacts.GetContact(GetContactRequest(name="contacts/26"))
    assert (made.name, made.email, made.language, made.time_zone) == ("contacts/25", "", "fr-FR", "")
    assert vendor.body(0) == {"vals_list": [{"name": "Ada", "lang": "fr_FR"}]}
    assert vendor.body(1)["domain"] == [["id", "=", 25]]
    assert refusal.reason == "NOT_FOUND"


async def test_bottlecrm_tells_the_id_alone_and_the_contact_is_read_then(tmp_path: Path) -> None:
    person = {
        "id": "0a1b2c3d-0000-4000-8000-000000000001",
        "first_name": "Ada",
        "last_name": "-",
        "organization": "ACME",
    }
    answers = (ok({"error": False, "id": person["id"]}), ok({"contact_obj": person}))
    async with documented("bottlecrm", tmp_path, *answers) as (system, vendor):
        request = CreateContactRequest(contact=Contact(display_name="Ada", company="ACME"))
        made = (await system.contacts.CreateContact(request)).contact
    assert (made.name, made.company) == (f"contacts/{person['id']}", "ACME")
    assert urlsplit(vendor.sent[1].url).path == f"/api/contacts/{person['id']}/"


async def test_a_deal_of_bottlecrm_is_made_only_for_a_contact_that_is_there(tmp_path: Path) -> None:
    deal: dict[str, Any] = {
        "id": "0a1b2c3d-0000-4000-8000-000000000002",
        "name": "Renewal",
        "stage": "PROSPECTING",
        "amount": "19.99",
    }
    deal |= {"currency": "EUR", "contacts": [{"id": "0a1b2c3d-0000-4000-8000-000000000001"}]}
    person = {"contact_obj": deal["contacts"][0]}
    answers = (
        ok(person),
        ok({"error": False, "id": deal["id"]}),
        ok({"opportunity_obj": deal}),
        Answer(404, {}, {}),
    )
    wanted = Deal(contact="contacts/0a1b2c3d-0000-4000-8000-000000000001", title="Renewal", currency_code="EUR")
    wanted.amount_cents = 1999
    async with documented("bottlecrm", tmp_path, *answers) as (system, vendor):
        deals = DealServiceStub(system.channel)
        made = (await deals.CreateDeal(CreateDealRequest(deal=wanted))).deal
        with refused() as refusal:
            await deals.CreateDeal(CreateDealRequest(deal=wanted))
    assert (made.contact, made.stage, made.amount_cents) == (wanted.contact, DEAL_STAGE_QUALIFICATION, 1999)
    assert vendor.body(1) == {
        "name": "Renewal", "amount": 19.99, "currency": "EUR", "contacts": [wanted.contact.removeprefix("contacts/")],
    }  # fmt: skip
    assert (refusal.reason, len(vendor.sent)) == ("NOT_FOUND", 4)


async def test_a_list_that_needs_a_filter_there_says_so_before_anything_is_asked(tmp_path: Path) -> None:
    async with documented("bottlecrm", tmp_path) as (system, vendor):
        with refused() as refusal:
            await ActivityServiceStub(system.channel).ListActivities(ListActivitiesRequest())
    assert (refusal.fields, vendor.sent) == (("contact",), [])


async def test_twilio_gets_a_form_and_sendgrid_a_mail_whose_id_is_a_header(tmp_path: Path) -> None:
    text = Message(
        customer="contacts/a", channel="sms", category="service", body="Hi & bye", contact_point="+33687654321"
    )
    sent = {"sid": "SM" + "0A" * 16, "to": "+33687654321", "body": "Hi & bye", "status": "queued"}
    sent["date_created"] = "Sat, 31 Jan 2026 08:00:00 +0000"
    async with documented("twilio", tmp_path, Answer(201, {}, sent)) as (system, vendor):
        message = (await system.messages.SendMessage(SendMessageRequest(message=text))).message
    form = parse_qs((vendor.sent[0].body or b"").decode())
    assert form == {"To": ["+33687654321"], "Body": ["Hi & bye"], "From": ["+33612345678"]}
    assert (message.state, message.customer) == (SEND_STATE_QUEUED, "contacts/a")
    mail = Message(customer="contacts/a", channel="email", category="service", subject_line="Hi", body="Bye")
    mail.contact_point = "ada@example.org"
    async with documented("sendgrid", tmp_path, Answer(202, {"x-message-id": "Abc.1"}, None)) as (system, vendor):
        message = (await system.messages.SendMessage(SendMessageRequest(message=mail))).message
    assert vendor.body(0)["personalizations"] == [{"to": [{"email": "ada@example.org"}]}]
    assert (message.state, message.subject_line) == (SEND_STATE_SENT, "Hi")
    assert message.name.startswith("messages/x-")


@pytest.mark.parametrize("text", ["a'b", "\\", "' OR Name != '", "a\nb"])
def test_what_somebody_searches_for_never_becomes_part_of_a_query_of_salesforce(text: str) -> None:
    query = template(load(shipped("salesforce")).methods["ListContacts"].query)
    filled = query({"page": {"size": 2, "token": None}, "filter": {"email": text, "region": None}})["q"]
    literal = filled.split(" AND Email = '")[1].removesuffix("' ORDER BY Id LIMIT 2")
    assert literal.replace("\\\\", "\\").replace("\\'", "'").replace("\\n", "\n") == text
    assert "'" not in literal.replace("\\\\", "").replace("\\'", "")
