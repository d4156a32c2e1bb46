"""A stored decision as its contract has it."""

from gateway.copies import looks
from gateway.wire.decisions import decision_message
from pilote.decision.v1 import decision_pb2
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
