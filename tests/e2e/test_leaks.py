"""The check that every other test of this folder ends with, tried on what it must find."""

import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from tests.e2e.seen import given_away


@pytest.mark.parametrize(
    "text",
    [
        "failed to connect to all addresses; last error: ipv4:127.0.0.1:50061",
        "Traceback (most recent call last)",
        "Exception iterating responses: KeyError('crm')",
        "/var/lib/pilote/redis.sock is gone",
        "the API key secret-key-of-sales-bot is unknown",
        "WRONGTYPE pilote:{acme/0}:bucket:pressure",
    ],
)
def test_a_status_that_gives_something_away_is_found(text: str) -> None:
    assert given_away(text, ()) == [text]
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.DebugInfo(detail=text))
    status = status_pb2.Status(message=text, details=[detail]).SerializeToString()
    assert len(given_away("", (("grpc-status-details-bin", status), ("x-info", text)))) == 2


def test_a_plain_refusal_is_not() -> None:
    text = "The customer has been contacted often enough: 1 of 1 within 7 d (pressure). Retry in 6 d 23 h."
    assert given_away(text, (("pilote-decision-id", "01a20fbbaf23734d984fc59139ee30ce"),)) == []
