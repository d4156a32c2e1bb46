"""What every connector that sends messages must do, as `services.crm.connectors.conformance` has it for contacts.

They really go out, so they go to the one whom the system names for that, and nowhere where it names nobody.
"""

import uuid
from typing import Final

import grpc

from gateway.core.errors import Reason
from gateway.rpc.status import reason_from
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.crm.connectors.conformance import Check, LeftOut, System, needs, refused, see

_REPEATS: Final = 3


async def repeated_message_goes_out_once(system: System) -> None:
    """A message that is repeated with its id goes out once and gets the first answer again."""
    request = await _request(system)
    before = _sent(system)
    first = await system.messages.SendMessage(request)
    see(first.message.name.startswith("messages/"), "the message has no name")
    for _ in range(_REPEATS):
        see(await system.messages.SendMessage(request) == first, "a repeat got another answer")
    other = SendMessageRequest()
    other.CopyFrom(request)
    other.message.body = "Something else."
    await refused(system.messages.SendMessage(other), Reason.IDEMPOTENCY_KEY_REUSED)
    _see_sent(system, before + 1)


async def wrong_message_names_its_field(system: System) -> None:
    """A message that lacks what the contract requires is refused before anything is asked."""
    needs(system, "SendMessage")
    await refused(system.messages.SendMessage(SendMessageRequest()), Reason.ARGUMENT_INVALID)


async def refused_message_does_not_go_out(system: System) -> None:
    """A vendor that takes no more is told as a limit, and the message goes out when it is repeated."""
    if system.faults is None:
        raise LeftOut("nothing can be made to go wrong here")
    request = await _request(system)
    before = _sent(system)
    system.faults.refuse_next()
    await refused(system.messages.SendMessage(request), Reason.LIMIT_EXCEEDED)
    see(_sent(system) == before, "it went out all the same")
    await system.messages.SendMessage(request)
    _see_sent(system, before + 1)


async def message_with_a_lost_answer_is_in_doubt_and_never_goes_out_twice(system: System) -> None:
    """When the answer to a message is lost, it is in doubt, and no repeat with its id sends it twice."""
    if system.faults is None:
        raise LeftOut("nothing can be made to go wrong here")
    request = await _request(system)
    before = _sent(system)
    system.faults.lose_next_answer()
    for _ in range(_REPEATS):
        try:
            await system.messages.SendMessage(request)
        except grpc.aio.AioRpcError as error:
            see(reason_from(error) == Reason.UPSTREAM_IN_DOUBT, f"it ended with {reason_from(error)}")
    _see_sent(system, before + 1)


MESSAGE_CHECKS: Final[tuple[Check, ...]] = (
    repeated_message_goes_out_once,
    wrong_message_names_its_field,
    refused_message_does_not_go_out,
    message_with_a_lost_answer_is_in_doubt_and_never_goes_out_twice,
)


async def _request(system: System) -> SendMessageRequest:
    needs(system, "SendMessage")
    if not system.contact_point:
        raise LeftOut("there is nobody whom a message may go to")
    customer = "contacts/conformance"
    if "CreateContact" in system.methods:
        wanted = Contact(display_name="Ada Lovelace", email=f"pilote-{uuid.uuid4().hex}@example.org")
        customer = (await system.contacts.CreateContact(CreateContactRequest(contact=wanted))).contact.name
    message = Message(
        customer=customer,
        channel=system.messages_by,
        category="service",
        subject_line="A trial of Pilote" if system.messages_by == "email" else "",
        body="Sent by the conformance suite of Pilote. Nothing is to be done.",
        contact_point=system.contact_point,
    )
    return SendMessageRequest(message=message, request_id=uuid.uuid4().hex)


def _sent(system: System) -> int:
    return 0 if system.sent is None else system.sent()


def _see_sent(system: System, times: int) -> None:
    """See that so many have reached the vendor, where that can be seen."""
    see(system.sent is None or system.sent() == times, "it did not go out once")
