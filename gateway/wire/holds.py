"""Holds as protobuf, for the agents whose calls they keep."""

from gateway.core import holds as held
from gateway.rpc.times import timestamp
from gateway.wire.names import decision_name
from pilote.decision.v1 import decision_service_pb2


def hold_message(kept: held.Hold, response: bytes | None) -> decision_service_pb2.Hold:
    """The hold as its contract has it, for the agent whose call it keeps."""
    return decision_service_pb2.Hold(
        name=held.name(kept.id),
        state=decision_service_pb2.HoldState.Value(f"HOLD_STATE_{kept.state}"),
        decision=decision_name(kept.id),
        expire_time=timestamp(kept.expires_ms),
        comment=kept.comment,
        method=kept.method,
        create_time=timestamp(kept.created_ms),
        decide_time=timestamp(kept.decided_ms) if kept.decided_ms else None,
        release_time=timestamp(kept.release_ms) if kept.state is held.HoldState.SCHEDULED else None,
        status=kept.status,
        reason=kept.reason,
        result=decision_name(kept.result),
        response=response,
        suggestion=kept.level == "suggest",
    )
