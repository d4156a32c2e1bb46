"""A stored decision, and what a customer did after it, as their contracts have them."""

from gateway.copies import looks
from gateway.core.record import CustomerOutcome
from gateway.rpc.times import timestamp
from gateway.wire.decisions import decision_message
from pilote.decision.v1 import decision_pb2, decision_service_pb2
from services.audit.store import Stored


def told(stored: Stored) -> decision_pb2.Decision:
    """The decision with what came of copies of its call, and where it stands in the log."""
    message = decision_message(
        stored.record, stored.outcome, settlement=stored.settlement, conclusion=stored.conclusion
    )
    message.copies.extend(looks.look(result) for result in stored.copies)
    if stored.leaf is not None:
        message.leaf_index = stored.leaf
    if stored.settled_leaf is not None:
        message.settle_leaf_index = stored.settled_leaf
    return message


def outcome_told(outcome: CustomerOutcome) -> decision_service_pb2.Outcome:
    """What a customer did, as it was reported."""
    return decision_service_pb2.Outcome(
        decision=f"decisions/{outcome.decision}",
        type=outcome.type,
        occur_time=timestamp(outcome.occurred_ms),
        revenue_cents=outcome.revenue_cents,
        currency_code=outcome.currency,
        event_id=outcome.event,
        question=outcome.question,
        answer=outcome.answer,
    )
