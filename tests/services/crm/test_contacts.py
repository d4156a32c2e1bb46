"""ContactService, and with it everything that the four services share."""

import asyncio
import sqlite3
from pathlib import Path

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_NOTE, Activity
from pilote.crm.v1.activity_service_pb2 import CreateActivityRequest, ListActivitiesRequest
from pilote.crm.v1.contact_pb2 import LIFECYCLE_STAGE_CUSTOMER, Contact
from pilote.crm.v1.contact_service_pb2 import (
    CreateContactRequest,
    DeleteContactRequest,
    GetContactRequest,
    ListContactsRequest,
    StreamContactsRequest,
    UpdateContactRequest,
)
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.deal_pb2 import Deal
from pilote.crm.v1.deal_service_pb2 import CreateDealRequest, ListDealsRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import ListMessagesRequest, SendMessageRequest
from services.crm.server import FILE_NAME, running
from tests.services.crm.conftest import Crm
from tests.services.refusals import refused


async def test_a_created_contact_can_be_read_back(crm: Crm) -> None:
    wanted = Contact(display_name="Ada", email="ada@example.org", time_zone="Europe/London", tags=["vip"])
    created = (await crm.contacts.CreateContact(CreateContactRequest(contact=wanted))).contact
    assert created.name.startswith("contacts/cnt_")
    assert created.create_time.ToMilliseconds() == crm.clock.now_ms
    assert created.etag
    assert (await crm.contacts.GetContact(GetContactRequest(name=created.name))).contact == created


async def test_name_times_and_etag_of_a_request_to_create_are_ignored(crm: Crm) -> None:
    wanted = Contact(name="contacts/mine", display_name="Ada", etag="mine")
    wanted.create_time.FromSeconds(1)
    created = (await crm.contacts.CreateContact(CreateContactRequest(contact=wanted, contact_id="ada"))).contact
    assert created.name == "contacts/ada"
    assert created.etag != "mine"
    assert created.create_time.ToMilliseconds() == crm.clock.now_ms


async def test_every_mistake_is_reported_at_once(crm: Crm) -> None:
    wrong = Contact(
        email="nobody",
        phone="0612",
        time_zone="Mars/Olympus",
        tags=[""],
        attributes={"Not A Word": "x"},
        lifecycle_stage=99,  # type: ignore[arg-type]
    )
    with refused() as refusal:
        await crm.contacts.CreateContact(CreateContactRequest(contact=wrong))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(refusal.fields) == {
        f"contact.{field}"
        for field in ("display_name", "email", "phone", "time_zone", "tags", "attributes", "lifecycle_stage")
    }


@pytest.mark.parametrize("name", ["", "contacts/", "deals/ada", "contacts/ADA", "contacts/a/b", "contacts/' OR 1=1"])
async def test_a_name_of_another_shape_is_an_invalid_argument(crm: Crm, name: str) -> None:
    with refused() as refusal:
        await crm.contacts.GetContact(GetContactRequest(name=name))
    assert (refusal.reason, refusal.fields) == ("ARGUMENT_INVALID", ("name",))


async def test_a_contact_that_does_not_exist_is_not_found(crm: Crm) -> None:
    for call in (
        crm.contacts.GetContact(GetContactRequest(name="contacts/nobody")),
        crm.contacts.DeleteContact(DeleteContactRequest(name="contacts/nobody")),
        crm.contacts.UpdateContact(UpdateContactRequest(contact=Contact(name="contacts/nobody"))),
    ):
        with refused() as refusal:
            await call
        assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_the_same_identifier_twice_already_exists(crm: Crm) -> None:
    await crm.contact("ada")
    with refused() as refusal:
        await crm.contact("ada")
    assert (refusal.reason, refusal.code) == ("ALREADY_EXISTS", grpc.StatusCode.ALREADY_EXISTS)


async def test_a_repeated_request_gets_the_first_answer_and_creates_nothing(crm: Crm) -> None:
    request = CreateContactRequest(contact=Contact(display_name="Ada", attributes={"b": "2", "a": "1"}), request_id="r")
    first = await crm.contacts.CreateContact(request)
    crm.clock.now_ms += 1_000
    assert await crm.contacts.CreateContact(request) == first
    assert len((await crm.contacts.ListContacts(ListContactsRequest())).contacts) == 1


