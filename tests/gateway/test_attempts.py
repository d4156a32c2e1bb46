"""Tries over the wire and back, and what an upstream says of being left alone."""

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.upstreams import Breaker, Upstream
from gateway.core.record import Attempt
from gateway.rpc.status import DETAILS_KEY, PUSHBACK_KEY, pushback_ms
from gateway.upstream.guards import Guards, places_of
from gateway.wire.attempts import attempts, attempts_in
from tests.policies import revision

TEXTS = st.text(max_size=20)
TIMES = st.integers(0, 253_402_300_799_999)
ATTEMPTS = st.builds(
    Attempt,
    arm=TEXTS,
    upstream=TEXTS,
    status=TEXTS,
    at_us=TIMES,
    took_us=TIMES,
    why=st.sampled_from(["", "retry", "fallback", "hedge"]),
    version=TEXTS,
    address=TIMES,
    reason=TEXTS,
)


@given(st.lists(ATTEMPTS, max_size=5))
def test_tries_come_back_from_the_wire_as_they_were(made: list[Attempt]) -> None:
    assert attempts_in(attempts(made)) == tuple(made)


def failed(*trailers: tuple[str, str | bytes]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers))


def details(*messages: error_details_pb2.RetryInfo | error_details_pb2.ErrorInfo) -> bytes:
    packed = []
    for message in messages:
        detail = any_pb2.Any()
        detail.Pack(message)
        packed.append(detail)
    return bytes(status_pb2.Status(code=14, details=packed).SerializeToString())


@pytest.mark.parametrize(
    ("trailers", "wanted"),
    [
        ((), None),
        (((PUSHBACK_KEY, "250"),), 250),
        (((PUSHBACK_KEY, "-1"),), -1),
        (((PUSHBACK_KEY, "soon"),), -1),
        (((PUSHBACK_KEY, "9" * 40),), -1),
        (((DETAILS_KEY, details(error_details_pb2.ErrorInfo(reason="BUSY"))),), None),
        (((DETAILS_KEY, details(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2)))),), 2_000),
        (((DETAILS_KEY, details(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=-2)))),), 0),
        (((DETAILS_KEY, b"no status"),), None),
    ],
)
def test_how_long_an_upstream_wants_to_be_left_alone(
    trailers: tuple[tuple[str, str | bytes], ...], wanted: int | None
) -> None:
    assert pushback_ms(failed(*trailers)) == wanted


@given(st.binary(max_size=60), st.text(max_size=20))
def test_whatever_an_upstream_sends_is_no_more_than_an_answer(status: bytes, pushback: str) -> None:
    wait_ms = pushback_ms(failed((DETAILS_KEY, status)))
    assert wait_ms is None or wait_ms >= 0
    told_ms = pushback_ms(failed((PUSHBACK_KEY, pushback)))
    assert told_ms is not None
    assert told_ms >= -1


def test_an_upstream_is_as_many_places_as_it_has_addresses() -> None:
    several = Upstream(name="crm", address="one:1", addresses=("two:2",), timeout="2s")
    assert [(each.all_addresses, each.timeout) for each in places_of(several, least_s=5)] == [
        (("one:1",), "5000ms"),
        (("two:2",), "5000ms"),
    ]
    served = Upstream(name="llm", kind="openai", url="https://llm.example.com/v1")
    assert [each.url for each in places_of(served)] == [served.url]


def test_what_was_counted_stands_until_what_guards_the_upstream_changes() -> None:
    guards = Guards(lambda: 0)
    crm = {"name": "crm", "address": "127.0.0.1:1", "breaker": {"min_calls": 5}}
    one, same = (revision(upstreams=[crm | {"timeout": timeout}]) for timeout in ("1s", "2s"))
    other = revision(upstreams=[crm | {"address": "127.0.0.1:2"}])
    plain = revision()
    guards.use(one)
    before = guards.of(one.upstreams["crm"])
    assert before is not None
    guards.use(same)
    after = guards.of(same.upstreams["crm"])
    assert after is not None
    assert after.guard is before.guard
    late = guards.of(one.upstreams["crm"])  # a call that was admitted before
    assert late is not None
    assert late.upstream == one.upstreams["crm"]
    guards.use(other)
    changed = guards.of(other.upstreams["crm"])
    assert changed is not None
    assert changed.guard is not before.guard
    guards.use(plain)
    assert guards.of(plain.upstreams["crm"]) is None
    assert guards.looks() == {}
    assert one.upstreams["crm"].breaker == Breaker(min_calls=5)
