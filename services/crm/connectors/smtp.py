"""Mail servers as one more kind of vendor: a request becomes a mail, and the server's reply an answer over HTTP.

So that all that is decided of requests (whether one acted, may be repeated, is in doubt) is decided in one place.
"""

import asyncio
import base64
import email.message
import email.utils
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiosmtplib
import msgspec

from services.crm.connectors.exchange import Answer, Lost, Outgoing
from services.crm.connectors.network import public

SCHEMES: Final = ("smtp", "smtps")
MESSAGE_ID: Final = "x-message-id"
_STATUSES: Final[Mapping[int, int]] = {421: 503, 450: 503, 451: 503, 452: 503, 454: 503, 530: 401, 534: 401, 535: 401}
"""What replies of SMTP are over HTTP, which all else is judged by; the others of 500 and above refuse the mail."""
_LATER: Final = 503
_REFUSED: Final = 422


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the body of a request to a mail server says."""

    sender: str
    to: str
    subject: str = ""
    text: str = ""
    key: str = ""
    """Names the mail: a repeat of the same request has the same Message-ID, by which receivers may know it."""


async def mailed(outgoing: Outgoing, *, until: float, allow_private: bool) -> Answer:
    """The server's reply to the mail, whose id is in the header `x-message-id`.

    The connection is encrypted: from the start for `smtps`, else by STARTTLS, without which nothing is sent unless
    `allow_private`. `until` is the loop's time at which the reply must be there.

    Raises:
        Lost: there is none.
    """
    message, mail = _message(outgoing.body or b"")
    acting = False
    try:
        async with asyncio.timeout_at(until):
            client = await _connected(outgoing, allow_private=allow_private)
            try:
                acting = True
                await client.send_message(message, sender=mail.sender, recipients=[mail.to])
            finally:
                client.close()
    except aiosmtplib.SMTPAuthenticationError:
        return Answer(401, {}, None)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return Answer(max((_status(each.code) for each in error.recipients), default=_REFUSED), {}, None)
    except aiosmtplib.SMTPResponseException as error:
        return Answer(_status(error.code), {}, None)
    except (TimeoutError, aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise Lost("UPSTREAM_IN_DOUBT" if acting else "UPSTREAM_UNAVAILABLE") from error
    return Answer(202, {MESSAGE_ID: message["Message-ID"].strip("<>").partition("@")[0]}, None)


async def _connected(outgoing: Outgoing, *, allow_private: bool) -> aiosmtplib.SMTP:
    parts = urlsplit(outgoing.url)
    host, port = parts.hostname or "", parts.port or (465 if parts.scheme == "smtps" else 587)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [each for each in found if allow_private or public(str(each[4][0]))]
    if not addresses:
        raise OSError("no public address")
    family, kind, protocol, _, address = addresses[0]
    opened = socket.socket(family, kind, protocol)
    opened.settimeout(0)
    try:
        # Connected here, so that what was looked at is what is connected to.
        await asyncio.get_running_loop().sock_connect(opened, address)
        client = aiosmtplib.SMTP(
            hostname=host,
            sock=opened,
            local_hostname="pilote.invalid",
            use_tls=parts.scheme == "smtps",
            start_tls=None if allow_private else parts.scheme == "smtp",
            timeout=None,
        )
        await client.connect()
    except BaseException:
        opened.close()
        raise
    username, password = _login(outgoing.headers.get("Authorization", ""))
    if username:
        try:
            await client.login(username, password)
        except BaseException:
            client.close()
            raise
    return client


def _login(authorization: str) -> tuple[str, str]:
    kind, _, coded = authorization.partition(" ")
    if kind != "Basic":
        return "", ""
    username, _, password = base64.b64decode(coded).decode().partition(":")
    return username, password


def _message(body: bytes) -> tuple[email.message.EmailMessage, Mail]:
    """The mail that a body says.

    Raises:
        Lost: it cannot be one; a line break in an address or a subject would begin a header of its own.
    """
    try:
        mail = msgspec.json.decode(body, type=Mail)
        message = email.message.EmailMessage()
        message["From"], message["To"], message["Subject"] = mail.sender, mail.to, mail.subject
        message["Date"] = email.utils.localtime()
        message["Message-ID"] = (
            f"<{mail.key}@pilote.invalid>" if mail.key else email.utils.make_msgid(domain="pilote.invalid")
        )
        message.set_content(mail.text)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Lost("ARGUMENT_INVALID") from error
    return message, mail


def _status(code: int) -> int:
    return _STATUSES.get(code, _LATER if 400 <= code < 500 else _REFUSED)
