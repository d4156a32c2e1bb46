"""Whose fault it is that a call was not answered."""

import pytest

from gateway.core.errors import Reason
from gateway.core.failing import FAILURES, NOT_BY_POLICY, failed, refused_by_policy
from gateway.core.record import Settlement, Verdict


def _settlement(reason: str = "", *, status: str = "OK", messages_out: int = 0) -> Settlement:
    return Settlement(id="0" * 32, settled_ms=0, status=status, reason=reason, messages_out=messages_out)


@pytest.mark.parametrize(
    ("settlement", "wanted"),
    [
        (_settlement(messages_out=1), False),
        (_settlement(status="NOT_FOUND"), False),  # the upstream's own no is an answer
        (_settlement(status="RESOURCE_EXHAUSTED"), False),
        (_settlement("UPSTREAM_UNAVAILABLE", status="UNAVAILABLE"), True),
        (_settlement("UPSTREAM_IN_DOUBT", status="UNKNOWN"), True),
        (_settlement("DEADLINE_EXCEEDED", status="DEADLINE_EXCEEDED"), True),
        (_settlement("REPLY_WITHHELD", status="INTERNAL"), True),
        (_settlement("CANCELLED", status="CANCELLED"), True),  # a deadline that passed looks the same
        (_settlement("CANCELLED", status="CANCELLED", messages_out=3), False),  # a stream that was heard enough of
        (_settlement("CAP_EXCEEDED", status="RESOURCE_EXHAUSTED", messages_out=3), False),  # a later message refused
        (_settlement("ARGUMENT_INVALID", status="INVALID_ARGUMENT"), False),
    ],
)
def test_a_call_has_failed_when_neither_its_caller_nor_the_policy_has_ended_it(
    settlement: Settlement, *, wanted: bool
) -> None:
    assert failed(settlement) is wanted


@pytest.mark.parametrize(
    "reason", ["POLICY_DENIED", "CAP_EXCEEDED", "CONSENT_MISSING", "STOPPED", "HOLD_REFUSED", "NEWER"]
)
def test_the_policy_refuses_by_every_reason_that_is_no_other(reason: str) -> None:
    assert refused_by_policy(Verdict.DENY, reason)
    assert not refused_by_policy(Verdict.ALLOW, reason)
    assert not refused_by_policy(Verdict.HOLD, reason)


@pytest.mark.parametrize("reason", sorted(NOT_BY_POLICY))
def test_what_is_the_callers_or_our_fault_is_no_refusal_by_the_policy(reason: Reason) -> None:
    assert not refused_by_policy(Verdict.DENY, reason)


def test_what_can_end_an_admitted_call_and_is_not_the_policys_is_a_failure_or_the_callers() -> None:
    assert FAILURES < NOT_BY_POLICY
    assert Reason.CANCELLED not in FAILURES
