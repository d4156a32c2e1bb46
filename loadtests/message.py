"""The call that is measured: a message to a customer, in the size of a short mail."""

from typing import Final

from pilote.crm.v1 import message_pb2, message_service_pb2

METHOD: Final = "/pilote.crm.v1.MessageService/SendMessage"


def request(customer: str) -> bytes:
    """A message to that customer."""
    return message_service_pb2.SendMessageRequest(
        message=message_pb2.Message(
            customer=customer,
            channel="email",
            category="marketing",
            subject_line="Your renewal",
            body="Your contract ends next month. " * 8,
            campaign="renewal-2026",
        )
    ).SerializeToString()
