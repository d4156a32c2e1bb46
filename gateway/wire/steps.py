"""How long the steps of a call took, as protobuf and back."""

from gateway.core.record import Settlement, Steps
from gateway.rpc.times import duration
from pilote.decision.v1 import decision_pb2


def steps(known: Steps | None, settlement: Settlement | None) -> decision_pb2.StepDurations | None:
    """The steps as the contract has them; `None` where nothing was measured."""
    took = {} if known is None else {name.removesuffix("_us"): getattr(known, name) for name in Steps.__struct_fields__}
    if settlement is not None:
        took |= {"admit": settlement.admit_us, "settle": settlement.settle_us}
    found = {name: duration(us) for name, us in took.items() if us}
    return decision_pb2.StepDurations(**found) if found else None


def steps_in(message: decision_pb2.StepDurations) -> Steps:
    """The steps until the verdict again."""
    names = Steps.__struct_fields__
    return Steps(**{name: getattr(message, name.removesuffix("_us")).ToMicroseconds() for name in names})
