"""A real CRM over a file of its own, spoken to through its stubs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from services.crm.server import running

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceAsyncStub
    from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from pilote.crm.v1.deal_service_pb2_grpc import DealServiceAsyncStub
    from pilote.crm.v1.message_service_pb2_grpc import MessageServiceAsyncStub


@dataclass(slots=True)
class Clock:
    """The time, as the test sets it."""

    now_ms: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass(slots=True)
class Crm:
    """The stubs of one CRM."""

    channel: grpc.aio.Channel
    clock: Clock
    contacts: "ContactServiceAsyncStub" = field(init=False)
    deals: "DealServiceAsyncStub" = field(init=False)
    activities: "ActivityServiceAsyncStub" = field(init=False)
    messages: "MessageServiceAsyncStub" = field(init=False)

    def __post_init__(self) -> None:
        self.contacts = ContactServiceStub(self.channel)
        self.deals = DealServiceStub(self.channel)
        self.activities = ActivityServiceStub(self.channel)
        self.messages = MessageServiceStub(self.channel)

    async def contact(self, contact_id: str = "ada", **fields: str) -> Contact:
        """A new contact."""
        wanted = Contact(display_name="Ada Lovelace", **fields)  # type: ignore[arg-type]
        request = CreateContactRequest(contact=wanted, contact_id=contact_id)
        return (await self.contacts.CreateContact(request)).contact


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the CRM keeps its file; it does not exist yet."""
    return tmp_path / "crm"


@pytest.fixture
async def crm(home: Path) -> AsyncIterator[Crm]:
    """A CRM without any data."""
    clock = Clock()
    async with (
        running(listen="127.0.0.1:0", home=home, drain_seconds=1, clock_ms=clock) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Crm(channel, clock)
