"""Single values of requests, as records hold them; no credential among them, whatever a condition reads."""

import datetime as dt
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.messages.request_values import value_reader
from pilote.crm.v1 import contact_pb2, contact_service_pb2, message_pb2, message_service_pb2
from pilote.governance.v1 import annotations_pb2

SEND = message_service_pb2.SendMessageRequest.DESCRIPTOR
CREATE = contact_service_pb2.CreateContactRequest.DESCRIPTOR


def read(kind: Any, message: Any, *steps: str) -> Any:
    reader = value_reader(kind, steps)
    assert reader is not None
    return reader(message)


def test_texts_lists_maps_times_and_messages_are_read() -> None:
    message = message_pb2.Message(subject_line="News", topics=["a", "b"])
    mail = message_service_pb2.SendMessageRequest(message=message, request_id="r")
    assert read(SEND, mail, "message", "subject_line") == "News"
    assert read(SEND, mail, "request_id") == "r"
    assert read(SEND, mail, "message", "topics") == ["a", "b"]
    assert read(SEND, mail, "message") == {"set": True}
    contact = contact_service_pb2.CreateContactRequest(contact=contact_pb2.Contact(attributes={"score": "7"}))
    assert read(CREATE, contact, "contact", "attributes", "score") == "7"
    assert read(CREATE, contact, "contact", "attributes", "none") is None
    assert "none" not in contact.contact.attributes
    stamp = Timestamp()
    stamp.FromDatetime(dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    contact.contact.create_time.CopyFrom(stamp)
    assert read(CREATE, contact, "contact", "create_time") == "2026-01-02T00:00:00Z"
    for seconds in (1 << 60, -(1 << 62)):
        contact.contact.create_time.seconds = seconds
        assert read(CREATE, contact, "contact", "create_time") == f"{seconds}s, which is out of range"


@pytest.mark.parametrize(
    "steps",
    [
        ("nothing",),
        ("contact", "nothing"),
        ("contact", "attributes"),
        ("contact", "attributes", "score", "more"),
        ("contact", "email", "more"),
        (),
    ],
)
def test_what_is_no_single_value_is_not_read(steps: tuple[str, ...]) -> None:
    assert value_reader(CREATE, steps) is None


def secretive() -> Any:
    """A message with a credential, alone and inside another message, a map and a list."""
    file = descriptor_pb2.FileDescriptorProto(name="s.proto", package="s", syntax="proto3")
    inner = file.message_type.add(name="Inner")
    secret = inner.field.add(name="token", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    secret.options.Extensions[annotations_pb2.sensitivity] = annotations_pb2.SENSITIVITY_CREDENTIAL
    inner.field.add(name="name", number=2, type="TYPE_STRING", label="LABEL_OPTIONAL")
    outer = file.message_type.add(name="Outer")
    one = outer.field.add(name="one", number=1, type="TYPE_MESSAGE", label="LABEL_OPTIONAL", type_name=".s.Inner")
    one.options.SetInParent()
    outer.field.add(name="many", number=2, type="TYPE_MESSAGE", label="LABEL_REPEATED", type_name=".s.Inner")
    outer.field.add(name="raw", number=3, type="TYPE_BYTES", label="LABEL_OPTIONAL")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("s.Outer"))


def test_no_credential_is_read_nor_anything_that_holds_one() -> None:
    kind = secretive()
    for steps in (("one", "token"), ("one",), ("many",), ("raw",)):
        assert value_reader(kind.DESCRIPTOR, steps) is None
    assert read(kind.DESCRIPTOR, kind(one={"name": "n", "token": "t"}), "one", "name") == "n"
