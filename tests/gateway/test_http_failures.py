"""What HTTP says of a failed call is judged like what gRPC says."""

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.http_failures import LONGEST_RETRY_MS, answered, broken_off, late, malformed, retry_ms, unreachable
from gateway.rpc.status import Fate, fate_of, pushback_ms

NOW_MS = 1_700_000_000_000  # 14 November 2023, 22:13:20 GMT


@given(st.integers(300, 999), st.text(max_size=50), st.none() | st.integers(0, LONGEST_RETRY_MS))
def test_every_status_is_a_failure_and_only_what_is_certain_is_taken_for_certain(
    status: int, text: str, wait_ms: int | None
) -> None:
    error = answered(status, text, headers=(("retry-after", "1"),), retry_ms=wait_ms)
    wanted = {429: Fate.REFUSED, 400: Fate.REFUSED, 413: Fate.REFUSED, 422: Fate.REFUSED}
    wanted |= {503: Fate.UNTOUCHED, 529: Fate.UNTOUCHED}
    assert fate_of(error) is wanted.get(status, Fate.UNKNOWN)
    assert error.code() is not grpc.StatusCode.OK
    if status in wanted:
        assert pushback_ms(error) == wait_ms


def test_what_never_left_is_untouched_and_of_what_did_nobody_knows() -> None:
    assert fate_of(unreachable()) is Fate.UNTOUCHED
    assert {fate_of(error) for error in (broken_off(), late(), malformed("x"))} == {Fate.UNKNOWN}


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7_000),
        ({"retry-after": "0.5"}, 500),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "999999"}, LONGEST_RETRY_MS),
        ({"retry-after-ms": "250", "retry-after": "9"}, 250),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:25 GMT"}, 5_000),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"retry-after": "Tue, 99 Nov 2023 22:13:00 GMT"}, None),
    ],
)
def test_a_server_says_how_long_it_wants_to_be_left_alone(headers: dict[str, str], wanted: int | None) -> None:
    assert retry_ms(headers, now_ms=NOW_MS) == wanted


@given(st.text(max_size=40))
def test_whatever_a_server_says_the_wait_is_bounded(text: str) -> None:
    found = retry_ms({"retry-after": text, "retry-after-ms": text}, now_ms=NOW_MS)
    assert found is None or 0 <= found <= LONGEST_RETRY_MS
