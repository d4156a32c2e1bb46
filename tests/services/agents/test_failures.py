"""What gRPC says by itself, without a word of the gateway's, is told in ours: it would name addresses."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from services.agents.failures import of_refusal


@pytest.mark.parametrize(
    ("code", "http", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, 503, "UPSTREAM_UNAVAILABLE"),
        # Where the gateway's queue is full, or it stops: callers have cancelled nothing.
        (grpc.StatusCode.CANCELLED, 503, "UPSTREAM_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.UNKNOWN, 500, "INTERNAL"),
    ],
)
def test_what_grpc_ends_by_itself_is_told_as_what_it_is(code: grpc.StatusCode, http: int, reason: str) -> None:
    error = AioRpcError(code, Metadata(), Metadata(), details="ipv4:10.0.0.7:50051: refused")
    failure = of_refusal(error, language="en")
    assert (failure.http, failure.reason) == (http, reason)
    assert b"10.0.0.7" not in failure.body