async def test_each_agent_has_request_ids_of_its_own(crm: Crm) -> None:
    ada, bob = (CreateContactRequest(contact=Contact(display_name=name), request_id="r") for name in ("Ada", "Bob"))
    sales, care = ((("pilote-agent", name),) for name in ("sales-bot", "care-bot"))
    first = await crm.contacts.CreateContact(ada, metadata=sales)
    assert (await crm.contacts.CreateContact(bob, metadata=care)).contact.display_name == "Bob"
    assert (await crm.contacts.CreateContact(ada, metadata=())) != first
    assert await crm.contacts.CreateContact(ada, metadata=sales) == first
    with refused() as refusal:
        await crm.contacts.CreateContact(bob, metadata=sales)
    assert (refusal.reason, refusal.text) == (
        "IDEMPOTENCY_KEY_REUSED",
        "request_id r was used with another request; choose a new one.",
    )
    update = UpdateContactRequest(contact=Contact(name=first.contact.name, company="Ajax"), request_id="r")
    await crm.contacts.UpdateContact(update, metadata=(("pilote-agent", "import-bot"),))
    await crm.contacts.DeleteContact(
        DeleteContactRequest(name=first.contact.name, request_id="r"), metadata=(("pilote-agent", "dpo-bot"),)
    )


async def test_a_hundred_repeats_at_once_create_one_contact(crm: Crm) -> None:
    request = CreateContactRequest(contact=Contact(display_name="Ada"), request_id="r")
    answers = await asyncio.gather(*(crm.contacts.CreateContact(request) for _ in range(100)))
    assert len({answer.contact.name for answer in answers}) == 1
    assert len((await crm.contacts.ListContacts(ListContactsRequest())).contacts) == 1


async def test_a_request_id_with_another_request_is_refused(crm: Crm) -> None:
    await crm.contacts.CreateContact(CreateContactRequest(contact=Contact(display_name="Ada"), request_id="r"))
    with refused() as refusal:
        await crm.contacts.CreateContact(CreateContactRequest(contact=Contact(display_name="Bob"), request_id="r"))
    assert (refusal.reason, refusal.code) == ("IDEMPOTENCY_KEY_REUSED", grpc.StatusCode.ALREADY_EXISTS)


async def test_a_request_that_failed_may_be_made_again_with_its_id(crm: Crm) -> None:
    request = CreateDealRequest(deal=Deal(contact="contacts/ada", title="Licences"), request_id="r")
    with refused() as refusal:
        await crm.deals.CreateDeal(request)
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    await crm.contact("ada")
    assert (await crm.deals.CreateDeal(request)).deal.title == "Licences"


async def test_a_request_id_is_forgotten_after_a_day(crm: Crm) -> None:
    request = CreateContactRequest(contact=Contact(display_name="Ada"), request_id="r")
    first = await crm.contacts.CreateContact(request)
    crm.clock.now_ms += 24 * 60 * 60 * 1000 + 1
    assert (await crm.contacts.CreateContact(request)).contact.name != first.contact.name


async def test_an_update_changes_the_masked_fields_only(crm: Crm) -> None:
    await crm.contact("ada", company="Acme", region="UK")
    wanted = Contact(name="contacts/ada", company="Ajax", region="FR")
    crm.clock.now_ms += 5
    request = UpdateContactRequest(contact=wanted, update_mask=FieldMask(paths=["company"]))
    changed = (await crm.contacts.UpdateContact(request)).contact
    assert (changed.company, changed.region, changed.display_name) == ("Ajax", "UK", "Ada Lovelace")
    assert changed.update_time.ToMilliseconds() == crm.clock.now_ms
    assert changed.create_time.ToMilliseconds() == crm.clock.now_ms - 5


async def test_a_contact_that_was_read_and_changed_can_be_sent_back_whole(crm: Crm) -> None:
    contact = await crm.contact("ada", company="Acme")
    contact.lifecycle_stage = LIFECYCLE_STAGE_CUSTOMER
    changed = (await crm.contacts.UpdateContact(UpdateContactRequest(contact=contact))).contact
    assert changed.lifecycle_stage == LIFECYCLE_STAGE_CUSTOMER
    assert changed.etag != contact.etag


