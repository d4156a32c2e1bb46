"""What our contracts of systems behind the gateway have: which method does what with which kind of resource.

Their messages as plain data, too.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from pilote.crm.v1 import activity_service_pb2, contact_service_pb2, deal_service_pb2, message_service_pb2
from pilote.orchestration.v1 import journey_service_pb2
from services.crm.activities import Activities
from services.crm.collection import Collection
from services.crm.connectors.journeys import Enrolments, Journeys
from services.crm.contacts import Contacts
from services.crm.deals import Deals
from services.crm.messages import Messages

KINDS: Final[Mapping[str, Collection[Any]]] = {
    each.word: each for each in (Contacts(), Deals(), Activities(), Messages(), Journeys(), Enrolments())
}
"""By the word for one of them."""
_CONTRACTS: Final = (
    contact_service_pb2,
    deal_service_pb2,
    activity_service_pb2,
    message_service_pb2,
    journey_service_pb2,
)
SERVICES: Final = tuple(service for module in _CONTRACTS for service in module.DESCRIPTOR.services_by_name.values())
REFERENCES: Final = {"contact": "contacts", "customer": "contacts", "deal": "deals"}
"""Fields that name another resource, and of which collection."""
_METHOD: Final = re.compile(
    r"(Create|Send|Get|List|Update|Delete|Enrol|Exit)(Contact|Deal|Activity|Activitie|Message|Journey|Customer)s?"
)
_WORDS: Final = {"activitie": "activity", "customer": "enrolment"}
"""Where the method has another word for it than its resource."""
_NOT_FILTERS: Final = frozenset(("page_size", "page_token"))


class Operation(NamedTuple):
    """One method of a contract that a connector can map."""

    name: str
    verb: str
    """Create, Send, Get, List, Update, Delete, Enrol or Exit."""
    word: str
    """The kind of resource."""
    method: MethodDescriptor

    @property
    def kind(self) -> Collection[Any]:
        """How such resources are checked."""
        return KINDS[self.word]

    @property
    def filters(self) -> tuple[str, ...]:
        """Fields of a list's request that narrow it down."""
        names = [field.name for field in self.method.input_type.fields]
        return tuple(name for name in names if name not in _NOT_FILTERS) if self.verb == "List" else ()


def _operations() -> dict[str, Operation]:
    found = {}
    for service in SERVICES:
        for method in service.methods:
            match = _METHOD.fullmatch(method.name)
            if match is not None and not method.client_streaming and not method.server_streaming:
                word = _WORDS.get(match[2].lower(), match[2].lower())
                found[method.name] = Operation(method.name, match[1], word, method)
    return found


OPERATIONS: Final[Mapping[str, Operation]] = _operations()
"""By the method's name, which no two services share."""


def new(operation: Operation) -> Message:
    """An empty answer of the method."""
    return GetMessageClass(operation.method.output_type)()


def plain(message: Message) -> dict[str, Any]:
    """The set fields of a message as JSON has them: times in RFC 3339, spans in seconds, enums by their short names."""
    return {field.name: _plain(field, value) for field, value in message.ListFields()}


def short_names(enum: Any) -> dict[int, str]:
    """By number, what the values are called without what they all begin with; the unspecified one is not there."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix) for value in enum.values if value.number}


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, (Timestamp, Duration)):
        return value.ToJsonString() if isinstance(value, Timestamp) else value.ToMilliseconds() / 1000
    if isinstance(value, Message):
        return plain(value)
    if field.is_repeated:
        return dict(value) if hasattr(value, "items") else list(value)
    if field.enum_type is not None:
        return short_names(field.enum_type).get(value, "")
    return value
