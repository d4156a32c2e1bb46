"""MessageService: the messages that go to persons. The embedded CRM is their outbox: what it keeps is sent."""

from collections.abc import AsyncIterator, Iterator
from sqlite3 import Connection
from typing import Any, ClassVar, Final

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded
from gateway.rpc.status import status_of
from pilote.crm.v1 import message_service_pb2 as pb
from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_MESSAGE, Activity
from pilote.crm.v1.message_pb2 import SEND_STATE_SENT, Message
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceServicer
from services.crm import checks
from services.crm.activities import Activities
from services.crm.collection import Collection
from services.crm.resources import Resources, Wanted

CHANNELS: Final = ("email", "sms", "phone", "push", "postal")
CATEGORIES: Final = ("marketing", "transactional", "service", "legal")


class Messages(Collection[Message]):
    """How messages are kept."""

    kind = Message
    table = "messages"
    word = "message"
    id_prefix = "msg"
    limits: ClassVar = {
        "customer": 80,
        "subject_line": 200,
        "body": 100_000,
        "campaign": 100,
        "purpose": 63,
        "contact_point": 256,
    }
    filters = ("customer", "channel", "campaign", "state")

    def problems(self, resource: Message) -> Iterator[checks.Problem]:
        """A channel or category that there is not, or a mail without subject line."""
        if resource.channel and resource.channel not in CHANNELS:
            yield "channel", f"must be one of {', '.join(CHANNELS)}"
        if resource.category and resource.category not in CATEGORIES:
            yield "category", f"must be one of {', '.join(CATEGORIES)}"
        if resource.channel == "email" and not resource.subject_line:
            yield "subject_line", "is required for email"

    def complete(self, resource: Message, *, before: Message | None, now: Timestamp) -> Iterator[checks.Problem]:
        """A new message is sent now."""
        if before is None:
            resource.state = SEND_STATE_SENT
            resource.send_time.CopyFrom(now)
        yield from ()

    def references(self, resource: Message) -> tuple[str, ...]:
        """The person it goes to."""
        return (resource.customer,)

    def subject(self, resource: Message) -> str:
        """The person it goes to."""
        return resource.customer


class MessageServicer(MessageServiceServicer):
    """Serves messages."""

    def __init__(self, messages: Resources[Message], activities: Activities) -> None:
        self._messages = messages
        self._activities = activities

    async def SendMessage(self, request: pb.SendMessageRequest, context: Any) -> pb.SendMessageResponse:
        """Send a message and note it among the person's activities."""
        return pb.SendMessageResponse(message=await self._send(request.message, request.request_id))

    async def SendMessages(
        self, requests: AsyncIterator[pb.SendMessagesRequest], context: Any
    ) -> AsyncIterator[pb.SendMessagesResponse]:
        """Send each message and answer each, in order; one that cannot be sent does not end the stream."""
        async for request in requests:
            response = pb.SendMessagesResponse(request_id=request.request_id)
            try:
                response.message.CopyFrom(await self._send(request.message, request.request_id))
            except CallEnded as ended:
                response.error.CopyFrom(status_of(ended))
            yield response

    async def GetMessage(self, request: pb.GetMessageRequest, context: Any) -> pb.GetMessageResponse:
        """Read one message."""
        return pb.GetMessageResponse(message=await self._messages.get(request.name))

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Any) -> pb.ListMessagesResponse:
        """List messages, oldest first."""
        messages, token = await self._messages.page(
            {
                "customer": request.customer,
                "channel": request.channel,
                "campaign": request.campaign,
                "state": request.state,
            },
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListMessagesResponse(messages=messages, next_page_token=token)

    async def UpdateMessage(self, request: pb.UpdateMessageRequest, context: Any) -> pb.UpdateMessageResponse:
        """Change campaign or state of a message."""
        message = await self._messages.update(request.message, mask=request.update_mask, request_id=request.request_id)
        return pb.UpdateMessageResponse(message=message)

    async def DeleteMessage(self, request: pb.DeleteMessageRequest, context: Any) -> pb.DeleteMessageResponse:
        """Delete a message from the outbox."""
        await self._messages.delete(request.name, etag=request.etag, request_id=request.request_id)
        return pb.DeleteMessageResponse()

    async def _send(self, message: Message, request_id: str) -> Message:
        return await self._messages.create(Wanted(message, request_id), then=self._note)

    def _note(self, connection: Connection, message: Message) -> None:
        title = message.subject_line or f"{message.category} by {message.channel}"
        activity = Activity(
            contact=message.customer,
            type=ACTIVITY_TYPE_MESSAGE,
            title=title,
            note=message.name,
            channel=message.channel,
            start_time=message.send_time,
        )
        self._activities.insert(connection, activity, wanted_id="", now_ms=message.send_time.ToMilliseconds())