@pytest.mark.parametrize("path", ["nothing", "name", "create_time", "attributes.a"])
async def test_a_mask_with_a_field_that_cannot_be_changed_is_refused(crm: Crm, path: str) -> None:
    await crm.contact("ada")
    with refused() as refusal:
        await crm.contacts.UpdateContact(
            UpdateContactRequest(contact=Contact(name="contacts/ada"), update_mask=FieldMask(paths=[path]))
        )
    assert refusal.fields == ("update_mask",)


async def test_an_old_etag_is_a_conflict_and_changes_nothing(crm: Crm) -> None:
    first = await crm.contact("ada")
    await crm.contacts.UpdateContact(UpdateContactRequest(contact=Contact(name=first.name, company="Acme")))
    with refused() as refusal:
        wanted = Contact(name=first.name, company="Ajax", etag=first.etag)
        await crm.contacts.UpdateContact(UpdateContactRequest(contact=wanted))
    assert (refusal.reason, refusal.code) == ("CONFLICT", grpc.StatusCode.ABORTED)
    with refused() as refusal:
        await crm.contacts.DeleteContact(DeleteContactRequest(name=first.name, etag=first.etag))
    assert refusal.reason == "CONFLICT"
    assert (await crm.contacts.GetContact(GetContactRequest(name=first.name))).contact.company == "Acme"


