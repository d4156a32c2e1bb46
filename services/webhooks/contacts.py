"""What trackers are told: contacts that were made. Pure."""

import msgspec

from gateway.core.trackers import CONTACT
from pilote.decision.v1.decision_pb2 import Decision, DecisionState
from pilote.governance.v1.annotations_pb2 import Operation
from services.webhooks.events import time_of


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact with a customer, as it waits for a tracker. Who it was is known by a pseudonym of ours alone."""

    decision: str
    """Id of the decision that let it through: the same contact has the same, always."""
    tenant: str
    subject_ref: str
    channel: str
    at_ms: int
    """When it was asked for, in milliseconds since the epoch."""
    category: str = ""
    brand: str = ""
    agent: str = ""
    model_version: str = ""

    @property
    def id(self) -> str:
        """Of the event that tells of it."""
        return f"{self.decision}.{CONTACT}"

    @property
    def short_type(self) -> str:
        """The type of that event."""
        return CONTACT

    @property
    def time(self) -> str:
        """When it was asked for, RFC 3339."""
        return time_of(self.at_ms)

    @property
    def about(self) -> str:
        """The tenant whose customer it was."""
        return self.tenant


def of_contact(decision: Decision) -> Contact | None:
    """The contact that a decision led to, as the audit service has it.

    `None`: to none, to one in doubt, or it repeated an earlier decision, which tells of it.
    """
    made = decision.operation == Operation.OPERATION_CONTACT and decision.status == "OK"
    if not made or decision.state != DecisionState.DECISION_STATE_SETTLED or decision.repeat_of:
        return None
    if not decision.subject_ref or not decision.channel:
        return None
    return Contact(
        decision=decision.name.rpartition("/")[2],
        tenant=decision.tenant,
        subject_ref=decision.subject_ref,
        channel=decision.channel,
        at_ms=decision.receive_time.ToMilliseconds(),
        category=decision.category,
        brand=decision.brand,
        agent=decision.agent,
        model_version=decision.model_version,
    )
