"""One call and what surrounds it: who asks, what, about whom, and what is known of that person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from gateway.core.consents import Consent


class Operation(StrEnum):
    """What kind of thing a method does."""

    READ = "READ"
    WRITE = "WRITE"
    CONTACT = "CONTACT"
    DELETE = "DELETE"
    INFER = "INFER"


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, as the credential proved it."""

    name: str
    tenant: str
    version: str = ""
    prompt: str = ""
    priority: int = 0
    labels: Mapping[str, str] = {}
    person: str = ""
    """Pseudonym of whoever it calls for, where its credential names somebody; rules do not see it."""


class Lineage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which inference led to an action: the version that answered it, and where it came from."""

    model: str
    version: str
    route: str = ""
    arm: str = ""
    prompt: str = ""
    """As "name@version"; empty for none."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `request` is the decoded message, opaque to all but the rule engine."""

    method: str
    operation: Operation
    request: object
    request_bytes: int = 0
    subject: str = ""
    subject_ref: str = ""
    channel: str = ""
    category: str = ""
    brand: str = ""
    campaign: str = ""
    """In its one spelling, `gateway.core.campaigns`."""
    topics: tuple[str, ...] = ()
    model: str = ""
    model_version: str = ""
    """The version the caller asks for itself; empty: the revision chooses."""
    request_id: str = ""
    inference: str = ""
    lineage: Lineage | None = None
    """What is known of that inference; `None` where none is named, or nothing is known of it any more."""
    purpose: str = ""
    """What a contact is for, where the request says so itself; else its category is the purpose."""
    contact_point: str = ""
    """Where a contact goes, in its one spelling (`gateway.messages.contact_points`); empty where the request names
    none."""
    identity: str = ""
    """What identifies the person whom the call creates, in its one spelling."""
    contact_ref: str = ""
    """Pseudonym of the contact point."""
    session: str = ""
    """What stands for the caller's session, where the call says it."""
    session_ref: str = ""
    """Pseudonym of the session, where anything is assigned by it."""
    conversation: str = ""
    """The conversation that the agent is in, where it names one."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a subject. Also the JSON form in which facts are stored."""

    known: bool = True
    consents: dict[str, bool] = {}
    """Consents without time or proof, by "channel" or "channel/purpose"; only rules in CEL look at them."""
    consent_records: tuple[Consent, ...] = ()
    """What the customer has said, in the order in which it was recorded."""
    time_zone: str = ""
    language: str = ""
    segments: tuple[str, ...] = ()
    traits: dict[str, str] = {}
    scores: dict[str, float] = {}
    unit: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?\Z")] = ""
    """What stands for the person in assignments, where that is not the subject's own pseudonym: a pseudonym too, the
    same again for a customer who was deleted and created anew."""
    pressure: float = 0.0
    """Score of contact pressure at the time of the call. Never stored with the facts: it changes by itself."""


UNREADABLE_SUBJECT: Final = Facts(known=False)
"""Facts of somebody of whom nothing can be known now: an expression that asks for them fails."""

UNKNOWN_SUBJECT: Final = Facts(known=False)
"""Facts of somebody of whom nothing is known."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call goes."""

    name: str
    arm: str
    upstream: str
    version: str = ""
    rollout: str = ""
    """The rollout whose candidate was chosen; empty for none."""


NO_ROUTE: Final = Route(name="", arm="", upstream="")
"""No route serves the call."""