async def test_of_two_updates_with_the_same_etag_one_wins(crm: Crm) -> None:
    first = await crm.contact("ada")
    requests = [
        UpdateContactRequest(contact=Contact(name=first.name, etag=first.etag, company=f"C{n}")) for n in range(50)
    ]
    answers = await asyncio.gather(*map(crm.contacts.UpdateContact, requests), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_filters_match_exactly_and_together(crm: Crm) -> None:
    await crm.contact("ada", company="Acme", region="UK", email="Ada@Example.org")
    await crm.contact("bob", company="Acme", region="FR")

    async def names(request: ListContactsRequest) -> list[str]:
        return [contact.name for contact in (await crm.contacts.ListContacts(request)).contacts]

    assert await names(ListContactsRequest(company="Acme")) == ["contacts/ada", "contacts/bob"]
    assert await names(ListContactsRequest(company="Acme", region="FR")) == ["contacts/bob"]
    assert await names(ListContactsRequest(company="acme")) == []
    assert await names(ListContactsRequest(email="ada@example.ORG")) == ["contacts/ada"]


async def test_filters_follow_an_update(crm: Crm) -> None:
    await crm.contact("ada", company="Acme")
    await crm.contacts.UpdateContact(UpdateContactRequest(contact=Contact(name="contacts/ada", company="Ajax")))
    assert not (await crm.contacts.ListContacts(ListContactsRequest(company="Acme"))).contacts
    assert len((await crm.contacts.ListContacts(ListContactsRequest(company="Ajax"))).contacts) == 1


async def test_pages_stay_stable_while_contacts_come_and_go(crm: Crm) -> None:
    for n in range(5):
        await crm.contact(f"c{n}")
    first = await crm.contacts.ListContacts(ListContactsRequest(page_size=2))
    await crm.contacts.DeleteContact(DeleteContactRequest(name="contacts/c0"))
    await crm.contact("c5")
    request = ListContactsRequest(page_size=10, page_token=first.next_page_token)
    rest = await crm.contacts.ListContacts(request)
    assert [contact.name for contact in rest.contacts] == [f"contacts/c{n}" for n in range(2, 6)]
    assert rest.next_page_token == ""


@pytest.mark.parametrize("token", ["x", "!!!", "bm90aGluZw", "WyIiLC0xXQ", "é"])
async def test_a_page_token_of_nobody_is_an_invalid_argument(crm: Crm, token: str) -> None:
    with refused() as refusal:
        await crm.contacts.ListContacts(ListContactsRequest(page_token=token))
    assert refusal.fields == ("page_token",)


async def test_a_page_token_of_another_list_is_an_invalid_argument(crm: Crm) -> None:
    for n in range(2):
        await crm.contact(f"c{n}", company="Acme")
    token = (await crm.contacts.ListContacts(ListContactsRequest(page_size=1))).next_page_token
    with refused() as refusal:
        await crm.contacts.ListContacts(ListContactsRequest(company="Acme", page_token=token))
    assert refusal.fields == ("page_token",)
    with refused() as refusal:
        await crm.deals.ListDeals(ListDealsRequest(page_token=token))
    assert refusal.fields == ("page_token",)


async def test_a_negative_page_size_is_an_invalid_argument(crm: Crm) -> None:
    with refused() as refusal:
        await crm.contacts.ListContacts(ListContactsRequest(page_size=-1))
    assert refusal.fields == ("page_size",)


async def test_a_page_of_large_contacts_ends_before_it_outgrows_a_message(crm: Crm) -> None:
    large = Contact(display_name="Ada", attributes={f"a{n}": "é" * 500 for n in range(50)})
    await asyncio.gather(*(crm.contacts.CreateContact(CreateContactRequest(contact=large)) for _ in range(100)))
    first = await crm.contacts.ListContacts(ListContactsRequest(page_size=1000))
    assert 0 < len(first.contacts) < 100
    request = ListContactsRequest(page_size=1000, page_token=first.next_page_token)
    assert len(first.contacts) + len((await crm.contacts.ListContacts(request)).contacts) <= 100


async def test_the_export_streams_every_contact_that_matches(crm: Crm) -> None:
    await asyncio.gather(*(crm.contact(f"c{n}", region="FR" if n % 2 else "UK") for n in range(700)))
    stream = crm.contacts.StreamContacts(StreamContactsRequest(region="FR"))
    names = [response.contact.name async for response in stream]
    assert set(names) == {f"contacts/c{n}" for n in range(1, 700, 2)}
    assert len(names) == 350


async def test_a_deleted_contact_takes_everything_about_it_along(crm: Crm, home: Path) -> None:
    await crm.contact("ada", email="ada@example.org")
    await crm.deals.CreateDeal(CreateDealRequest(deal=Deal(contact="contacts/ada", title="Licences"), request_id="d"))
    activity = Activity(contact="contacts/ada", type=ACTIVITY_TYPE_NOTE, title="Met")
    await crm.activities.CreateActivity(CreateActivityRequest(activity=activity))
    message = Message(customer="contacts/ada", channel="sms", category="service", body="Hello")
    send = SendMessageRequest(message=message, request_id="s")
    await crm.messages.SendMessage(send)
    assert b"ada@example.org" in _file(home)
    await crm.contacts.DeleteContact(DeleteContactRequest(name="contacts/ada", request_id="x"))
    assert not (await crm.deals.ListDeals(ListDealsRequest())).deals
    assert not (await crm.activities.ListActivities(ListActivitiesRequest())).activities
    assert not (await crm.messages.ListMessages(ListMessagesRequest())).messages
    with refused() as refusal:
        await crm.messages.SendMessage(send)
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    # Deleting again with the same request_id is harmless.
    await crm.contacts.DeleteContact(DeleteContactRequest(name="contacts/ada", request_id="x"))
    assert b"ada@example.org" not in _file(home)


def _modes_for_others(home: Path) -> set[int]:
    return {path.stat().st_mode & 0o077 for path in (home, *home.iterdir())}


def _file(home: Path) -> bytes:
    connection = sqlite3.connect(home / FILE_NAME)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return (home / FILE_NAME).read_bytes()


async def test_a_request_id_that_is_too_long_is_an_invalid_argument(crm: Crm) -> None:
    request = CreateContactRequest(contact=Contact(display_name="Ada"), request_id="r" * 101)
    with refused() as refusal:
        await crm.contacts.CreateContact(request)
    assert refusal.fields == ("request_id",)


async def test_an_identifier_of_another_shape_is_an_invalid_argument(crm: Crm) -> None:
    with refused() as refusal:
        await crm.contact("Ada!")
    assert refusal.fields == ("contact_id",)


async def test_an_update_without_a_name_says_where_it_belongs(crm: Crm) -> None:
    with refused() as refusal:
        await crm.contacts.UpdateContact(UpdateContactRequest(contact=Contact(company="Acme")))
    assert refusal.fields == ("contact.name",)


async def test_only_the_owner_can_read_the_file(crm: Crm, home: Path) -> None:
    await crm.contact("ada")
    assert _modes_for_others(home) == {0}


async def test_what_was_answered_is_there_after_a_restart(home: Path) -> None:
    request = CreateContactRequest(contact=Contact(display_name="Ada"), contact_id="ada", request_id="r")
    answers = []
    for _ in range(2):
        async with (
            running(listen="127.0.0.1:0", home=home, drain_seconds=1) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            answers.append(await ContactServiceStub(channel).CreateContact(request))
    assert answers[0] == answers[1]
