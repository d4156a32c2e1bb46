"""What a decision finally was: the gateway's verdict, what admission made of it, and how the call ended. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from gateway.core import texts
from gateway.core.errors import Reason
from gateway.core.limits import bucket_reason
from gateway.core.record import BucketAsk, Outcome, Record, Settlement, Verdict
from gateway.rpc.status import code_of

_FALLBACK: Final = {
    # A held call is FAILED_PRECONDITION like its kin (design, section 4), a deferred one is so for its quiet hours.
    Verdict.HOLD: Reason.QUIET_HOURS,
    Verdict.DEFER: Reason.QUIET_HOURS,
    Verdict.DENY: Reason.POLICY_DENIED,
}


class State(StrEnum):
    """How a decision ended."""

    RUNNING = "RUNNING"
    SETTLED = "SETTLED"
    IN_DOUBT = "IN_DOUBT"


class Conclusion(msgspec.Struct, frozen=True):
    """The parts of a decision that no single entry of the stream knows alone."""

    verdict: Verdict
    reason: str
    """A `Reason`; of an allowed call that failed later, the one it failed with."""
    rule: str
    """The rule, limit or cap that decided; empty when none did."""
    status: str
    """Canonical status name the caller got; empty while the call runs."""
    state: State
    settled_ms: int | None
    """When the call ended, milliseconds since the epoch; `None` while it runs."""


def concluded(record: Record, outcome: Outcome) -> Conclusion:
    """What is known once a call was admitted or refused. Admission wins over the rules: it may refuse what they allow.

    A granted call with an expiry runs until it is settled; everything else is over with its verdict.
    """
    verdict, reason, rule = answered(record, outcome)
    if verdict is Verdict.ALLOW and record.expires_ms > 0:
        return Conclusion(verdict, reason, rule, "", State.RUNNING, None)
    return Conclusion(verdict, reason, rule, _status(verdict, reason), State.SETTLED, record.decided_ms)


class Judged(Protocol):
    """Of a record what says how the call was answered."""

    @property
    def verdict(self) -> Verdict:
        """See `Record`, as of the others."""

    @property
    def reason(self) -> str:
        """A `Reason`, empty for ALLOW."""

    @property
    def rule(self) -> str:
        """The rule that decided."""

    @property
    def buckets(self) -> Sequence[BucketAsk]:
        """What admission was asked to take."""


def answered(record: Judged, outcome: Outcome) -> tuple[Verdict, str, str]:
    """The verdict of that, its reason, and the rule, limit or cap that decided."""
    if not outcome.granted and (outcome.reason or outcome.refused >= 0 or record.verdict is Verdict.ALLOW):
        return Verdict.DENY, *_refused(record, outcome)
    return record.verdict, record.reason, record.rule


def settled(before: Conclusion, settlement: Settlement) -> Conclusion:
    """`before`, once the call has ended. The verdict stays: a call that was let through may still fail."""
    return Conclusion(
        verdict=before.verdict,
        reason=before.reason or settlement.reason,
        rule=before.rule,
        status=settlement.status,
        state=State.IN_DOUBT if settlement.in_doubt else State.SETTLED,
        settled_ms=settlement.settled_ms,
    )


def state_at(state: State, *, expires_ms: int, now_ms: int) -> State:
    """The state at a time: what still runs after its reservation has expired is in doubt."""
    return State.IN_DOUBT if state is State.RUNNING and now_ms > expires_ms else state


def _refused(record: Judged, outcome: Outcome) -> tuple[str, str]:
    """(reason, rule) of a refusal by admission."""
    if outcome.stop:
        return outcome.reason, outcome.stop
    if not 0 <= outcome.refused < len(record.buckets):
        # The store's function always says why. If it ever forgets, the decision must still be found and looked at.
        return outcome.reason or Reason.INTERNAL.value, ""
    bucket = record.buckets[outcome.refused]
    return outcome.reason or bucket_reason(bucket.kind).value, bucket.limit


def message(record: Record, outcome: Outcome) -> str:
    """The refusal as the caller read it, in English; empty for an allowed call."""
    if record.message or outcome.granted:
        return record.message
    if 0 <= outcome.refused < min(len(record.buckets), len(outcome.looks)):
        bucket, look = record.buckets[outcome.refused], outcome.looks[outcome.refused]
        values = texts.bucket_values(bucket, look, language="en")
        text = texts.bucket_refusal(bucket_reason(bucket.kind), bucket, values, language="en")
        return texts.with_citation(text, bucket.citation)
    values = {"rule": outcome.stop}
    return texts.refusal(Reason(outcome.reason), values, language="en") if outcome.reason in Reason.__members__ else ""


def _status(verdict: Verdict, reason: str) -> str:
    if verdict is Verdict.ALLOW:
        return "OK"
    known = Reason(reason) if reason in Reason.__members__ else _FALLBACK[verdict]
    return code_of(known).name
