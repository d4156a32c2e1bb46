"""Requests that these tests send."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

from open_inference.grpc import protocol as oip

from pilote.crm.v1.contact_service_pb2 import GetContactRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessagesRequest

T = TypeVar("T")
ADA = "contacts/ada-lovelace"


def message(customer: str = ADA, **fields: str) -> Message:
    """A mail to a customer."""
    chosen = {"channel": "email", "category": "marketing", "subject_line": "News", "body": "Dear Ada Lovelace"}
    return Message(customer=customer, **(chosen | fields))  # type: ignore[arg-type]


def send(customer: str = ADA, *, request_id: str = "", **fields: str) -> SendMessageRequest:
    """A request that contacts a customer."""
    return SendMessageRequest(message=message(customer, **fields), request_id=request_id)


def send_one(customer: str = ADA, *, request_id: str = "", **fields: str) -> SendMessagesRequest:
    """The same within a stream."""
    return SendMessagesRequest(message=message(customer, **fields), request_id=request_id)


def get(name: str = ADA) -> GetContactRequest:
    """A request that reads a customer."""
    return GetContactRequest(name=name)


def infer(*, subject: str = "", model: str = "lead-score", version: str = "") -> Any:
    """A request that scores one lead."""
    request = oip.ModelInferRequest(model_name=model, model_version=version, id="r-1")
    words = ("seniority", "role_function", "industry", "region", "lead_source", "first_touch_channel")
    tensor = oip.ModelInferRequest.InferInputTensor
    for name in words:
        contents = oip.InferTensorContents(bytes_contents=[b"vp"])
        request.inputs.append(tensor(name=name, datatype="BYTES", shape=[1], contents=contents))
    for name in ("touches", "sales_activities"):
        contents = oip.InferTensorContents(int64_contents=[3])
        request.inputs.append(tensor(name=name, datatype="INT64", shape=[1], contents=contents))
    if subject:
        request.parameters["subject"].string_param = subject
    return request


async def one_by_one(items: Iterable[T]) -> AsyncIterator[T]:
    """The items as a stream of requests."""
    for item in items:
        yield item
