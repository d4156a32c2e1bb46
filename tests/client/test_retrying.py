"""Retries wait as long as they are asked to, never past the deadline, and repeat nothing that may have acted."""

import datetime as dt
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Reason
from gateway.rpc.status import code_of
from pilote.client import CallEnded, retrying
from pilote.client.contracts import Contract
from pilote.client.refusals import ended
from pilote.client.trying import Tries

SECONDS = st.floats(0, 1e6)
DRAWS = st.floats(0, 1, exclude_max=True)
TRIES = st.integers(1, 50)
CODES = st.sampled_from([code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])


class Sent:
    """What a channel raises."""

    def __init__(self, code: grpc.StatusCode, text: str = "", trailers: Any = ()) -> None:
        self.code = lambda: code
        self.details = lambda: text
        self.trailing_metadata = lambda: trailers
        self.initial_metadata = lambda: ()


def refusal(reason: Reason, *, retry_s: float | None = None, domain: str = "pilote.dev") -> CallEnded:
    code = code_of(reason)
    details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason.value, domain=domain)]
    if retry_s is not None:
        wait = Duration()
        wait.FromTimedelta(dt.timedelta(seconds=retry_s))
        details.append(error_details_pb2.RetryInfo(retry_delay=wait))
    status = status_pb2.Status(code=code.value[0])
    for each in details:
        packed = Packed()
        packed.Pack(each)
        status.details.append(packed)
    return ended(Sent(code, "no", (("grpc-status-details-bin", status.SerializeToString()),)))


@given(st.sampled_from(Reason), st.none() | SECONDS, TRIES, SECONDS, DRAWS)
def test_a_wait_is_as_long_as_was_asked_and_ends_before_the_deadline(
    reason: Reason, told: float | None, tries: int, left: float, draw: float
) -> None:
    call = refusal(reason, retry_s=told)
    wait = retrying.wait_seconds(call, tries=tries, left_seconds=left, repeatable=True, draw=draw)
    if wait is not None:
        assert told is not None
        assert told - 1e-6 <= wait <= told + 1.01
        assert wait < left


@given(st.sampled_from(Reason), SECONDS, DRAWS)
def test_what_was_denied_kept_or_left_in_doubt_is_not_tried_again(reason: Reason, told: float, draw: float) -> None:
    call = refusal(reason, retry_s=told)
    wait = retrying.wait_seconds(call, tries=1, left_seconds=1e9, repeatable=True, draw=draw)
    if call.may_have_acted or code_of(reason) in {
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.ALREADY_EXISTS,
    }:
        assert wait is None


@given(CODES, st.text() | st.just("CANCELLED"), TRIES, DRAWS)
def test_a_failure_of_grpc_itself_is_repeated_only_where_that_does_nothing_twice(
    code: grpc.StatusCode, text: str, tries: int, draw: float
) -> None:
    wait = retrying.wait_seconds(ended(Sent(code, text)), tries=tries, left_seconds=1e9, repeatable=False, draw=draw)
    assert wait is None or text.startswith(("failed to connect", "errors resolving"))
    again = retrying.wait_seconds(ended(Sent(code, text)), tries=tries, left_seconds=1e9, repeatable=True, draw=draw)
    lost = code is grpc.StatusCode.UNAVAILABLE or (code, text) == (grpc.StatusCode.CANCELLED, "CANCELLED")
    assert (again is not None) == lost
    assert (again or 0) <= 10


@given(st.floats(0, 1e4), st.integers(1, 8), st.lists(st.floats(0, 1e3), min_size=8, max_size=8))
def test_all_tries_together_are_as_many_as_allowed_and_begin_before_the_deadline(
    seconds: float, attempts: int, told: list[float]
) -> None:
    now, made, last = 5.0, 1, False
    tries = Tries(Contract(), keyed=False, seconds=seconds, attempts=attempts, clock=lambda: now)
    assert tries.left_seconds == pytest.approx(seconds)
    for each in told:
        try:
            now += tries.wait_seconds(refusal(Reason.LIMIT_EXCEEDED, retry_s=each))
        except CallEnded:
            last = True
            break
        made += 1
        assert tries.left_seconds >= 0
        assert now <= 5.0 + seconds
    assert made <= attempts
    assert not last or made == attempts or each + 1.01 >= tries.left_seconds


@given(CODES, st.text(), st.binary())
def test_whatever_a_status_carries_it_can_be_read_and_advised_on(code: grpc.StatusCode, text: str, raw: bytes) -> None:
    call = ended(Sent(code, text, (("grpc-status-details-bin", raw), ("other", "x"))))
    assert isinstance(call, CallEnded)
    assert call.advice
    assert str(call)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_exception_of_its_own_and_advice(reason: Reason) -> None:
    call = refusal(reason)
    assert type(call) is not CallEnded
    assert call.reason == reason.value
    assert len(call.advice) > len(call.message)


def test_reasons_of_other_domains_are_not_taken_for_ours() -> None:
    call = refusal(Reason.UPSTREAM_UNAVAILABLE, domain="vendor.example")
    assert (call.reason, call.metadata) == ("", {})
