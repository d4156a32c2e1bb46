"""What the demonstration's agents do: four of them work on one customer base, and not all of it is allowed."""

from collections.abc import Callable, Sequence
from typing import Final

from open_inference.grpc import service

from pilote.crm.v1 import (
    activity_pb2,
    activity_service_pb2,
    activity_service_pb2_grpc,
    contact_service_pb2,
    contact_service_pb2_grpc,
    deal_service_pb2_grpc,
    message_service_pb2_grpc,
)
from services.demo.agents import Agent, at_once
from services.demo.data import DemoContact
from services.demo.requests import creation_of, inference_of, message_to, moved_on, opening_of

WIDTH: Final = 16
"""Calls that one agent has under way at once."""
CAMPAIGNS: Final = ("spring", "webinar", "last-call")
"""Three, while the cap allows two marketing messages a week."""
BURST_CALLS: Final = 1_500
EXPORTS: Final = 4

Advance = Callable[[], None]
"""Told after each piece of work, for the progress bar."""


async def import_contacts(agent: Agent, contacts: Sequence[DemoContact], advance: Advance) -> None:
    """Create every contact, then its deals, at the stage where they all began."""
    create_contact = contact_service_pb2_grpc.ContactServiceStub(agent.channel).CreateContact
    create_deal = deal_service_pb2_grpc.DealServiceStub(agent.channel).CreateDeal

    async def one(contact: DemoContact) -> None:
        await agent.call(create_contact, creation_of(contact))
        for deal in contact.deals:
            await agent.call(create_deal, opening_of(deal, contact))
        advance()

    await at_once((one(contact) for contact in contacts), width=WIDTH)


async def research(agent: Agent, contacts: Sequence[DemoContact], advance: Advance) -> dict[str, str]:
    """Read each contact, have its lead scored, and try to note the score, which this agent may not.

    Returns the inference's decision id for each contact.
    """
    contact_stub = contact_service_pb2_grpc.ContactServiceStub(agent.channel)
    infer = service.GRPCInferenceServiceStub(agent.channel).ModelInfer  # type: ignore[no-untyped-call]
    create_activity = activity_service_pb2_grpc.ActivityServiceStub(agent.channel).CreateActivity

    async def one(index: int, contact: DemoContact) -> tuple[str, str]:
        name = f"contacts/{contact.contact_id}"
        await agent.call(contact_stub.GetContact, contact_service_pb2.GetContactRequest(name=name))
        _, inference = await agent.call(infer, inference_of(contact))
        if index % 10 == 0:
            note = activity_pb2.Activity(contact=name, type=activity_pb2.ACTIVITY_TYPE_NOTE, title="Lead scored")
            await agent.call(
                create_activity,
                activity_service_pb2.CreateActivityRequest(activity=note, request_id=f"note-{contact.contact_id}"),
                inference=inference.decision,
            )
        advance()
        return contact.contact_id, inference.decision

    found = dict(await at_once((one(index, contact) for index, contact in enumerate(contacts)), width=WIDTH))
    for _ in range(EXPORTS):
        await agent.read_stream(contact_stub.StreamContacts, contact_service_pb2.StreamContactsRequest())
    return found


async def sell(agent: Agent, contacts: Sequence[DemoContact], *, inferences: dict[str, str], advance: Advance) -> None:
    """Move deals on to where the rows have them, and write to their contacts; large deals are not this agent's."""
    update_deal = deal_service_pb2_grpc.DealServiceStub(agent.channel).UpdateDeal
    send = message_service_pb2_grpc.MessageServiceStub(agent.channel).SendMessage

    async def one(contact: DemoContact) -> None:
        inference = inferences.get(contact.contact_id, "")
        for deal in contact.deals:
            await agent.call(update_deal, moved_on(deal, contact), inference=inference)
            request = message_to(contact, category="service", campaign="", title=f"Your offer: {deal.title}")
            request.request_id = f"offer-{deal.deal_id}"
            await agent.call(send, request, inference=inference)
        advance()

    await at_once((one(contact) for contact in contacts), width=WIDTH)


async def campaign(agent: Agent, contacts: Sequence[DemoContact], advance: Advance) -> None:
    """Three campaigns to everybody: consents are missing, and the third meets the cap."""
    send = message_service_pb2_grpc.MessageServiceStub(agent.channel).SendMessage

    async def one(contact: DemoContact, name: str) -> None:
        request = message_to(contact, category="marketing", campaign=name, title=f"News for {contact.company}")
        request.request_id = f"{name}-{contact.contact_id}"
        await agent.call(send, request)
        advance()

    for name in CAMPAIGNS:
        await at_once((one(contact, name) for contact in contacts), width=WIDTH)


async def burst(agent: Agent, contacts: Sequence[DemoContact], advance: Advance) -> None:
    """Many more reads at once than the agent's rate allows."""
    get = contact_service_pb2_grpc.ContactServiceStub(agent.channel).GetContact

    async def one(contact: DemoContact) -> None:
        await agent.call(get, contact_service_pb2.GetContactRequest(name=f"contacts/{contact.contact_id}"))
        advance()

    await at_once((one(contacts[index % len(contacts)]) for index in range(BURST_CALLS)), width=200)
