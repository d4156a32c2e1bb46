"""What a call was decided by, kept for a share of calls so that they can be decided once more. Pure.

Holds the request and what was known of the customer, in the clear: it leaves the gateway sealed only.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.call import UNKNOWN_SUBJECT, UNREADABLE_SUBJECT, Facts, Lineage, Route
from gateway.core.errors import Reason
from gateway.core.progress import Progress
from gateway.core.routing import ArmTarget

LARGEST_REQUEST: Final = 65_536
"""Bytes; a call with a larger one is not kept: all that is kept passes through the store's memory."""

BEFORE: Final = frozenset(
    {
        *(Reason.AGENT_UNAUTHENTICATED, Reason.REVISION_MISSING, Reason.DRAINING, Reason.ARGUMENT_INVALID),
        *(Reason.STORE_UNAVAILABLE, Reason.CANCELLED, Reason.INTERNAL, Reason.FACTS_DAMAGED),
    }
)
"""Reasons for which a call may end before anybody has decided about it. Of such a call nothing is kept."""


class First(msgspec.Struct, frozen=True):
    """Where a stream already went, for its further messages."""

    route: Route
    target: ArmTarget | None
    unit_ref: str
    along: bool | None = None
    """Whether the message asks for nothing else than what serves the stream, by the revision that the stream began
    under; `None` in what earlier versions have kept."""


class Part(msgspec.Struct, frozen=True):
    """Which record of a call is meant, where it has more than its own: `Inputs` has the same fields."""

    id: str = ""
    """Of the decision; empty: the call's own."""
    standby: str = ""
    kept: bool = False
    again: bool = False


OWN: Final = Part()


class Inputs(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that the decision depends on besides the revision. Times are milliseconds since the epoch."""

    id: str
    """Of the decision."""
    revision: int
    tenant: str
    agent: str
    method: str
    received_ms: int
    request: bytes
    metadata: tuple[tuple[str, str], ...] = ()
    """Of the caller's metadata what calls are decided by; no credential."""
    cell: int = 0
    draw: float = 0.0
    """The random number that calls without a subject were spread by."""
    facts: Facts | None = None
    """What was known of the customer; `None` where nothing was read, or could be."""
    unreadable: bool = False
    """What is known of the customer could not be read then."""
    pressure_read: bool = False
    """The facts hold the score of contact pressure at that time."""
    progress: Mapping[str, Progress] = {}
    """How the objectives stood that the call might have served, by their names."""
    progress_read: bool = False
    """Conditions looked at how they stood."""
    lineage: Lineage | None = None
    lineage_read: bool = False
    approved: bool = False
    """A person had approved the call."""
    asked_channel: str = ""
    """The channel that was asked for, where a cap had moved the contact to the one in `request`."""
    first: First | None = None
    standby: str = ""
    """The arm that took over, where the record is that of this arm and not the call's own."""
    kept: bool = False
    """The record is of keeping the call, which the store had refused by then."""
    again: bool = False
    """The record is of a second attempt, made without the store since it had not answered the first."""

    @property
    def own(self) -> bool:
        """Whether the record is the call's own; the others follow on one that says what was asked already."""
        return not (self.standby or self.kept or self.again)

    @property
    def known(self) -> Facts:
        """The facts as the decision saw them."""
        if self.unreadable:
            return UNREADABLE_SUBJECT  # by identity: it is what expressions fail on
        return UNKNOWN_SUBJECT if self.facts is None else self.facts


def sampled(decision: str, share: int) -> bool:
    """Whether the inputs of this decision are kept, `share` being basis points; by the random part of its id."""
    return int(decision[-8:], 16) % BASIS_POINTS < share


def packed(inputs: Inputs) -> bytes:
    """The inputs as bytes, to be sealed."""
    return msgspec.msgpack.encode(inputs)


def unpacked(clear: bytes) -> Inputs:
    """The inputs again.

    Raises:
        msgspec.DecodeError: they were packed by a version with other inputs.
    """
    return msgspec.msgpack.decode(clear, type=Inputs)


def bound_to(tenant: str, decision: str) -> bytes:
    """What sealed inputs are bound to: they open as those of this decision only, and as nothing else."""
    return f"inputs\x00{tenant}\x00{decision}".encode()
