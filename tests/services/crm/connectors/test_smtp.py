"""Mails by SMTP: sent once, judged by what the server says, and never without encryption to where anybody listens."""

import asyncio
import contextlib
import email.message
import email.policy
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from pilote.crm.v1.message_pb2 import SEND_STATE_SENT, Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.crm.connectors.conformance import System
from services.crm.connectors.reading import load, shipped
from services.crm.connectors.serving import running
from tests.services.refusals import refused


class MailServer:
    """What arrived, and what is to go wrong."""

    def __init__(self) -> None:
        self.arrived: list[email.message.EmailMessage] = []
        self.refusal = ""
        self.loses_answers = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.arrived.append(message_from_bytes(envelope.content, policy=email.policy.default))
        if self.loses_answers:
            server.transport.close()
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == b"hush"
        return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def _mailing(home: Path, *, password: str = "hush") -> AsyncIterator[tuple[System, MailServer]]:  # noqa: S107
    mails, loop = MailServer(), asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(mails, hostname="test", loop=loop, authenticator=mails.authenticate, auth_require_tls=False),
        "127.0.0.1",
        0,
    )
    environment = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(listening.sockets[0].getsockname()[1]),
        "SMTP_USERNAME": "us",
        "SMTP_PASSWORD": password,
        "SMTP_FROM": "us@example.org",
    }
    loaded = load(shipped("smtp"))
    async with (
        running(
            loaded, environment=environment, listen="127.0.0.1:0", home=home, drain_seconds=1, allow_private=True
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield System(channel, frozenset(loaded.methods)), mails
    listening.close()


def _mail(request_id: str = "", **fields: str) -> SendMessageRequest:
    values = {"subject_line": "Été", "body": "Bonjour\n.\nÀ bientôt", "contact_point": "ada@example.org"} | fields
    message = Message(customer="contacts/ada", channel="email", category="service", **values)  # type: ignore[arg-type]
    return SendMessageRequest(message=message, request_id=request_id)


async def test_a_mail_arrives_as_it_was_written_and_once(tmp_path: Path) -> None:
    async with _mailing(tmp_path) as (system, mails):
        first = await system.messages.SendMessage(_mail("r"))
        assert await system.messages.SendMessage(_mail("r")) == first
        await system.messages.SendMessage(_mail())
        await system.messages.SendMessage(_mail())
    arrived = mails.arrived[0]
    assert (arrived["To"], arrived["From"], arrived["Subject"]) == ("ada@example.org", "us@example.org", "Été")
    assert arrived.get_content().strip().replace("\r\n", "\n") == "Bonjour\n.\nÀ bientôt"
    assert first.message.state == SEND_STATE_SENT
    assert len({mail["Message-ID"] for mail in mails.arrived}) == len(mails.arrived) == 3


@pytest.mark.parametrize(
    ("reply", "reason"), [("550 No such user", "ARGUMENT_INVALID"), ("450 Come back later", "UPSTREAM_UNAVAILABLE")]
)
async def test_what_the_server_says_is_told_in_our_words(tmp_path: Path, reply: str, reason: str) -> None:
    async with _mailing(tmp_path) as (system, mails):
        mails.refusal = reply
        with refused() as refusal:
            await system.messages.SendMessage(_mail("r"))
        assert refusal.reason == reason
        mails.refusal = ""
        await system.messages.SendMessage(_mail("r"))
    assert len(mails.arrived) == 1


async def test_a_mail_whose_reply_is_lost_stays_in_doubt_and_is_not_sent_again(tmp_path: Path) -> None:
    async with _mailing(tmp_path) as (system, mails):
        mails.loses_answers = True
        for _ in range(3):
            with refused() as refusal:
                await system.messages.SendMessage(_mail("r"))
            assert refusal.reason == "UPSTREAM_IN_DOUBT"
    assert len(mails.arrived) == 1


@pytest.mark.parametrize("field", ["subject_line", "contact_point"])
async def test_no_line_break_begins_a_header_of_its_own(tmp_path: Path, field: str) -> None:
    async with _mailing(tmp_path) as (system, mails):
        with refused() as refusal:
            await system.messages.SendMessage(_mail(**{field: "a@example.org\r\nBcc: all@example.org"}))
    assert refusal.reason == "ARGUMENT_INVALID"
    assert not mails.arrived


async def test_a_wrong_password_is_the_operators_matter_and_is_not_told(tmp_path: Path) -> None:
    async with _mailing(tmp_path, password="wrong") as (system, mails):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await system.messages.SendMessage(_mail())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "wrong" not in str(caught.value.details())
    assert not mails.arrived
