"""Calls that are kept for a person or a time: whether they are over, and what came of them."""

from typing import Final, TypeVar

from google.protobuf.message import Message

from pilote.client.refusals import Kept
from pilote.decision.v1.decision_service_pb2 import Hold, HoldState

M = TypeVar("M", bound=Message)

LONGEST_SECONDS: Final = 600.0
"""The longest that one WaitHold waits; longer waits are several of them."""
SPARE_SECONDS: Final = 5.0
"""How much more time than its wait a WaitHold has to answer."""

_OVER: Final = frozenset(
    {
        HoldState.HOLD_STATE_REFUSED,
        HoldState.HOLD_STATE_EXPIRED,
        HoldState.HOLD_STATE_ACCEPTED,
        HoldState.HOLD_STATE_EXECUTED,
        HoldState.HOLD_STATE_FAILED,
        HoldState.HOLD_STATE_IN_DOUBT,
    }
)


def is_over(hold: Hold) -> bool:
    """Whether nothing more becomes of the hold."""
    return hold.state in _OVER


def answer_of(hold: Hold, kind: type[M]) -> M | None:
    """The answer of the call that was kept, once it is executed; `None` before, and for one over 1 MiB.

    Raises:
        google.protobuf.message.DecodeError: it is the answer of another method.
    """
    return kind.FromString(hold.response) if hold.HasField("response") else None


def name_of(hold: str | Kept) -> str:
    """The resource name, of a refusal too.

    Raises:
        ValueError: the refusal names no hold, as those within streams do not.
    """
    name = hold if isinstance(hold, str) else hold.hold
    if not name:
        raise ValueError("the call is not kept: make it again, not within a stream")
    return name if name.startswith("holds/") else f"holds/{name}"
