"""Whether a call that is decided upon once more comes to what was recorded of it. Pure."""

from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.record import Outcome, Record, Verdict

_DECIDED: Final = (
    *("verdict", "reason", "message", "rule", "citation", "rules", "buckets", "agent", "agent_version", "method"),
    *("operation", "subject_ref", "channel", "asked_channel", "category", "purpose", "contact_ref", "brand", "topics"),
    *("model", "version", "route", "arm", "upstream", "inference", "prompt", "connector_version", "unit_ref"),
    *("exposures", "named", "rollout", "lineage", "request_bytes", "conversation", "obligations", "holdouts"),
    *("retention", "keep_days", "revision_sha256", "campaign", "objective"),
)
"""The fields of a record that follow from the policy and the call's inputs alone."""
LATER: Final = frozenset(
    {
        *(Reason.DEADLINE_EXCEEDED, Reason.CANCELLED, Reason.DRAINING, Reason.INTERNAL, Reason.STORE_UNAVAILABLE),
        *(Reason.IDEMPOTENCY_KEY_REUSED, Reason.UPSTREAM_UNAVAILABLE),
    }
)
"""Reasons for which a call may end between its decision and its record; the decision stands beside them."""


def differing(recorded: Record, replayed: Record, outcome: Outcome, *, kept: bool = False) -> tuple[str, ...]:
    """The fields in which a replay is not, byte for byte, what was recorded; none: it agrees.

    `outcome` is what the store said. What the gateway met after it had decided (a deadline, the store, a stop) is no
    part of the decision, and neither is the name of the hold that a call was kept in. `kept`: the record says that the
    call was kept because the store had refused it, which is all that it does not say again.
    """
    left_out: set[str] = set()
    if recorded.reason in LATER and recorded.reason != replayed.reason:
        left_out |= {"verdict", "reason", "message"}
    if recorded.verdict in (Verdict.HOLD, Verdict.DEFER):
        left_out.add("message")
    if kept:
        left_out |= {"verdict", "reason", "message", "rule"}
    if outcome.first:  # a repeat exposes nobody, and gets the answer of a call that was held once
        left_out |= {"exposures"} | ({"verdict", "reason", "message"} if recorded.verdict is Verdict.ALLOW else set())
    return tuple(
        name
        for name in _DECIDED
        if name not in left_out and _bytes(getattr(recorded, name)) != _bytes(getattr(replayed, name))
    )


def _bytes(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
