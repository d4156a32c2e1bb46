"""Connectors that ship, with answers as their vendors' documentation shows them in place of the vendors."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc

from services.crm.connectors.conformance import System
from services.crm.connectors.exchange import Answer, Outgoing
from services.crm.connectors.reading import read, shipped
from services.crm.connectors.serving import running

ENVIRONMENT = {
    "HUBSPOT_TOKEN": "key",
    "ODOO_API_KEY": "key",
    "ODOO_HOST": "acme.odoo.com",
    "ODOO_CURRENCY": "EUR",
    "PIPEDRIVE_API_TOKEN": "key",
    "PIPEDRIVE_COMPANY": "acme",
    "BOTTLECRM_TOKEN": "key",
    "BOTTLECRM_HOST": "crm.example.com",
    "SALESFORCE_CLIENT_ID": "id",
    "SALESFORCE_CLIENT_SECRET": "key",
    "SALESFORCE_CURRENCY": "EUR",
    "SALESFORCE_DOMAIN": "acme",
    "SENDGRID_API_KEY": "key",
    "SENDGRID_FROM": "us@example.org",
    "TWILIO_AUTH_TOKEN": "key",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_FROM": "+33612345678",
}


class Documented:
    """Answers as documented instead of sending anything, and keeps what was to be sent."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.sent: list[Outgoing] = []

    async def around(self, send: Callable[[], Awaitable[Answer]], outgoing: Outgoing) -> Answer:
        """The next of the answers."""
        self.sent.append(outgoing)
        return self._answers.pop(0)

    def body(self, index: int) -> Any:
        """The JSON of one of the requests."""
        return json.loads(self.sent[index].body or b"null")


@contextlib.asynccontextmanager
async def documented(
    name: str, home: Path, *answers: Answer, changed: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[System, Documented]]:
    """The connector of that name, and what it sends. `changed`: what its file says otherwise."""
    vendor = Documented(*answers)
    text = shipped(name).read_text(encoding="utf-8")
    for old, new in (changed or {}).items():
        assert old in text
        text = text.replace(old, new)
    loaded = read(text)
    async with (
        running(
            loaded, environment=ENVIRONMENT, listen="127.0.0.1:0", home=home, drain_seconds=1, fault=vendor
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield System(channel, frozenset(loaded.methods)), vendor


def ok(body: Any, **headers: str) -> Answer:
    """A success."""
    return Answer(200, headers, body)
