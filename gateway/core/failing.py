"""Whose fault it is that a call was not answered: the caller's, the policy's, or ours and the upstream's. Pure."""

from typing import Final

from gateway.core.errors import Reason
from gateway.core.record import Settlement, Verdict

FAILURES: Final = frozenset(
    {
        Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_FAILED, Reason.UPSTREAM_IN_DOUBT, Reason.REPLY_WITHHELD,
        Reason.REQUEST_WITHHELD, Reason.DEADLINE_EXCEEDED, Reason.STORE_UNAVAILABLE, Reason.DRAINING,
        Reason.INTERNAL,
    }
)  # fmt: skip
"""Why an admitted call is not answered, where neither the caller nor the policy has ended it."""

NOT_BY_POLICY: Final = FAILURES | {
    Reason.AGENT_UNAUTHENTICATED, Reason.ARGUMENT_INVALID, Reason.METHOD_UNDESCRIBED, Reason.ROUTE_NOT_FOUND,
    Reason.IDEMPOTENCY_KEY_REUSED, Reason.IDEMPOTENCY_KEY_RUNNING, Reason.REVISION_MISSING, Reason.CANCELLED,
    Reason.HOLD_EXPIRED, Reason.HOLD_DAMAGED, Reason.NOT_FOUND, Reason.ALREADY_EXISTS, Reason.CONFLICT,
    Reason.NOT_BUILT, Reason.FACTS_DAMAGED,
}  # fmt: skip
"""Why a call is refused, where it is not for a rule, a consent, a limit, a stop or a person."""


def failed(settlement: Settlement) -> bool:
    """Whether an admitted call has failed, so that it counts against its route.

    An upstream that refuses in its own words has answered. A caller who gives up before anything was answered counts as
    a failure: one whose deadline has passed looks the same to a server, and an upstream that hangs must not look well.
    A stream that its caller ends after messages came is none.
    """
    if settlement.reason == Reason.CANCELLED:
        return settlement.messages_out == 0
    return settlement.reason in FAILURES


def refused_by_policy(verdict: Verdict, reason: str) -> bool:
    """Whether the policy has refused the call."""
    return verdict is Verdict.DENY and reason not in NOT_BY_POLICY
