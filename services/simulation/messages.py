"""The requests that agents make, as bytes of their contracts."""

from collections.abc import Callable
from typing import Any, Final

from pilote.crm.v1 import message_pb2, message_service_pb2
from services.simulation.deciding import MODEL

_TITLES: Final = {"transactional": "Your order", "marketing": "Something for you"}


def send(*, subject: str, channel: str, category: str, campaign: str) -> bytes:
    """A message to a customer."""
    return message_service_pb2.SendMessageRequest(
        message=message_pb2.Message(
            customer=subject,
            channel=channel,
            category=category,
            campaign=campaign,
            subject_line=_TITLES.get(category, "News"),
            body=f"This message belongs to the campaign {campaign}.",
        )
    ).SerializeToString(deterministic=True)


def infer(*, subject: str) -> bytes:
    """The question to the model what a customer is worth."""
    request = _request()(model_name=MODEL)
    request.parameters["subject"].string_param = subject
    sent: bytes = request.SerializeToString(deterministic=True)
    return sent


def _request() -> Callable[..., Any]:
    from open_inference.grpc import protocol  # takes a while, and is needed where a model is asked only

    made: Callable[..., Any] = protocol.ModelInferRequest
    return made
