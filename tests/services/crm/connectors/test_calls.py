"""What a connector does beyond the suite: limits, usage, logins at once, bad answers, and what it gives away."""

import asyncio
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from gateway.rpc.status import status_from
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import (
    CreateContactRequest,
    GetContactRequest,
    ListContactsRequest,
    StreamContactsRequest,
    UpdateContactRequest,
)
from pilote.crm.v1.message_pb2 import SEND_STATE_QUEUED, Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.crm.connectors.reading import load
from services.crm.connectors.secrets import SecretMissing
from services.crm.connectors.serving import running
from tests.services.crm.connectors.conftest import FOLDER, Bench
from tests.services.refusals import refused


def _ada(**fields: str) -> CreateContactRequest:
    return CreateContactRequest(contact=Contact(display_name="Ada", **fields))  # type: ignore[arg-type]


async def test_many_calls_that_find_no_login_log_in_once(rest: Bench) -> None:
    await asyncio.gather(*(rest.system.contacts.CreateContact(_ada(email=f"a{n}@example.org")) for n in range(50)))
    assert (len(rest.vendor.people), rest.vendor.logins) == (50, 1)
    rest.vendor.expire()
    name = (await rest.system.contacts.ListContacts(ListContactsRequest(page_size=1))).contacts[0].name
    rest.vendor.expire()
    await asyncio.gather(*(rest.system.contacts.GetContact(GetContactRequest(name=name)) for _ in range(50)))
    assert rest.vendor.logins == 3


async def test_many_repeats_at_once_create_one(rest: Bench) -> None:
    request = _ada()
    request.request_id = "r"
    answers = await asyncio.gather(
        *(rest.system.contacts.CreateContact(request) for _ in range(50)), return_exceptions=True
    )
    assert len(rest.vendor.people) == 1
    assert any(not isinstance(answer, BaseException) for answer in answers)
    assert "r" not in rest.vendor.seen_keys, "the vendor gets nothing that callers wrote"


async def test_usage_goes_on_as_a_trailer_of_answers_and_of_refusals(rest: Bench) -> None:
    call = rest.system.contacts.CreateContact(_ada())
    await call
    assert str(dict(await call.trailing_metadata())["x-usage"]).endswith("/1000")
    lacking = rest.system.contacts.GetContact(GetContactRequest(name="contacts/none"))
    with refused() as refusal:
        await lacking
    assert refusal.reason == "NOT_FOUND"
    assert "x-usage" in dict(await lacking.trailing_metadata())


async def test_a_limit_says_how_long_to_wait(rest: Bench) -> None:
    await rest.system.contacts.CreateContact(_ada())
    rest.vendor.refuse_next()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rest.system.contacts.ListContacts(ListContactsRequest())
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status_from(caught.value).details)
    assert retry.retry_delay.seconds == 7


async def test_what_the_vendor_does_not_keep_is_refused_and_not_left_out(rest: Bench) -> None:
    with refused() as refusal:
        await rest.system.contacts.CreateContact(_ada(phone="+33612345678", region="FR"))
    assert refusal.fields == ("contact.phone", "contact.region")
    with refused() as refusal:
        await rest.system.contacts.ListContacts(ListContactsRequest(company="ACME"))
    assert refusal.fields == ("company",)
    created = await rest.system.contacts.CreateContact(_ada(language="fr"))
    assert created.contact.language == "fr", "what may be left behind is answered as it was sent"
    with refused() as refusal:
        await rest.system.contacts.CreateContact(
            CreateContactRequest(contact=Contact(display_name="A"), contact_id="a")
        )
    assert refusal.fields == ("contact_id",)


async def test_a_filter_reaches_the_vendor_and_a_stream_sends_every_page(rest: Bench) -> None:
    for number in range(7):
        await rest.system.contacts.CreateContact(_ada(email=f"a{number}@example.org"))
    found = await rest.system.contacts.ListContacts(ListContactsRequest(email="a3@example.org"))
    assert [contact.email for contact in found.contacts] == ["a3@example.org"]
    everyone = [each async for each in rest.system.contacts.StreamContacts(StreamContactsRequest())]
    assert len(everyone) == 7


async def test_a_token_of_one_list_is_none_of_another(rest: Bench) -> None:
    for number in range(3):
        await rest.system.contacts.CreateContact(_ada(email=f"a{number}@example.org"))
    token = (await rest.system.contacts.ListContacts(ListContactsRequest(page_size=1))).next_page_token
    with refused() as refusal:
        await rest.system.contacts.ListContacts(ListContactsRequest(page_token=token, email="a1@example.org"))
    assert refusal.fields == ("page_token",)


async def test_a_message_is_sent_once_and_one_whose_answer_is_lost_stays_in_doubt(rest: Bench) -> None:
    message = Message(
        customer="contacts/ada", channel="sms", category="service", body="Hi", contact_point="+33612345678"
    )
    request = SendMessageRequest(message=message, request_id="m")
    first = await rest.system.messages.SendMessage(request)
    assert (first.message.state, first.message.customer) == (SEND_STATE_QUEUED, "contacts/ada")
    assert await rest.system.messages.SendMessage(request) == first
    rest.vendor.lose_next_answer()
    request.request_id = "n"
    for _ in range(3):
        with refused() as refusal:
            await rest.system.messages.SendMessage(request)
        assert refusal.reason == "UPSTREAM_IN_DOUBT"
    assert len(rest.vendor.sent) == 2


async def test_what_the_vendor_cannot_do_says_so(rest: Bench) -> None:
    message = Message(customer="contacts/ada", channel="phone", category="service", body="Hi")
    with refused() as refusal:
        await rest.system.messages.SendMessage(SendMessageRequest(message=message))
    assert refusal.fields == ("message.contact_point", "message.channel")


async def test_an_update_that_names_a_field_of_the_service_is_refused(rest: Bench) -> None:
    request = UpdateContactRequest(contact=Contact(name="contacts/a"))
    request.update_mask.paths.extend(["create_time", "nothing"])
    with refused() as refusal:
        await rest.system.contacts.UpdateContact(request)
    assert refusal.fields == ("update_mask", "update_mask")


async def test_no_request_goes_to_a_private_address_unless_the_operator_says_so(tmp_path: Path) -> None:
    environment = {"VENDOR_SECRET": "hush", "VENDOR_PORT": "80"}
    loaded = load(FOLDER / "rest.yaml")
    with pytest.raises(SecretMissing, match="url-plain"):
        async with running(loaded, environment=environment, listen="127.0.0.1:0", home=tmp_path, drain_seconds=0):
            pass


async def test_a_secret_that_is_not_there_stops_the_start_and_says_its_name(tmp_path: Path) -> None:
    loaded = load(FOLDER / "rest.yaml")
    with pytest.raises(SecretMissing) as caught:
        async with running(
            loaded, environment={"VENDOR_PORT": "80"}, listen="127.0.0.1:0", home=tmp_path, drain_seconds=0
        ):
            pass
    assert caught.value.values["where"] == "VENDOR_SECRET"
