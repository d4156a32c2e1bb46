"""The SMTP connector before a real MailDev."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from pilote.crm.v1.message_pb2 import SEND_STATE_SENT, Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.crm.connectors.conformance import Check, System
from services.crm.connectors.message_conformance import MESSAGE_CHECKS
from tests.services.crm.connectors.systems import before
from tests.services.refusals import refused
from tests.systems.maildev import MOST_BYTES, PASSWORD, USERNAME, MailDev, maildev

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailDev]:
    """MailDev, for all tests here."""
    with maildev(tmp_path_factory.mktemp("maildev")) as found:
        yield found


def _environment(server: MailDev, password: str = PASSWORD) -> dict[str, str]:
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.smtp_port),
        "SMTP_USERNAME": USERNAME,
        "SMTP_PASSWORD": password,
        "SMTP_FROM": "us@example.org",
    }


@pytest.fixture
async def system(server: MailDev, tmp_path: Path) -> AsyncIterator[System]:
    """The connector before it."""
    async with before(
        "smtp",
        _environment(server),
        tmp_path,
        contact_point="ada@example.org",
        sent=lambda: len(server.arrived()),
    ) as found:
        yield found


@pytest.mark.parametrize("check", MESSAGE_CHECKS, ids=lambda check: check.__name__)
async def test_maildev_gets_messages_as_the_contract_says(system: System, check: Check) -> None:
    await check(system)


def _mail(body: str) -> SendMessageRequest:
    message = Message(
        customer="contacts/ada",
        channel="email",
        category="service",
        subject_line="Été à Zürich",
        body=body,
        contact_point="ada@example.org",
    )
    return SendMessageRequest(message=message)


async def test_a_mail_arrives_as_it_was_written(server: MailDev, system: System) -> None:
    answer = await system.messages.SendMessage(_mail("Bonjour\n.\nÀ bientôt"))
    assert answer.message.state == SEND_STATE_SENT
    arrived = server.arrived()[-1]
    assert arrived["subject"] == "Été à Zürich"
    assert arrived["text"].strip() == "Bonjour\n.\nÀ bientôt"
    assert ([each["address"] for each in arrived["from"]], [each["address"] for each in arrived["to"]]) == (
        ["us@example.org"],
        ["ada@example.org"],
    )
    assert arrived["headers"]["message-id"].endswith("@pilote.invalid>")


async def test_a_mail_that_is_too_large_for_it_is_the_callers_to_shorten(server: MailDev, system: System) -> None:
    count = len(server.arrived())
    with refused() as refusal:
        await system.messages.SendMessage(_mail("a" * 70 + ("\n" + "a" * 70) * (2 * MOST_BYTES // 70)))
    assert refusal.reason == "ARGUMENT_INVALID"
    assert len(server.arrived()) == count


async def test_a_wrong_password_sends_nothing_and_is_the_operators_matter(server: MailDev, tmp_path: Path) -> None:
    count = len(server.arrived())
    async with before("smtp", _environment(server, "wrong"), tmp_path) as found:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await found.messages.SendMessage(_mail("Hi"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(server.arrived()) == count
