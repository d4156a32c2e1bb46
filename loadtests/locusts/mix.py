"""What is asked: the demonstration's own calls, on its own rows, as often as its agents make them."""

import uuid
from collections.abc import Sequence
from random import Random
from typing import Any, Final, Literal

import msgspec
from google.protobuf import json_format

from pilote.crm.v1 import activity_pb2, activity_service_pb2, contact_service_pb2
from services.demo.data import DemoContact, contacts
from services.demo.requests import inference_of, message_to, moved_on

Kind = Literal["read", "score", "note", "move", "offer", "campaign", "export"]

WEIGHTS: Final[dict[Kind, float]] = {
    # In 300 contacts the demonstration has 278 deals: six reads a contact, its burst included, one score, a note on
    # every tenth, a move and an offer for each deal, three campaigns. Exports are as rare as their limit wants them.
    "read": 6.0,
    "score": 1.0,
    "note": 0.1,
    "move": 0.93,
    "offer": 0.93,
    "campaign": 3.0,
    "export": 0.01,
}
AGENTS: Final = ("research-bot", "sales-bot", "marketing-bot")
NOISY: Final = "noisy-bot"
CAMPAIGNS: Final = ("spring", "webinar", "last-call")
_CRM: Final = "/pilote.crm.v1"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, for each of the doors."""

    agent: str
    method: str
    """Full gRPC name."""
    message: Any
    """The request, a protobuf message."""
    verb: str
    path: str
    """By REST, with its query."""
    body: Any = None
    """By REST, as JSON; `None`: there is none."""
    tool: str
    streamed: bool = False
    """Whether the answer is a stream."""

    @property
    def short(self) -> str:
        """The method's name without its service."""
        return self.method.rpartition("/")[2]

    @property
    def arguments(self) -> Any:
        """Of the tool, as JSON."""
        return json_format.MessageToDict(self.message)


def people(count: int, *, part: tuple[int, int]) -> Sequence[DemoContact]:
    """So many of the demonstration's customers: of so many parts, all the same in each process, this one (from 1)."""
    which, of = part
    return contacts(count * of)[count * (which - 1) : count * which]


class Mix:
    """Draws calls about these people; each writing call is one of its own."""

    def __init__(self, people: Sequence[DemoContact], *, draw: Random) -> None:
        self._people = people
        self._sellable = [person for person in people if person.deals] or list(people)
        self._draw = draw
        self._kinds = tuple(WEIGHTS)
        self._sums = tuple(sum(list(WEIGHTS.values())[: n + 1]) for n in range(len(WEIGHTS)))

    def next(self, *, streams: bool = True) -> Call:
        """The next call; without `streams` a read stands in for one that would answer with many messages."""
        kind: Kind = self._draw.choices(self._kinds, cum_weights=self._sums)[0]
        return self.of("read" if kind == "export" and not streams else kind)

    def of(self, kind: Kind, *, agent: str = "") -> Call:
        """A call of that kind, by another agent than usual where one is named."""
        person = self._draw.choice(self._sellable if kind in ("move", "offer") else self._people)
        made: Call = getattr(self, f"_{kind}")(person)
        return msgspec.structs.replace(made, agent=agent) if agent else made

    def _read(self, person: DemoContact) -> Call:
        name = f"contacts/{person.contact_id}"
        return Call(
            agent="research-bot",
            method=f"{_CRM}.ContactService/GetContact",
            message=contact_service_pb2.GetContactRequest(name=name),
            verb="GET",
            path=f"/v1/{name}",
            tool="contacts_get",
        )

    def _score(self, person: DemoContact) -> Call:
        method = "/inference.GRPCInferenceService/ModelInfer"
        message = inference_of(person)
        return Call(
            agent="research-bot",
            method=method,
            message=message,
            verb="POST",
            path=method,
            body=json_format.MessageToDict(message),
            tool="grpc_inference_model_infer",
        )

    def _note(self, person: DemoContact) -> Call:
        note = activity_pb2.Activity(
            contact=f"contacts/{person.contact_id}", type=activity_pb2.ACTIVITY_TYPE_NOTE, title="Lead scored"
        )
        message = activity_service_pb2.CreateActivityRequest(activity=note, request_id=self._once())
        return Call(
            agent="research-bot",
            method=f"{_CRM}.ActivityService/CreateActivity",
            message=message,
            verb="POST",
            path=f"/v1/activities?requestId={message.request_id}",
            body=json_format.MessageToDict(note),
            tool="activities_create",
        )

    def _move(self, person: DemoContact) -> Call:
        message = moved_on(person.deals[0], person)
        message.request_id = self._once()
        body = json_format.MessageToDict(message.deal)
        name = body.pop("name")
        return Call(
            agent="sales-bot",
            method=f"{_CRM}.DealService/UpdateDeal",
            message=message,
            verb="PATCH",
            path=f"/v1/{name}?updateMask=stage&requestId={message.request_id}",
            body=body,
            tool="deals_update",
        )

    def _offer(self, person: DemoContact) -> Call:
        title = f"Your offer: {person.deals[0].title}"
        return self._sent("sales-bot", message_to(person, category="service", campaign="", title=title))

    def _campaign(self, person: DemoContact) -> Call:
        campaign = self._draw.choice(CAMPAIGNS)
        title = f"News for {person.company}"
        message = message_to(person, category="marketing", campaign=campaign, title=title)
        return self._sent("marketing-bot", message)

    def _export(self, _person: DemoContact) -> Call:
        return Call(
            agent="research-bot",
            method=f"{_CRM}.ContactService/StreamContacts",
            message=contact_service_pb2.StreamContactsRequest(),
            verb="GET",
            path="/v1/contacts:stream",
            tool="contacts_stream",
            streamed=True,
        )

    def _sent(self, agent: str, message: Any) -> Call:
        message.request_id = self._once()
        return Call(
            agent=agent,
            method=f"{_CRM}.MessageService/SendMessage",
            message=message,
            verb="POST",
            path="/v1/messages:send",
            body=json_format.MessageToDict(message),
            tool="messages_send",
        )

    @staticmethod
    def _once() -> str:
        # Not drawn: a gateway remembers keys, and another run of the same seed would be refused for using them again.
        return str(uuid.uuid4())
