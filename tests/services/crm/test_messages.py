"""What is special about messages."""

import asyncio

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_MESSAGE
from pilote.crm.v1.activity_service_pb2 import ListActivitiesRequest
from pilote.crm.v1.message_pb2 import SEND_STATE_DELIVERED, SEND_STATE_SENT, Message
from pilote.crm.v1.message_service_pb2 import (
    DeleteMessageRequest,
    GetMessageRequest,
    ListMessagesRequest,
    SendMessageRequest,
    SendMessagesRequest,
    SendMessagesResponse,
    UpdateMessageRequest,
)
from tests.services.crm.conftest import Crm
from tests.services.refusals import refused


def _mail(customer: str = "contacts/ada", **fields: str) -> Message:
    values = {"channel": "email", "category": "marketing", "subject_line": "Spring", "body": "Hello"} | fields
    return Message(customer=customer, **values)  # type: ignore[arg-type]


async def test_a_message_is_sent_once_and_noted_once_however_often_it_is_asked_for(crm: Crm) -> None:
    await crm.contact("ada")
    request = SendMessageRequest(message=_mail(), request_id="r")
    answers = await asyncio.gather(*(crm.messages.SendMessage(request) for _ in range(100)))
    message = answers[0].message
    assert all(answer.message == message for answer in answers)
    assert message.state == SEND_STATE_SENT
    assert message.send_time.ToMilliseconds() == crm.clock.now_ms
    assert (await crm.messages.ListMessages(ListMessagesRequest())).messages == [message]
    listed = await crm.activities.ListActivities(ListActivitiesRequest(contact="contacts/ada"))
    assert [(each.type, each.note) for each in listed.activities] == [(ACTIVITY_TYPE_MESSAGE, message.name)]


async def test_a_message_to_nobody_is_not_found_and_leaves_nothing(crm: Crm) -> None:
    with refused() as refusal:
        await crm.messages.SendMessage(SendMessageRequest(message=_mail("contacts/nobody"), request_id="r"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert not (await crm.messages.ListMessages(ListMessagesRequest())).messages


@pytest.mark.parametrize(
    ("field", "value"),
    [("channel", "fax"), ("category", "spam"), ("subject_line", ""), ("body", ""), ("body", "x" * 100_001)],
)
async def test_a_wrong_message_says_which_field(crm: Crm, field: str, value: str) -> None:
    await crm.contact("ada")
    with refused() as refusal:
        await crm.messages.SendMessage(SendMessageRequest(message=_mail(**{field: value})))
    assert refusal.fields == (f"message.{field}",)


async def test_an_empty_request_is_an_invalid_argument(crm: Crm) -> None:
    with refused() as refusal:
        await crm.messages.SendMessage(SendMessageRequest())
    assert set(refusal.fields) == {f"message.{field}" for field in ("customer", "channel", "category", "body")}


async def test_a_stream_answers_each_message_in_order_and_survives_a_wrong_one(crm: Crm) -> None:
    await crm.contact("ada")
    stream = crm.messages.SendMessages()
    for request_id, customer in (("a", "contacts/ada"), ("b", "contacts/nobody"), ("c", "contacts/ada")):
        await stream.write(SendMessagesRequest(message=_mail(customer), request_id=request_id))
        response = await stream.read()
        assert isinstance(response, SendMessagesResponse)
        assert response.request_id == request_id
        assert response.WhichOneof("result") == ("error" if request_id == "b" else "message")
    await stream.done_writing()
    assert await stream.read() is grpc.aio.EOF
    assert len((await crm.messages.ListMessages(ListMessagesRequest())).messages) == 2


async def test_a_caller_that_changes_from_stream_to_unary_does_not_send_twice(crm: Crm) -> None:
    await crm.contact("ada")
    stream = crm.messages.SendMessages()
    await stream.write(SendMessagesRequest(message=_mail(), request_id="r"))
    response = await stream.read()
    stream.cancel()
    assert isinstance(response, SendMessagesResponse)
    again = await crm.messages.SendMessage(SendMessageRequest(message=_mail(), request_id="r"))
    assert again.message == response.message


async def test_the_channel_reports_delivery_and_nobody_rewrites_the_text(crm: Crm) -> None:
    await crm.contact("ada")
    sent = (await crm.messages.SendMessage(SendMessageRequest(message=_mail()))).message
    delivered = Message(name=sent.name, state=SEND_STATE_DELIVERED)
    changed = (await crm.messages.UpdateMessage(UpdateMessageRequest(message=delivered))).message
    assert (changed.state, changed.send_time) == (SEND_STATE_DELIVERED, sent.send_time)
    request = ListMessagesRequest(state=SEND_STATE_DELIVERED, channel="email", customer="contacts/ada")
    assert len((await crm.messages.ListMessages(request)).messages) == 1
    with refused() as refusal:
        rewritten = Message(name=sent.name, body="Something else")
        await crm.messages.UpdateMessage(UpdateMessageRequest(message=rewritten, update_mask=FieldMask(paths=["body"])))
    assert refusal.fields == ("update_mask",)


async def test_a_deleted_message_is_gone_from_the_outbox(crm: Crm) -> None:
    await crm.contact("ada")
    sent = (await crm.messages.SendMessage(SendMessageRequest(message=_mail()))).message
    await crm.messages.DeleteMessage(DeleteMessageRequest(name=sent.name))
    with refused() as refusal:
        await crm.messages.GetMessage(GetMessageRequest(name=sent.name))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
