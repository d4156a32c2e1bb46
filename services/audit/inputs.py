"""What is asked and answered of sealed inputs. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.core.record import CustomerOutcome
from pilote.audit.v1 import planning_pb2
from services.audit.counting import NEVER_MS, between

MOST: Final = 1_000_000
"""Most inputs that one list gives."""
_NAME: Final = re.compile(r"(decisions/([0-9a-f]{32}))?")
_MESSAGE_BYTES: Final = 1 << 20
"""Of one message, if it holds several inputs; with the largest requests it may be twice that. A client takes 4 MiB."""

Mark = tuple[int, str]
"""A place in the order of inputs: receive time in milliseconds and decision id."""


class InputsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which inputs. Times are milliseconds since the epoch."""

    tenant: str = ""
    decision: str = ""
    start_ms: int = 0
    end_ms: int = NEVER_MS
    most: int = 0
    """The newest so many; 0: all."""


class Kept(msgspec.Struct, frozen=True):
    """The inputs of one decision, and what is known of it as the gateway wrote it."""

    decision: str
    at_ms: int
    sealed: bytes
    record: bytes
    outcome: bytes
    settlement: bytes | None = None
    """How the call ended; `None` while it runs, or where it never began."""
    leaf: int | None = None
    """Its place in the order of storing; `None` where it is in no log."""
    told: tuple[CustomerOutcome, ...] = ()
    """What the customer did after it."""


def asked(request: planning_pb2.ListInputsRequest) -> InputsQuery:
    """Which inputs a request asks for.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    name = _NAME.fullmatch(request.decision)
    if name is None:
        raise invalid("decision", "decision must be decisions/{decision}, with an id of 32 hexadecimal digits.")
    if not 0 <= request.max_results <= MOST:
        raise invalid("max_results", f"max_results must be 1 to {MOST}, or 0 for all.")
    start_ms, end_ms = between(request)
    return InputsQuery(
        tenant=request.tenant, decision=name[2] or "", start_ms=start_ms, end_ms=end_ms, most=request.max_results
    )


def after(decision: str, *, at_ms: int) -> Mark:
    """The place behind that of a decision."""
    return at_ms, f"{decision}\x00"  # the next in the order of texts


def answered(
    kept: Sequence[Kept], total: int, *, unreadable: Sequence[str]
) -> Iterator[planning_pb2.ListInputsResponse]:
    """The messages of the answer that give these inputs, one at least."""

    def begun() -> planning_pb2.ListInputsResponse:
        return planning_pb2.ListInputsResponse(total_size=total, unreadable_segments=unreadable)

    answer, size = begun(), 0
    for each in kept:
        size += len(each.sealed) + len(each.record) + len(each.outcome)
        if answer.inputs and size > _MESSAGE_BYTES:
            yield answer
            answer, size = begun(), 0
        answer.inputs.append(_call(each))
    yield answer


def _call(kept: Kept) -> planning_pb2.CallInputs:
    return planning_pb2.CallInputs(
        decision=f"decisions/{kept.decision}",
        sealed=kept.sealed,
        record=kept.record,
        outcome=kept.outcome,
        settlement=kept.settlement or b"",
        leaf_index=kept.leaf,
        customer_outcomes=[msgspec.json.encode(told) for told in kept.told],
    )
