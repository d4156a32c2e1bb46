"""The Twilio connector before Prism, which serves Twilio's own OpenAPI file and refuses what does not fit it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import requests

from pilote.crm.v1.message_pb2 import SEND_STATE_QUEUED, Message
from pilote.crm.v1.message_service_pb2 import (
    DeleteMessageRequest,
    GetMessageRequest,
    ListMessagesRequest,
    SendMessageRequest,
)
from services.crm.connectors.conformance import Check, System
from services.crm.connectors.message_conformance import MESSAGE_CHECKS
from services.crm.connectors.openapi import compare
from services.crm.connectors.reading import load, shipped
from tests.services.crm.connectors.systems import before
from tests.services.refusals import refused
from tests.systems.making import npm_packages
from tests.systems.prism import TWILIO, prism

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
ACCOUNT = "AC" + "0" * 32
ENVIRONMENT = {"TWILIO_AUTH_TOKEN": "hush", "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_FROM": "+33612345678"}
NUMBER = "+33687654321"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Prism serves the file, for all tests here."""
    with prism(tmp_path_factory.mktemp("prism"), TWILIO) as found:
        yield found


@pytest.fixture
async def system(url: str, tmp_path: Path) -> AsyncIterator[System]:
    """The connector before it."""
    changed = {"https://api.twilio.com": url}
    async with before(
        "twilio", ENVIRONMENT, tmp_path, changed=changed, contact_point=NUMBER, messages_by="sms"
    ) as found:
        yield found


def test_twilios_own_file_has_all_that_the_connector_says() -> None:
    compare(load(shipped("twilio")), [npm_packages() / TWILIO])


@pytest.mark.parametrize("check", MESSAGE_CHECKS, ids=lambda check: check.__name__)
async def test_twilios_interface_gets_messages_as_the_contract_says(system: System, check: Check) -> None:
    await check(system)


async def test_a_message_is_sent_read_listed_and_deleted_by_requests_that_fit_the_file(system: System) -> None:
    sent = (await system.messages.SendMessage(_message())).message
    assert sent.state == SEND_STATE_QUEUED
    read = (await system.messages.GetMessage(GetMessageRequest(name=sent.name))).message  # the file's example
    assert read.name.startswith("messages/")
    page = await system.messages.ListMessages(ListMessagesRequest(page_size=2))
    assert page.messages
    assert page.next_page_token
    again = await system.messages.ListMessages(ListMessagesRequest(page_size=2, page_token=page.next_page_token))
    assert again.messages
    await system.messages.DeleteMessage(DeleteMessageRequest(name=sent.name))


def test_prism_refuses_what_does_not_fit_the_file(url: str) -> None:
    path = f"{url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert requests.post(path, data={"Body": "Hi"}, auth=(ACCOUNT, "hush"), timeout=30).status_code == 422
    assert requests.post(path, data={"To": NUMBER, "Body": "Hi"}, timeout=30).status_code == 401


async def test_a_request_that_does_not_fit_the_file_is_told_as_one(url: str, tmp_path: Path) -> None:
    changed = {"https://api.twilio.com": url, "{To: =fields.To,": "{Recipient: =fields.To,"}
    async with before("twilio", ENVIRONMENT, tmp_path, changed=changed) as found:
        with refused() as refusal:
            await found.messages.SendMessage(_message())
    assert refusal.reason == "ARGUMENT_INVALID"


def _message() -> SendMessageRequest:
    message = Message(customer="contacts/ada", channel="sms", category="service", body="Hi", contact_point=NUMBER)
    return SendMessageRequest(message=message)
